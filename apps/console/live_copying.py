"""What the console's live pages about copying show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from apps.accounts.models import User
from apps.accounts.selectors import product_config
from apps.common.live_pages import STAFF_GROUP, LivePage, Params, Section, section
from apps.console.live import by_permissions, may_look
from apps.copytrading.errors import MasterNotFound
from apps.copytrading.selectors import (
    STATE_CHOICES,
    LatencyFigures,
    LiveEvent,
    MasterRow,
    latency,
    live_feed,
    master_by_uuid,
    master_row,
    outcomes_of,
)

EVENTS_SHOWN, OUTCOMES_SHOWN = 25, 25
_LIVE, _MASTER = (f"console/{name}.html#" for name in ("live", "masters/overview"))


@dataclass(frozen=True, slots=True)
class Hop:
    """One hop's quantiles in milliseconds since the event was received; bars in percent."""

    number: int
    name: str
    p50: float | None
    p95: float | None
    p99: float | None
    bar: str
    mark_50: str
    mark_95: str


@dataclass(frozen=True, slots=True)
class EventRow:
    """A master's event with the lengths of its hops, in milliseconds, one after the other."""

    event: LiveEvent
    hops: tuple[float, ...]
    total: float | None


def hop_rows(figures: LatencyFigures) -> list[Hop]:
    """The hops in order, drawn to the scale of the slowest one."""
    named = (
        ("Planned", figures.planned),
        ("Sent", figures.sent),
        ("Accepted", figures.accepted),
        ("Filled", figures.filled),
    )
    scale = max((q.p99 or 0.0 for _, q in named), default=0.0) or 1.0

    def part(value: float | None) -> str:
        return f"{min(100.0, 100 * (value or 0.0) / scale):.2f}"

    return [
        Hop(i, name, q.p50, q.p95, q.p99, part(q.p99), part(q.p50), part(q.p95))
        for i, (name, q) in enumerate(named, 1)
    ]


def event_row(event: LiveEvent) -> EventRow:
    """Turn times since receipt into the lengths of hops."""
    times = [t for t in (event.to_planned_ms, event.to_sent_ms, event.to_filled_ms) if t]
    lengths = (after - before for before, after in zip([0.0, *times], times, strict=False))
    return EventRow(event, tuple(max(0.0, t) for t in lengths), max(times, default=None))


def chosen_master(params: Params) -> int | None:
    """Account of the master that the page is filtered by."""
    if not params.get("master"):
        return None
    return master_by_uuid(params["master"]).account_id


def chosen_state(params: Params) -> str | None:
    """State of outcomes that the page is filtered by."""
    state = params.get("state", "")
    return state if state in dict(STATE_CHOICES) else None


def _live_sections(user: User, params: Params) -> Iterable[Section]:
    account_id = chosen_master(params)
    yield from _feed(account_id)
    outcomes = outcomes_of(
        master_account_id=account_id, state=chosen_state(params), limit=OUTCOMES_SHOWN
    )
    yield section(
        "live-outcomes",
        f"{_LIVE}outcome",
        outcomes.rows,
        key=lambda row: row.id,
        empty=f"{_LIVE}no_outcome",
    )


def _feed(account_id: int | None) -> Iterable[Section]:
    figures = latency(master_account_id=account_id)
    yield section("live-figures", f"{_LIVE}figures", [figures], key=lambda _: "all", tag="div")
    yield section(
        "live-hops",
        f"{_LIVE}hop",
        hop_rows(figures),
        key=lambda hop: hop.number,
        tag="div",
    )
    events = [event_row(e) for e in live_feed(master_account_id=account_id, limit=EVENTS_SHOWN)]
    yield section(
        "live-events",
        f"{_LIVE}event",
        events,
        key=lambda row: row.event.event_id,
        empty=f"{_LIVE}no_event",
    )


def master_of(uuid: str) -> MasterRow:
    """One master as the list shows it; MasterNotFound."""
    return master_row(master_by_uuid(uuid).pk)


def _master_sections(user: User, params: Params) -> Iterable[Section]:
    yield figures_of(master_of(params["uuid"]))


def figures_of(row: MasterRow) -> Section:
    """What moves on a master's overview."""
    return section("master-figures", f"{_MASTER}figures", [row], key=lambda r: r.id, tag="div")


def _trades_sections(user: User, params: Params) -> Iterable[Section]:
    yield from _feed(master_by_uuid(params["uuid"]).account_id)


def _may_see(user: User, params: Params) -> bool:
    if not (may_look(user, params) and product_config().copy_trading_enabled):
        return False
    uuid = params.get("uuid") or params.get("master")
    try:
        if uuid:
            master_by_uuid(uuid)
    except (MasterNotFound, ValidationError):
        return False
    return True


def _staff(user: Any, params: Params) -> Iterable[str]:
    return (STAFF_GROUP,)


LIVE = LivePage("live", _may_see, _staff, _live_sections, audience=by_permissions)
MASTER = LivePage("master", _may_see, _staff, _master_sections, audience=by_permissions)
MASTER_TRADES = LivePage(
    "master_trades", _may_see, _staff, _trades_sections, audience=by_permissions
)
