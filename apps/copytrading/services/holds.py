"""One symbol of a netting or spot account belongs to one subscription at a time.

Planning has looked who holds it, but another master may be planned at the same moment. So the
symbol is taken in the transaction that commits the order; who comes second is skipped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from apps.copytrading.domain.codes import Code, OutcomeState
from apps.copytrading.domain.link import Link, LinkState, given_up
from apps.copytrading.domain.plan import Changed, Ended, Plan, Planned
from apps.copytrading.domain.rows import Row
from apps.copytrading.domain.steps import Ending
from apps.copytrading.services import sql
from apps.trading.orders import Leg

# Waits for others who are just taking the same; in one order, so that nobody waits in a circle.
_TAKE = """
    INSERT INTO copytrading_symbolhold (account_id, instrument_id, subscription_id)
    SELECT * FROM unnest(%s::bigint[], %s::text[], %s::bigint[]) AS h (a, i, s)
    ORDER BY a, i ON CONFLICT DO NOTHING
"""

_TAKEN = """
    SELECT h.account_id, h.instrument_id, h.subscription_id FROM copytrading_symbolhold h
    JOIN unnest(%s::bigint[], %s::text[]) AS w (a, i)
        ON h.account_id = w.a AND h.instrument_id = w.i
"""

_LEAVE = """
    DELETE FROM copytrading_symbolhold h WHERE h.subscription_id = ANY(%s)
    AND NOT EXISTS (SELECT 1 FROM copytrading_tradelink l WHERE l.state = 'open'
        AND l.subscription_id = h.subscription_id AND l.instrument_id = h.instrument_id)
    AND NOT EXISTS (SELECT 1 FROM copytrading_pendinglink p WHERE p.closed_at IS NULL
        AND p.subscription_id = h.subscription_id AND p.instrument_id = h.instrument_id)
"""


def hold_symbols(made: Plan) -> Plan:
    """Take the symbols of what begins to be held; what is another's ends without an order.

    In the transaction that commits the orders.
    """
    wanted = [p for p in made.orders if p.row.netting and _begins(p)]
    if not wanted:
        return made
    holders = take([_place(planned) for planned in wanted])
    for planned in wanted:
        if not _took(planned, holders):
            _refuse(made, planned)
    return made


Place = tuple[int, str, int]  # account, instrument, subscription


def take(places: Iterable[Place]) -> dict[tuple[int, str], int]:
    """Take symbols; answers who has each of them now."""
    columns = [list(column) for column in zip(*places, strict=True)]
    sql.execute(_TAKE, columns)
    return {(row[0], row[1]): row[2] for row in sql.rows(_TAKEN, columns[:2])}


def leave(links: Iterable[tuple[Row, Link]]) -> None:
    """Give up the symbols of netting accounts of which a subscription holds nothing any more."""
    ended = {
        row.subscription_id
        for row, link in links
        if row.netting and link.state is not LinkState.OPEN
    }
    give_back(ended)


def give_back(subscription_ids: Collection[int]) -> None:
    """The same for whatever these subscriptions do not hold, and have no order for, any more."""
    if subscription_ids:
        sql.execute(_LEAVE, [sorted(subscription_ids)])


def _begins(planned: Planned) -> bool:
    # A link may have counted parts that were too small before anything is held.
    return planned.order.leg is Leg.OPEN and planned.link.held <= 0


def _place(planned: Planned) -> Place:
    row, _, link = planned
    return row.account_id, link.instrument_id, row.subscription_id


def _took(planned: Planned, holders: dict[tuple[int, str], int]) -> bool:
    account_id, instrument_id, subscription_id = _place(planned)
    return holders.get((account_id, instrument_id)) == subscription_id


def _refuse(made: Plan, planned: Planned) -> None:
    row, order, link = planned
    made.orders = [other for other in made.orders if other is not planned]
    made.changes = [change for change in made.changes if change.order is not order]
    if link.link_id:
        made.changes.append(Changed(row, given_up(link, order.units), None))
    waiting = [w for w in made.waits if w.row is row and w.event.position_key == link.position_key]
    made.waits = [wait for wait in made.waits if wait not in waiting]
    ends = [(order.event, Code.SYMBOL_IN_USE), *((w.event, Code.NOT_LINKED) for w in waiting)]
    for event, code in ends:
        numbers = order.numbers if event is order.event else {}
        made.endings.append(Ended(row, Ending(event, OutcomeState.SKIPPED, code, numbers, None)))
