"""Replaying a subscription: recorded events and settings through the planning code again.

With the recorded settings every outcome must come out as it was written. With some of them
changed it shows what would have been.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import models

from apps.copytrading.domain.events import MasterEvent
from apps.copytrading.domain.limits import BOUNDS
from apps.copytrading.domain.replay import replay
from apps.copytrading.domain.replay_items import Result
from apps.copytrading.errors import InvalidSettings
from apps.copytrading.models import CopySubscription
from apps.copytrading.services.replay_known import Known, Settings, copy_of
from apps.copytrading.services.settings import FIELDS
from apps.copytrading.services.tape import cuts, tape_of
from apps.copytrading.services.tape_record import load_record


class Line(NamedTuple):
    """One event: what was recorded of it, and what came of it now."""

    event: MasterEvent
    recorded: Result
    replayed: Result | None

    @property
    def same(self) -> bool:
        return self.replayed is not None and self.recorded.same_as(self.replayed)


@dataclass(frozen=True, slots=True)
class Replayed:
    """Every event that could be replayed, in order.

    ``left_out`` counts outcomes whose events are not in the journal. ``guessed`` counts the
    moments for which the record does not say how the accounts stood, so that what was known last
    was taken.
    """

    lines: list[Line]
    left_out: int
    guessed: int
    lot_units: Decimal

    @property
    def differing(self) -> list[Line]:
        return [line for line in self.lines if not line.same]


def settings_from(pairs: Sequence[str]) -> dict[str, Any]:
    """Settings from texts like ``risk_multiplier=0.5``; InvalidSettings says what is wrong."""
    found, errors = {}, {}
    for pair in pairs:
        name, given, text = pair.partition("=")
        name = name.strip()
        if not given or name not in FIELDS | {"status"}:
            errors[name] = f"'{pair}' is not name=value of a setting of a copy."
            continue
        setting = CopySubscription._meta.get_field(name)
        assert isinstance(setting, models.Field)
        try:
            value = text.strip() or None
            found[name] = setting.clean(value, CopySubscription())
            bounds = BOUNDS.get(name)
            if bounds is not None and found[name] is not None and not bounds.holds(found[name]):
                errors[name] = f"{name}: {bounds.in_words}"
        except ValidationError as wrong:
            errors[name] = f"{name}: {' '.join(wrong.messages)}"
    if errors:
        raise InvalidSettings(errors)
    return found


def replay_subscription(
    subscription_id: int,
    *,
    settings: Settings | None = None,
    first: int | None = None,
    last: int | None = None,
) -> Replayed:
    """Replay all that is recorded of a subscription; ``first`` and ``last`` bound what is told.

    It always begins at the beginning: what a link holds comes of all that was before. NotFound
    where there is no such subscription.
    """
    record = load_record(subscription_id)
    known = Known(copy_of(subscription_id), record, settings or {})
    results = replay(tape_of(cuts(record), known.given), record.answers())
    lines = [
        Line(record.events[pk], recorded, results.get(pk))
        for pk, recorded in record.results().items()
        if (first is None or pk >= first) and (last is None or pk <= last)
    ]
    return Replayed(lines, len(record.left_out), known.guessed, known.lot_units())
