"""Comparing the venue's books with what the product says and with what should be there.

What counts as what is written in docs/chaos.md. Nothing of the planner is imported.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from apps.benchmarks.chaos.books import BookedOrder
from apps.benchmarks.chaos.evidence import Evidence
from apps.benchmarks.chaos.field import Copy
from apps.benchmarks.chaos.holdings import Change, Holding, should_hold
from apps.benchmarks.chaos.records import SentOrder

_SHOWN = 12
ZERO = Decimal(0)


@dataclass(slots=True)
class Findings:
    """How much is wrong, by kind; ``details`` names the first few of each."""

    lost: int = 0
    duplicates: int = 0
    unresolved: int = 0
    drift: int = 0
    details: list[str] = field(default_factory=list)

    def note(self, kind: str, text: str, count: int = 1) -> None:
        before = getattr(self, kind)
        setattr(self, kind, before + count)
        if before < _SHOWN:
            self.details.append(f"{kind}: {text}")

    @property
    def clean(self) -> bool:
        return not (self.lost or self.duplicates or self.unresolved or self.drift)


def audit(evidence: Evidence) -> Findings:
    """Everything that is wrong, each thing under the heading that fits best."""
    case = _Audit(evidence)
    case.open_ends()
    case.master_deals_have_events()
    case.events_have_outcomes()
    case.events_are_what_happened()
    case.outcomes_stand_in_the_books()
    case.books_are_explained()
    case.one_order_for_each_leg()
    case.holdings()
    case.stops()
    return case.found


class _Audit:
    """Each method looks for one kind of wrong."""

    def __init__(self, evidence: Evidence) -> None:
        self.found = Findings()
        self.seen = evidence

    def open_ends(self) -> None:
        left = self.seen.unfinished
        if left.total:
            self.found.note("unresolved", str(left), left.total)

    def master_deals_have_events(self) -> None:
        for master, deal_id in self.seen.unheard:
            self.found.note("lost", f"deal {deal_id} of master {master} has no event")

    def events_have_outcomes(self) -> None:
        for event in self.seen.events:
            for copy in self.seen.copies_of[event.account_id]:
                count = self.seen.outcome_count[event.id, copy.subscription_id]
                if count != 1:
                    kind = "duplicates" if count else "lost"
                    text = f"event {event.id} ({event.kind}) has {count} outcomes for {copy}"
                    self.found.note(kind, text)

    def events_are_what_happened(self) -> None:
        """An open is told as an open, an increase as an increase, and so on."""
        for copy in self.seen.field.copies:
            for key, changes in self.seen.changes[copy.master_account_id].items():
                for change in changes:
                    verdict = self.seen.verdict_for(copy)(change.event_id)
                    if verdict is not None and verdict.event_kind != change.kind:
                        text = f"{change} was taken for {verdict.event_kind}"
                        self.found.note("lost", f"{text}; {self.seen.story(copy, key)}")

    def outcomes_stand_in_the_books(self) -> None:
        """What an outcome says was filled was carried out."""
        for verdict in self.seen.verdicts.values():
            order = self.seen.order_of.get(verdict.client_order_id)
            if order is None or order.leg not in ("open", "close"):
                continue
            booked = self.seen.carried_out(order)
            if booked < verdict.filled_units:
                text = f"{verdict.code} says {verdict.filled_units}, booked {booked}: {order}"
                self.found.note("lost", text)

    def books_are_explained(self) -> None:
        """Whatever was carried out on a follower's account was sent once, and is known."""
        for client_order_id, booked in self.seen.opened.items():
            order = self.seen.order_of.get(client_order_id)
            total = sum((o.units for o in booked), ZERO)
            if len(booked) > 1:
                self.found.note("duplicates", f"carried out {len(booked)} times: {order}")
            elif order is None:
                self.found.note("duplicates", f"nobody knows of {booked[0]}")
            elif order.filled_units != total and not self._taken_back(booked):
                self.found.note("duplicates", f"booked {total}: {order}")
        known: dict[tuple[int, str], list[SentOrder]] = defaultdict(list)
        for order in self.seen.orders:
            if order.leg == "close" and order.filled_units:
                known[self.seen.venue_account[order.account_id], order.platform_order_id].append(
                    order
                )
        for place, closing in self.seen.closed.items():
            sent = known.get(place, [])
            if sum((o.filled_units for o in sent), ZERO) != closing.units:
                self.found.note("duplicates", f"{closing} is known as {sent}")

    def _taken_back(self, booked: Sequence[BookedOrder]) -> bool:
        """Whether what appeared after all was closed again: it is not held any more."""
        return all((o.account, o.position_id) not in self.seen.positions for o in booked)

    def one_order_for_each_leg(self) -> None:
        sent = Counter(
            (o.relation, o.cause, o.leg)
            for o in self.seen.orders
            if o.filled_units and o.cause.startswith("event:")
        )
        for key, count in sent.items():
            if count > 1:
                self.found.note("duplicates", f"{count} orders were filled for {key}")

    # --- holdings --------------------------------------------------------------------------------
    def holdings(self) -> None:
        """By copy and master position on hedging accounts, by symbol on netting ones."""
        there = self.seen.held_by_owner()
        netted: dict[tuple[int, int], list[tuple[Copy, str]]] = defaultdict(list)
        for copy in self.seen.field.copies:
            for key in self.seen.changes[copy.master_account_id]:
                if copy.netting:
                    netted[copy.venue_account, self.seen.symbol_of[key]].append((copy, key))
                else:
                    units = there.pop((copy.subscription_id, key), ZERO)
                    self._compare(copy, key, units)
        for place, copies in netted.items():
            self._compare_netted(place, copies)
        for (owner, key), units in there.items():
            self.found.note("drift", f"{units} of {key} are held for {owner or 'nobody'}")

    def _compare(self, copy: Copy, key: str, units: Decimal) -> None:
        changes = self.seen.changes[copy.master_account_id][key]
        holding = self._should_hold(copy, changes)
        side = self.seen.side_of[key]
        if holding.allows(units * side):
            return
        flat = changes[-1].after == 0
        text = (
            f"{units} held for subscription {copy.subscription_id} ({copy.mode}) of master "
            f"position {key}, should be {holding.shown(side)}; {self.seen.story(copy, key)}"
        )
        self.found.note("lost" if flat else "drift", text)

    def _should_hold(self, copy: Copy, changes: Sequence[Change]) -> Holding:
        return should_hold(
            *(copy, changes, self.seen.verdict_for(copy)),
            *(self.seen.order_of.get, self.seen.closed_anew_for(copy)),
        )

    def _compare_netted(self, place: tuple[int, int], copies: Sequence[tuple[Copy, str]]) -> None:
        """A netting account shows one position for a symbol, whatever it is the sum of."""
        account, symbol = place
        units = self.seen.netted(account, symbol)
        total, exact = Fraction(0), True
        for copy, key in copies:
            holding = self._should_hold(copy, self.seen.changes[copy.master_account_id][key])
            exact = exact and holding.units is not None
            total += holding.rounded * self.seen.side_of[key]
        if exact and Fraction(units) != total:
            told = (self.seen.story(*pair) for pair in copies if self.seen.held_once(*pair))
            stories = " / ".join(list(told)[-4:])
            flat = total == 0
            text = f"{units} of {symbol} on {account}, should be {float(total)}; {stories}"
            self.found.note("lost" if flat else "drift", text)

    def stops(self) -> None:
        """A copy has the stops of its master, unless the product has said why not."""
        for position in self.seen.positions.values():
            owner = self.seen.owner_of(position)
            copy = self.seen.copy_of.get(owner[0]) if owner else None
            if owner is None or copy is None or copy.netting or not copy.copy_stops:
                continue
            master = self.seen.master_positions.get(owner[1])
            if master is None or self.seen.stops_are_excused(copy, owner[1]):
                continue
            wanted = (master.stop_loss, master.take_profit)
            if wanted != (position.stop_loss, position.take_profit):
                text = f"stops of {position} should be {wanted}; {self.seen.story(copy, owner[1])}"
                self.found.note("drift", text)
