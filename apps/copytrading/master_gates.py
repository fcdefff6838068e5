"""Reading which masters take no new followers now, and why; and when they did not before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.common.database import prepared_rows
from apps.copytrading.domain.master_gates import GateRule
from apps.copytrading.models import MasterGate


@dataclass(frozen=True, slots=True)
class GateRow:
    """A rule that a master is, or was, beyond. Figures in percent, leverage in times equity.

    ``worst`` is the largest figure so far, ``most`` the limit, ``reason`` a sentence.
    """

    master_id: int
    rule: GateRule
    value: Decimal
    worst: Decimal
    most: Decimal
    reason: str
    began_at: datetime
    lifted_at: datetime | None
    lifted_why: str

    @property
    def label(self) -> str:
        return self.rule.label


_FIELDS = tuple(GateRow.__dataclass_fields__)
_OPEN = f"""
    SELECT {", ".join(_FIELDS)} FROM copytrading_mastergate
    WHERE master_id = ANY(%s) AND lifted_at IS NULL ORDER BY began_at, id
"""


def gates_of(masters: Collection[int]) -> dict[int, list[GateRow]]:
    """The gates that hold now, by master (ids), the oldest first; one query.

    A master that is missing from the answer takes new followers, as far as rules are concerned.
    """
    found: dict[int, list[GateRow]] = defaultdict(list)
    if not masters:
        return {}
    for row in prepared_rows(_OPEN, [list(masters)]):
        found[row[0]].append(_row(row))
    return dict(found)


def gate_history(master_id: int, *, limit: int = 20) -> list[GateRow]:
    """The gates of a master, those that hold among them, newest first."""
    rows = MasterGate.objects.filter(master_id=master_id).order_by("-began_at", "-id")
    return [_row(row) for row in rows.values_list(*_FIELDS)[:limit]]


def _row(values: tuple) -> GateRow:  # type: ignore[type-arg]
    master_id, rule, *others = values
    return GateRow(master_id, GateRule(rule), *others)
