"""Storing links, their legs, and what they have won or lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from apps.copytrading.domain.link import Link, LinkState
from apps.copytrading.domain.rows import Row
from apps.copytrading.services import sql
from apps.copytrading.services.holds import leave

_COPY = """
    COPY copytrading_tradelink
        (subscription_id, master_account_id, account_id, position_key, symbol, instrument_id,
         side, state, ratio, grows, master_units, target_units, held_units, stop_loss,
         take_profit, position_id, in_flight, close_cause, master_price, result,
         opened_event_id, last_event_id, opened_at, closed_at)
    FROM STDIN
"""

_UPDATE = """
    UPDATE copytrading_tradelink l
    SET state = x.state, master_units = x.master_units, target_units = x.target,
        held_units = x.held, stop_loss = x.stop_loss, take_profit = x.take_profit,
        master_price = x.master_price,
        position_id = x.position_id, in_flight = x.in_flight, last_event_id = x.last_event_id,
        close_cause = x.close_cause, result = l.result + x.result,
        closed_at = CASE WHEN x.state = 'open' THEN NULL ELSE coalesce(l.closed_at, %s) END
    FROM json_to_recordset(%s) AS x (
        link_id bigint, state text, master_units numeric, target numeric, held numeric,
        stop_loss numeric, take_profit numeric, master_price numeric, position_id text,
        in_flight text, last_event_id bigint, close_cause text, result numeric)
    WHERE l.id = x.link_id
"""

# Before what is held now is written.
_TAKEN = """
    INSERT INTO copytrading_linkcorrection
        (link_id, kind, at, held_before, held_after, client_order_id)
    SELECT l.id, 'taken', %s, l.held_units, greatest(0, l.held_units - x.lost), ''
    FROM json_to_recordset(%s) AS x (link_id bigint, lost numeric)
    JOIN copytrading_tradelink l ON l.id = x.link_id
"""

_REOPENED = """
    INSERT INTO copytrading_linkcorrection
        (link_id, kind, at, held_before, held_after, client_order_id)
    SELECT l.id, 'reopened', %s, l.held_units, x.held, x.in_flight
    FROM json_to_recordset(%s) AS x (link_id bigint, held numeric, in_flight text)
    JOIN copytrading_tradelink l ON l.id = x.link_id
"""

_LINK_RESULTS = """
    UPDATE copytrading_tradelink l SET result = result + x.amount
    FROM json_to_recordset(%s) AS x (link_id bigint, amount numeric)
    WHERE l.id = x.link_id RETURNING l.subscription_id, x.amount
"""

_RESULTS = """
    UPDATE copytrading_copysubscription s SET result = s.result + x.amount
    FROM json_to_recordset(%s) AS x (subscription_id bigint, amount numeric)
    WHERE s.id = x.subscription_id
"""

_LEGS = """
    INSERT INTO copytrading_linkleg
        (link_id, account_id, position_id, units, opened_units, open_price, seen_deal_id, opened_at)
    SELECT link_id, account_id, position_id, change, change, price, 0, %s
    FROM json_to_recordset(%s) AS x (
        link_id bigint, account_id bigint, position_id text, change numeric, price numeric)
    ON CONFLICT (link_id, position_id) DO UPDATE
    SET units = copytrading_linkleg.units + excluded.units,
        opened_units = copytrading_linkleg.opened_units + excluded.opened_units,
        open_price = (copytrading_linkleg.open_price * copytrading_linkleg.opened_units
                      + excluded.open_price * excluded.opened_units)
                     / (copytrading_linkleg.opened_units + excluded.opened_units)
"""

_LEGS_HELD = """
    UPDATE copytrading_linkleg g SET units = x.held,
        closed_at = CASE WHEN x.held > 0 THEN NULL ELSE coalesce(g.closed_at, %s) END
    FROM json_to_recordset(%s) AS x (link_id bigint, position_id text, held numeric)
    WHERE g.link_id = x.link_id AND g.position_id = x.position_id
"""

_FIELDS = (
    "link_id", "state", "master_units", "target", "held", "stop_loss", "take_profit",
    "master_price", "position_id", "in_flight", "last_event_id", "close_cause",
)  # fmt: skip
_CHANGING = (*_FIELDS, "result")
_changing = attrgetter(*_FIELDS)
_NO_RESULTS: Mapping[int, Decimal] = {}


def store_links(
    master_account_id: int,
    links: Sequence[tuple[Row, Link]],
    now: datetime,
    results: Mapping[int, Decimal] = _NO_RESULTS,
) -> None:
    """Write links in their new form: stored ones are updated first, then new ones added.

    ``results`` is realised money (account currency) by link id, of links among these; it is
    added to the links and their subscriptions. What others took of them is noted.
    """
    # A link may pass through several forms in one step; the last one stands.
    stored = {link.link_id: link for _, link in links if link.link_id}
    if stored:
        if lost := [{"link_id": k, "lost": link.lost} for k, link in stored.items() if link.lost]:
            sql.execute(_TAKEN, [now, sql.as_json(lost)])
        changes = [
            dict(zip(_CHANGING, (*_changing(link), results.get(pk, 0)), strict=True))
            for pk, link in stored.items()
        ]
        sql.execute(_UPDATE, [now, sql.as_json(changes)])
    if results:
        owners = {link.link_id: row.subscription_id for row, link in links if link.link_id}
        _add_to_subscriptions(
            (owners[pk], amount) for pk, amount in results.items() if amount and pk in owners
        )
    new = [(row, link) for row, link in links if not link.link_id]
    if new:
        sql.copy_in(_COPY, (_new_values(master_account_id, *pair, now) for pair in new))
    leave(links)


def note_reopened(links: Iterable[Link], now: datetime) -> None:
    """Note of links, before they are stored, that an order in flight opens them again."""
    noted = [
        {"link_id": link.link_id, "held": link.held, "in_flight": link.in_flight} for link in links
    ]
    if noted:
        sql.execute(_REOPENED, [now, sql.as_json(noted)])


def _new_values(master_account_id: int, row: Row, link: Link, now: datetime) -> tuple[object, ...]:
    return (
        row.subscription_id, master_account_id, row.account_id, link.position_key, link.symbol,
        link.instrument_id, link.side.value, link.state.value, link.ratio, link.grows,
        link.master_units, link.target, link.held, link.stop_loss, link.take_profit,
        link.position_id, link.in_flight, link.close_cause, link.master_price, 0,
        link.opened_event_id, link.last_event_id, now,
        None if link.state is LinkState.OPEN else now,
    )  # fmt: skip


def add_results(results: Mapping[int, Decimal]) -> None:
    """Add realised money (account currency) to links, by their id, and their subscriptions."""
    records = [{"link_id": pk, "amount": amount} for pk, amount in results.items() if amount]
    if records:
        _add_to_subscriptions(sql.rows(_LINK_RESULTS, [sql.as_json(records)]))


def _add_to_subscriptions(amounts: Iterable[Sequence[Any]]) -> None:
    totals: dict[int, Decimal] = defaultdict(Decimal)
    for subscription_id, amount in amounts:
        totals[subscription_id] += amount
    if totals:
        records = [{"subscription_id": pk, "amount": amount} for pk, amount in totals.items()]
        sql.execute(_RESULTS, [sql.as_json(records)])


def store_legs(
    opened: Sequence[Mapping[str, object]], held: Sequence[Mapping[str, object]], now: datetime
) -> None:
    """Write follower positions: what fills added to them, and what is held of them now."""
    if opened:
        sql.execute(_LEGS, [now, sql.as_json(opened)])
    if held:
        sql.execute(_LEGS_HELD, [now, sql.as_json(held)])
