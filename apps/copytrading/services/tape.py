"""Reading the record of a subscription as a tape that can be played again.

Which events were planned together is told by the journal (they ended planning at one moment),
what waited by the moment at which it was decided on. What was known is told by the numbers of
decisions and outcomes; where they do not say it, what was known last is taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from apps.copytrading.domain.events import MasterEvent
from apps.copytrading.domain.replay_items import (
    Answer,
    Begun,
    Detached,
    Ended,
    GoesOn,
    Item,
    OrderNews,
    Reopened,
    Run,
    Settled,
    Taken,
)
from apps.copytrading.services.tape_record import Moment, Record
from apps.trading.orders import Leg


class Cut(NamedTuple):
    """A piece of the tape before it is known what was known: its time, and its item's parts."""

    at: datetime
    order: int
    key: str
    events: tuple[MasterEvent, ...]
    settles: tuple[int, Leg] | None
    apart: Taken | Detached | Begun | Reopened | Answer | OrderNews | None
    moment: Moment


def cuts(record: Record) -> list[Cut]:
    """The pieces of the tape in the order in which they happened."""
    found: list[Cut] = []
    runs: dict[tuple[datetime, str], list[MasterEvent]] = defaultdict(list)
    for pk, event in record.events.items():
        runs[record.planned_at[pk], event.position_key].append(event)
    by_key: dict[str, list[int]] = defaultdict(list)
    for pk, event in record.events.items():
        by_key[event.position_key].append(pk)
    for (at, key), events in runs.items():
        moment = record.moment([event.id for event in events], at)
        found.append(Cut(at, 2, key, tuple(events), None, None, moment))
    for pk in record.events:
        found += _settlings(record, pk, by_key)
    for at, taken in record.taken:
        found.append(Cut(at, 1, taken.key, (), None, taken, Moment(at, (), ())))
    for own in record.own:
        key, at = own.begun.key, own.committed_at
        found.append(Cut(at, 3, key, (), None, own.begun, Moment(at, (), ())))
        moment = _waited_until(record, by_key[key], own.settled_at)
        found.append(Cut(own.settled_at, 0, key, (), None, own.answer, moment))
    for at, news in record.news:
        found.append(Cut(at, 0, news.key, (), None, news, Moment(at, (), ())))
    found += _resumptions(record, by_key, {(cut.key, cut.at) for cut in found})
    return sorted(found, key=lambda cut: (cut.at, cut.order))


def _resumptions(
    record: Record, by_key: Mapping[str, Sequence[int]], known: set[tuple[str, datetime]]
) -> Iterable[Cut]:
    """When what had waited for a resting order was decided on: at moments of its own."""
    for key, ids in by_key.items():
        times = {at for pk in ids for at in _times(record, pk)}
        for at in sorted(times):
            if (key, at) not in known:
                yield Cut(at, 2, key, (), None, None, _waited_until(record, ids, at))


def _times(record: Record, pk: int) -> Iterable[datetime]:
    decisions = record.decided.get(pk, [])
    if decisions:
        return [record.decided_on(pk, made) for made in decisions]
    return [record.written[pk].planned_at]


def _settlings(record: Record, pk: int, by_key: Mapping[str, Sequence[int]]) -> Iterable[Cut]:
    """When the orders of an event ended: with the next one of it, the last with its outcome."""
    decisions = record.decided.get(pk)
    if not decisions:
        return
    ends = [made.decided_at for made in decisions[1:]] + [record.written[pk].final_at]
    key = record.events[pk].position_key
    for made, at in zip(decisions, ends, strict=True):
        moment = _waited_until(record, by_key[key], at)
        yield Cut(at, 0, key, (), (pk, made.leg), None, moment)


def _waited_until(record: Record, event_ids: Sequence[int], at: datetime) -> Moment:
    """What came of the events of a position that were decided on when an order ended."""
    return record.moment([pk for pk in event_ids if _decided_at(record, pk, at)], at)


def _decided_at(record: Record, pk: int, at: datetime) -> bool:
    decisions = record.decided.get(pk, [])
    if decisions:
        return any(made.decided_at == at for made in decisions)
    return record.written[pk].planned_at == at


def tape_of(found: Iterable[Cut], given: Any) -> list[Item]:
    """The tape; ``given`` makes what was known of a piece."""
    items: list[Item] = []
    for cut in found:
        if isinstance(cut.apart, Answer):
            items.append(Ended(cut.key, cut.apart, given(cut)))
        elif cut.apart is not None:
            items.append(cut.apart)
        elif cut.settles is not None:
            items.append(Settled(cut.key, *cut.settles, given(cut)))
        elif not cut.events:
            items.append(GoesOn(cut.key, given(cut)))
        else:
            items.append(Run(cut.key, cut.events, given(cut)))
    return items
