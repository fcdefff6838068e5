"""Keeping masters from new followers while a rule is broken, and letting them again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from apps.copytrading.domain.master_gates import (
    LARGEST,
    GateRule,
    Measured,
    eased,
    is_beyond,
    reason,
)
from apps.copytrading.models import CopyMaster, MasterGate
from apps.copytrading.services import sql
from apps.copytrading.services.acting import audit, publish_change

Matter = tuple[int, GateRule]
_LOCK = 0x6D676174
_CENT = Decimal("0.01")
_NO_MASTER = Measured(None, Decimal(1))


def standing_gates() -> set[Matter]:
    """Masters and rules for which a gate holds now."""
    found = MasterGate.objects.filter(lifted_at=None).values_list("master_id", "rule")
    return {(master_id, GateRule(rule)) for master_id, rule in found}


@transaction.atomic
def keep_gates(found: Mapping[Matter, Measured], *, now: datetime) -> tuple[int, int]:
    """Begin and lift gates by these figures; answers how many were begun and lifted.

    ``found`` has the figure of every master and rule that is beyond its limit or may be, and of
    all for which a gate holds; one that is missing is no master any more, and its gate is lifted.
    Each change is in the audit trail. Nothing is done while another run is at it.
    """
    if not sql.rows("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])[0][0]:
        return 0, 0
    standing = {
        (gate.master_id, GateRule(gate.rule)): gate
        for gate in MasterGate.objects.filter(lifted_at=None)
    }
    begun: list[MasterGate] = []
    moved: list[MasterGate] = []
    for (master_id, rule), measured in found.items():
        gate = standing.get((master_id, rule))
        if not is_beyond(measured, stands=gate is not None):
            continue
        standing.pop((master_id, rule), None)
        if gate is None:
            gate = MasterGate(master_id=master_id, rule=rule, worst=0, began_at=now)
            begun.append(gate)
        elif measured.value is None or not _differs(gate, measured):
            continue
        else:
            moved.append(gate)
        _write(gate, rule, measured)
    MasterGate.objects.bulk_create(begun)
    MasterGate.objects.bulk_update(moved, ["value", "worst", "most", "reason"], batch_size=500)
    lifted = list(standing.values())
    for gate in lifted:
        measured = found.get((gate.master_id, GateRule(gate.rule)), _NO_MASTER)
        gate.lifted_at, gate.lifted_why = now, eased(GateRule(gate.rule), measured)
    MasterGate.objects.bulk_update(lifted, ["lifted_at", "lifted_why"], batch_size=500)
    _tell(begun, lifted)
    return len(begun), len(lifted)


def _differs(gate: MasterGate, measured: Measured) -> bool:
    assert measured.value is not None
    return (gate.value, gate.most) != (_rounded(measured.value), measured.most)


def _write(gate: MasterGate, rule: GateRule, measured: Measured) -> None:
    assert measured.value is not None
    gate.value, gate.most = _rounded(measured.value), measured.most
    gate.worst = max(gate.worst, gate.value)
    gate.reason = reason(rule, gate.value, gate.most)


def _rounded(value: Decimal) -> Decimal:
    return min(value, LARGEST).quantize(_CENT)


def _tell(begun: Iterable[MasterGate], lifted: Iterable[MasterGate]) -> None:
    """The audit trail, which notifications listen to; live pages of the masters look again."""
    changes = [*((gate, False) for gate in begun), *((gate, True) for gate in lifted)]
    masters = CopyMaster.objects.select_related("account").in_bulk(
        {gate.master_id for gate, _ in changes}
    )
    for gate, over in changes:
        numbers = {"rule": gate.rule, "value": gate.value, "limit": gate.most}
        audit(
            None,
            "master.ungate" if over else "master.gate",
            masters[gate.master_id],
            gate.lifted_why if over else gate.reason,
            after=numbers,
        )
        publish_change(masters[gate.master_id].account_id)
