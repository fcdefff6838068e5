"""Closes of which nobody knows: the deals on the platform that must have been theirs.

A close by position may carry no id of ours, so it is known by its effect. Another close of the
same position may have had the same effect shortly before: the links of a netting account share
one position, and each of them may have a close under way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from apps.execution.gateway.db import Database
from apps.execution.gateway.tickets import Ticket, Tickets
from apps.execution.intents import Col
from apps.platforms.ports import Connector, Finding, Presence
from apps.trading.deals import Deal, DealEffect
from apps.trading.orders import Leg, OrderState

AtRest = Callable[[], AbstractAsyncContextManager[None]]

#: An order without an answer or a fill for this long is asked for.
QUIET = timedelta(seconds=10)
_CLOCK_SLACK = timedelta(seconds=5)

# Deals and platform orders that are known to belong to other orders of ours.
_TAKEN = """
    SELECT platform_order_id FROM execution_deal
    WHERE account_id = %s AND deal_id = ANY(%s) AND client_order_id NOT IN ('', %s)
    UNION
    SELECT platform_order_id FROM execution_order
    WHERE account_id = %s AND platform_order_id = ANY(%s) AND client_order_id <> %s
"""

_ENDED = """
    SELECT state, code, message FROM execution_order
    WHERE client_order_id = %s AND final_at IS NOT NULL
"""


class Closes:
    """Looks for the deals of closes on one connection.

    ``at_rest`` holds the write-back still: a ticket is forgotten when its row is about to be
    stored, and in between neither the tickets nor the database know whose its deals are.
    """

    def __init__(
        self, database: Database, connector: Connector, tickets: Tickets, at_rest: AtRest
    ) -> None:
        self._database = database
        self._connector = connector
        self._tickets = tickets
        self._at_rest = at_rest

    async def ended(self, ticket: Ticket) -> bool:
        """Whether the gateway before has said after all what became of it; then it has ended.

        Its rest may be closed anew already, and would look like its own deal.
        """
        for state, code, message in await self._database.rows(_ENDED, [ticket.cid]):
            ticket.finish(OrderState(state), datetime.now(UTC), code, message)
        return ticket.final

    async def find(self, ticket: Ticket) -> Finding:
        """The deals of a close, and what they left of its position."""
        deals = await self._connector.deals_since(
            ticket.account, ticket.committed_at - _CLOCK_SLACK
        )
        orders: dict[str, list[Deal]] = defaultdict(list)
        for deal in deals:
            if self._may_be(ticket, deal):
                orders[deal.platform_order_id].append(deal)
        free = await self._free(ticket, orders)
        rivals = self._rivals(ticket) if free else []
        mine = _likeliest(ticket.units, [d for d in free if not _of_another(ticket, d, rivals)])
        if mine and _doubtful(ticket, mine, rivals):
            return Finding(Presence.UNKNOWN)
        if not mine:
            return Finding(Presence.ABSENT)
        ticket.platform_order_id = mine[0].platform_order_id
        self._tickets.index(ticket)
        # Read after the deals: an older one might still show what they have closed.
        snapshot = await self._connector.snapshot(ticket.account)
        position_id = ticket.row[Col.POSITION_ID]
        left = next((p for p in snapshot.positions if p.position_id == position_id), None)
        return Finding(Presence.FOUND, deals=tuple(mine), position=left)

    async def _free(
        self, ticket: Ticket, orders: Mapping[str, Sequence[Deal]]
    ) -> list[Sequence[Deal]]:
        """The deals of those platform orders that belong to no other order of ours."""
        if not orders:
            return []
        async with self._at_rest():
            taken = await self._taken(ticket, orders)
            # Others that were asked for meanwhile may have found theirs among these.
            left = [deals for number, deals in orders.items() if number not in taken]
            return [deals for deals in left if self._may_be(ticket, deals[0])]

    def _may_be(self, ticket: Ticket, deal: Deal) -> bool:
        """A deal that closes this position and belongs to no other order under way."""
        if deal.position_id != ticket.row[Col.POSITION_ID] or deal.effect is DealEffect.OPEN:
            return False
        if deal.client_order_id and deal.client_order_id != ticket.cid:
            return False
        owner = self._tickets.of_deal(ticket.account, deal)
        return owner is None or owner is ticket

    def _rivals(self, ticket: Ticket) -> list[Ticket]:
        """Other closes of the position that were sent, and whose order is not known either."""
        position_id = ticket.row[Col.POSITION_ID]
        return [
            other
            for other in self._tickets.by_client_id.values()
            if other is not ticket
            and other.leg == Leg.CLOSE
            and other.account == ticket.account
            and other.row[Col.POSITION_ID] == position_id
            and other.sent_at is not None
            and not (other.final or other.platform_order_id)
        ]

    async def _taken(self, ticket: Ticket, orders: Mapping[str, Sequence[Deal]]) -> set[str]:
        """Platform orders that are stored as another order's."""
        account_id, ids = ticket.row[Col.ACCOUNT_ID], list(orders)
        deal_ids = [deal.deal_id for deals in orders.values() for deal in deals]
        values = [account_id, deal_ids, ticket.cid, account_id, ids, ticket.cid]
        return {row[0] for row in await self._database.rows(_TAKEN, values)}


def _of_another(ticket: Ticket, deals: Sequence[Deal], rivals: Sequence[Ticket]) -> bool:
    """Whether deals closed exactly what another close under way wants, and not what this one does.

    Had that one closed less, this one could still have closed a part: that is what is refused.
    """
    total = _total(deals)
    if total == ticket.units:
        return False
    return any(total == other.units for other in rivals if _in_time(other, deals))


def _doubtful(ticket: Ticket, deals: Sequence[Deal], rivals: Sequence[Ticket]) -> bool:
    """Whether another close that still waits for its answer may have made these deals as well.

    Of two that nobody answers any more the one that was sent first takes them.
    """
    total = _total(deals)
    able = [r for r in rivals if _in_time(r, deals) and total <= r.units]
    if total == ticket.units:
        able = [other for other in able if total == other.units]
    return any(_awaits_answer(other) or _earlier(other, ticket) for other in able)


def _awaits_answer(ticket: Ticket) -> bool:
    """Whether the platform may still say by itself which order it became."""
    since = ticket.accepted_at or ticket.sent_at
    if since is None or ticket.state is OrderState.UNKNOWN:
        return False
    return datetime.now(UTC) - since < QUIET


def _in_time(ticket: Ticket, deals: Sequence[Deal]) -> bool:
    """Whether it was on its way when these deals were made."""
    assert ticket.sent_at is not None
    return ticket.sent_at - _CLOCK_SLACK <= max(deal.executed_at for deal in deals)


def _earlier(one: Ticket, other: Ticket) -> bool:
    """Whether it was sent before the other; of the same moment, one of the two."""
    never = datetime.max.replace(tzinfo=UTC)
    return (one.sent_at or never, one.cid) < (other.sent_at or never, other.cid)


def _total(deals: Sequence[Deal]) -> Decimal:
    return sum((deal.units for deal in deals), Decimal(0))


def _likeliest(units: Decimal, orders: Sequence[Sequence[Deal]]) -> Sequence[Deal]:
    """Of several orders the oldest that closed as much as was asked for, else less; never more."""
    fitting = [(_total(deals), deals) for deals in orders]
    exact = [deals for total, deals in fitting if total == units]
    part = [deals for total, deals in fitting if total < units]
    return next(iter(exact + part), ())
