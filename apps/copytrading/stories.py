"""One outcome in full: its way, its numbers, what belongs to it, and its seal."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.copytrading.domain.hints import SETTINGS
from apps.copytrading.domain.number_words import NumberRow, number_rows
from apps.copytrading.errors import NotFound
from apps.copytrading.ledger import Search, search
from apps.copytrading.rows import OutcomeRow
from apps.copytrading.services import sql
from apps.copytrading.services.verifying import Checked, verify
from apps.copytrading.setting_words import LABELS

#: Outcomes of the same position are looked for among so many before and after.
_AROUND = 5_000
_RELATED = 60


@dataclass(frozen=True, slots=True)
class Hop:
    """A moment on the way of a copy; milliseconds since the one before and since receipt.

    ``number`` (1 to 4) is the colour of the stretch that ends here, 0 for none.
    """

    name: str
    at: datetime
    since_before: float | None
    since_received: float
    number: int


@dataclass(frozen=True, slots=True)
class Seal:
    """An outcome's place in the chain of its copy; ``sealed_upto`` is where that ends now."""

    number: int | None
    digest: str
    sealed_upto: int


@dataclass(frozen=True, slots=True)
class SentOrder:
    """An order that was sent for an outcome's event; volumes in units."""

    leg: str
    client_order_id: str
    platform_order_id: str
    state: str
    units: Decimal
    filled_units: Decimal
    average_price: Decimal | None

    @property
    def state_words(self) -> str:
        return self.state.replace("_", " ") or "not sent"


@dataclass(frozen=True, slots=True)
class OutcomeStory:
    """All that is known of one outcome. ``settings`` are (field, label) that would change it."""

    row: OutcomeRow
    hops: list[Hop]
    numbers: list[NumberRow]
    settings: list[tuple[str, str]]
    orders: list[SentOrder]
    related: list[OutcomeRow]
    seal: Seal


def outcome_story(outcome_id: int, *, user_id: int | None = None) -> OutcomeStory:
    """An outcome with everything around it; NotFound, also for a stranger's."""
    found = search(Search(outcome_id=outcome_id, user_id=user_id), limit=1).rows
    if not found:
        raise NotFound("There is no such outcome.")
    row = found[0]
    return OutcomeStory(
        row=row,
        hops=hops_of(row),
        numbers=number_rows(row.numbers, row.lot_units),
        settings=[(name, LABELS[name]) for name in SETTINGS.get(row.reason_code, ())],
        orders=_orders(row),
        related=_related(row),
        seal=_seal(row),
    )


def hops_of(row: OutcomeRow) -> list[Hop]:
    """The moments that are known, in order. The master's deal may be known only roughly."""
    moments = [
        ("Master's deal", row.master_deal_at, 0),
        ("Received", row.received_at, 0),
        ("Planned", row.planned_at, 1),
        ("Sent", row.sent_at, 2),
        ("Accepted", row.accepted_at, 3),
        ("Filled", row.filled_at, 4),
        ("Outcome written", row.final_at, 0),
    ]
    hops: list[Hop] = []
    for name, at, number in moments:
        if at is None:
            continue
        before = _ms(hops[-1].at, at) if hops else None
        hops.append(Hop(name, at, before, _ms(row.received_at, at), number))
    return hops


def _ms(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() * 1000


_ORDERS = """
    SELECT d.leg, d.client_order_id, coalesce(o.platform_order_id, ''), coalesce(o.state, ''),
           d.units, coalesce(o.filled_units, 0), o.average_price
    FROM copytrading_decision d
    LEFT JOIN execution_order o ON o.client_order_id = d.client_order_id
    WHERE d.event_id = %s AND d.subscription_id = %s ORDER BY d.id
"""


def _orders(row: OutcomeRow) -> list[SentOrder]:
    found = sql.rows(_ORDERS, [row.event_id, row.subscription_id])
    return [SentOrder(*values) for values in found]


# Positions live for a while; what is far away in the copy's ledger is not looked for.
_SAME_POSITION = f"""
    SELECT id FROM (
        (SELECT id, event_id, position_key FROM copytrading_outcome
         WHERE subscription_id = %(copy)s AND event_id < %(event)s
         ORDER BY event_id DESC LIMIT {_AROUND})
        UNION ALL
        (SELECT id, event_id, position_key FROM copytrading_outcome
         WHERE subscription_id = %(copy)s AND event_id > %(event)s
         ORDER BY event_id LIMIT {_AROUND})
    ) near WHERE position_key = %(key)s ORDER BY abs(event_id - %(event)s) LIMIT {_RELATED}
"""


def _related(row: OutcomeRow) -> list[OutcomeRow]:
    """Other outcomes of the same position of the master, newest first."""
    values = {"copy": row.subscription_id, "event": row.event_id, "key": row.position_key}
    ids = [found[0] for found in sql.rows(_SAME_POSITION, values)] if row.position_key else []
    if not ids:
        return []
    return search(Search(outcome_ids=tuple(ids)), limit=_RELATED).rows


def _seal(row: OutcomeRow) -> Seal:
    found = sql.rows(
        "SELECT z.number, coalesce(z.digest, ''), coalesce(h.count, 0) "
        "FROM (SELECT %s::bigint AS outcome_id, %s::bigint AS subscription_id) o "
        "LEFT JOIN copytrading_outcomeseal z ON z.outcome_id = o.outcome_id "
        "LEFT JOIN copytrading_ledgerhead h ON h.subscription_id = o.subscription_id",
        [row.id, row.subscription_id],
    )
    return Seal(*found[0])


def check_chain(subscription_id: int, *, after: int = 0, seconds: float = 1.0) -> Checked:
    """Check the chain of a copy for about so long, beginning behind the place ``after``.

    Where the answer is not ``done`` its ``number`` is where to go on.
    """
    until = time.monotonic() + seconds
    for checked in verify(subscription_id, after=after):
        if checked.done or time.monotonic() >= until:
            break
    return checked
