"""Books and records of one run, laid out so that they can be compared."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from decimal import Decimal

from apps.benchmarks.chaos.books import BookedOrder, BookedPosition, Books
from apps.benchmarks.chaos.field import Copy, Field
from apps.benchmarks.chaos.holdings import Change
from apps.benchmarks.chaos.records import Records, SentOrder, Verdict

ZERO = Decimal(0)
#: How the cause of a close begins that is sent anew, before the event's id and '#' and a number.
_REST = "rest:event:"
Owner = tuple[int, str]
"""Subscription and master position; subscription 0 where nobody is known to own it."""


class Evidence:
    """All that an audit looks at; made once for each audit."""

    def __init__(self, field: Field, books: Books, records: Records) -> None:
        self.field = field
        self.books = books
        self.unfinished = records.unfinished()
        self.events = records.events()
        self.orders = records.orders()
        found = records.verdicts()
        self.verdicts = {(v.event_id, v.subscription_id): v for v in found}
        self.outcome_count = Counter((v.event_id, v.subscription_id) for v in found)
        self.order_of = {order.client_order_id: order for order in self.orders}
        self._closed_anew: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
        for order in self.orders:
            if order.leg == "close" and order.cause.startswith(_REST):
                self._closed_anew[_rest_of(order)] += order.filled_units
        self.venue_account = {c.account_id: c.venue_account for c in field.copies}
        self.copy_of = {copy.subscription_id: copy for copy in field.copies}
        self.copies_of: dict[int, list[Copy]] = defaultdict(list)
        for copy in field.copies:
            self.copies_of[copy.master_account_id].append(copy)
        self.event_key = {event.id: event.position_id for event in self.events}
        self._read_followers()
        self._read_masters()

    def _read_followers(self) -> None:
        """Orders that were carried out on follower accounts, and what these hold now."""
        followers = set(self.venue_account.values())
        self.opened: dict[str, list[BookedOrder]] = defaultdict(list)
        self.closed: dict[tuple[int, str], BookedOrder] = {}
        for order in self.books.orders:
            if order.account not in followers or order.by_venue:
                continue
            if order.closing:
                self.closed[order.account, order.order_id] = order
            else:
                self.opened[order.client_order_id].append(order)
        self.positions = {
            (p.account, p.position_id): p for p in self.books.positions if p.account in followers
        }
        self._owners: dict[tuple[int, str], Owner] = {}
        for client_order_id, booked in self.opened.items():
            owner = self._owner(self.order_of.get(client_order_id))
            for one in booked:
                self._owners.setdefault((one.account, one.position_id), owner)

    def _owner(self, order: SentOrder | None) -> Owner:
        if order is None or not order.cause.startswith("event:"):
            return 0, order.cause if order else "unknown order"
        event_id = int(order.cause.removeprefix("event:"))
        return int(order.relation.removeprefix("sub:")), self.event_key.get(event_id, "?")

    def _read_masters(self) -> None:
        """How each master position changed, by the books, and the event for each change."""
        ours = {m.venue_account: m.account_id for m in self.field.masters}
        event_of = {(e.account_id, e.dedupe_key): e.id for e in self.events}
        self.changes: dict[int, dict[str, list[Change]]] = defaultdict(lambda: defaultdict(list))
        self.side_of: dict[str, int] = {}
        self.symbol_of: dict[str, int] = {}
        self.unheard: list[tuple[int, str]] = []
        held: dict[str, Decimal] = defaultdict(Decimal)
        for deal in self.books.deals:
            master, key = ours.get(deal.account), deal.position_id
            if master is None:
                continue
            before = held[key]
            after = held[key] = before - deal.units if deal.closing else before + deal.units
            self.symbol_of[key] = deal.symbol_id
            if not deal.closing:
                self.side_of[key] = deal.side
            event_id = event_of.get((master, f"deal:{deal.deal_id}"))
            if event_id is None:
                self.unheard.append((master, deal.deal_id))
            else:
                self.changes[master][key].append(Change(event_id, before, after))
        self.master_positions = {
            p.position_id: p for p in self.books.positions if p.account in ours
        }

    # --- questions -------------------------------------------------------------------------------
    def carried_out(self, order: SentOrder) -> Decimal:
        """Units of an order of the product that the books show."""
        if order.leg == "open":
            return sum((o.units for o in self.opened.get(order.client_order_id, ())), ZERO)
        booked = self.closed.get((self.venue_account[order.account_id], order.platform_order_id))
        return booked.units if booked else ZERO

    def owner_of(self, position: BookedPosition) -> Owner | None:
        return self._owners.get((position.account, position.position_id))

    def held_by_owner(self) -> dict[Owner, Decimal]:
        """Signed units on hedging accounts by whom they are held for."""
        netting = {c.venue_account for c in self.field.copies if c.netting}
        held: dict[Owner, Decimal] = defaultdict(Decimal)
        for position in self.positions.values():
            if position.account not in netting:
                owner = self.owner_of(position) or (0, position.position_id)
                held[owner] += position.units * position.side
        return held

    def netted(self, account: int, symbol_id: int) -> Decimal:
        """Signed units of a symbol on an account."""
        return sum(
            (
                p.units * p.side
                for p in self.positions.values()
                if p.account == account and p.symbol_id == symbol_id
            ),
            ZERO,
        )

    def verdict_for(self, copy: Copy) -> Callable[[int], Verdict | None]:
        return lambda event_id: self.verdicts.get((event_id, copy.subscription_id))

    def closed_anew_for(self, copy: Copy) -> Callable[[int], Decimal]:
        """What was closed for an event by further orders, since its own did not get through."""
        relation = f"sub:{copy.subscription_id}"
        return lambda event_id: self._closed_anew.get((relation, event_id), ZERO)

    def stops_are_excused(self, copy: Copy, key: str) -> bool:
        """Whether the last that was said of this copy's stops is that they could not be set."""
        for event in reversed(self.events):
            verdict = self.verdicts.get((event.id, copy.subscription_id))
            if event.position_id != key or verdict is None:
                continue
            if event.kind == "protection" and verdict.state != "superseded":
                return verdict.state in ("rejected", "failed", "skipped")
            if verdict.event_kind == "opened":
                return "stop loss and take profit were not set" in verdict.message
        return False

    def held_once(self, copy: Copy, key: str) -> bool:
        """Whether anything was ever bought for this copy of a master position."""
        verdicts = (
            self.verdicts.get((change.event_id, copy.subscription_id))
            for change in self.changes[copy.master_account_id][key]
        )
        return any(verdict is not None and verdict.filled_units > 0 for verdict in verdicts)

    def story(self, copy: Copy, key: str) -> str:
        """What happened to a copy of a master position, in one line."""
        parts = []
        for event in self.events:
            if event.position_id != key or event.account_id != copy.master_account_id:
                continue
            verdict = self.verdicts.get((event.id, copy.subscription_id))
            if verdict is not None:
                parts.append(
                    f"{event.id} {verdict.event_kind} {verdict.code} "
                    f"{verdict.filled_units.normalize():f}/{verdict.units.normalize():f}"
                )
        return f"sub {copy.subscription_id} {key}: " + ", ".join(parts)

    def codes(self) -> dict[str, int]:
        """How often each reason code was given."""
        return dict(Counter(verdict.code for verdict in self.verdicts.values()).most_common())


def _rest_of(order: SentOrder) -> tuple[str, int]:
    """The relation and the event whose close this one makes up for."""
    return order.relation, int(order.cause.removeprefix(_REST).partition("#")[0])
