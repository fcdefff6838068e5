"""Events of a master's resting order: what they make of the follower's own, at most one order.

As with positions, events that are known together are folded, and one order is under way at a
time; what arrives meanwhile waits, and of changes the newest counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from apps.copytrading.domain.codes import Code, OutcomeState
from apps.copytrading.domain.events import EventKind, MasterEvent, link_key
from apps.copytrading.domain.link import Link
from apps.copytrading.domain.mapping import Symbol
from apps.copytrading.domain.numbers import Numbers, of_event, of_size
from apps.copytrading.domain.opening import Refusal, count_refusal, refusal, side_of, symbol_taken
from apps.copytrading.domain.pending import (
    Pending,
    PendingState,
    cancelling,
    event_cause,
    kind_of,
    order_refusal,
    same_cause,
    terms_of,
)
from apps.copytrading.domain.pending_steps import (
    PendingOrder,
    PendingStep,
    closing_excess,
    numbers_of_change,
    numbers_of_terms,
)
from apps.copytrading.domain.rounding import Rounding, holding
from apps.copytrading.domain.rows import Market, Row
from apps.copytrading.domain.steps import Ending, Order
from apps.copytrading.domain.volume import Size, size
from apps.trading.orders import Leg
from apps.trading.quantity import ZERO


def follow_order(
    row: Row, pending: Pending | None, events: Sequence[MasterEvent], market: Market
) -> PendingStep:
    """Apply ``events`` of one order of the master, in order (None: not copied so far)."""
    if pending is not None and pending.busy:
        return PendingStep(None, None, (), tuple(events))
    fold = _Fold(row, pending, market)
    for index, event in enumerate(events):
        if fold.take(event):
            return fold.result(events[index:])
        if fold.excess is not None:
            return fold.result(events[index + 1 :])
    return fold.result(())


class _Fold:
    """The events of one order being taken one after another."""

    __slots__ = (
        "before", "endings", "event", "excess", "link", "market", "numbers", "pending", "row",
    )  # fmt: skip

    def __init__(self, row: Row, pending: Pending | None, market: Market) -> None:
        self.row = row
        self.market = market
        self.before = self.pending = pending
        self.event: MasterEvent | None = None
        self.endings: list[Ending] = []
        self.numbers: Numbers = {}
        self.link: Link | None = None
        self.excess: Order | None = None

    def take(self, event: MasterEvent) -> bool:
        """Note one event; True when it must wait for what has been begun."""
        pending = self.pending
        if event.kind is EventKind.PLACED:
            if pending is None:
                self._place(event)
            else:
                self._end(event, Code.ALREADY_LINKED)
        elif pending is None:
            self._end(event, Code.NOT_LINKED)
        elif event.kind is EventKind.AMENDED:
            amend = self._amend if pending.live else self._amend_filled
            return amend(pending, event)
        else:
            return self._finish(pending, event)
        return False

    def _place(self, event: MasterEvent) -> None:
        row, market = self.row, self.market
        if (refused := self._refusal(event)) is not None:
            return self._end(event, refused.code, refused.numbers)
        symbol = market.symbol(row, event.instrument_id)
        if symbol is None:
            return self._end(event, Code.NOT_MAPPED)
        if event.terms is None or event.terms.filled > 0:  # its position is there already
            return self._end(event, Code.NOT_LINKED)
        if row.netting and symbol_taken(row, market, symbol.instrument_id, side_of(row, event)):
            return self._end(event, Code.SYMBOL_IN_USE)
        return self._size(event, symbol)

    def _refusal(self, event: MasterEvent) -> Refusal | None:
        row, terms = self.row, event.terms
        if refused := order_refusal(row, event):
            return refused
        if refused := refusal(row, event, self.market) or count_refusal(row):
            return refused
        ends = terms.expires_at if terms is not None else None
        return Refusal(Code.TOO_LATE, {}) if ends is not None and ends <= self.market.now else None

    def _size(self, event: MasterEvent, symbol: Symbol) -> None:
        row, market = self.row, self.market
        sized = size(
            row.sizing,
            units=event.units_after,
            lot_units=symbol.lot_units,
            master=market.master,
            follower=row.funds,
            own_result=row.own_result,
            stale_after_s=market.stale_after_s,
            rates=market.rates,
        )
        if not isinstance(sized, Size):
            return self._end(event, sized, of_size(event, row, market, symbol, None))
        numbers = of_size(event, row, market, symbol, sized)
        target = self._capped(sized.target, symbol)
        units, rounding = holding(target, market.limits(row, symbol), opening=True)
        if target < sized.target and units > 0:
            rounding = Rounding.CAPPED
        numbers["rounding"] = rounding.value
        if units <= 0:
            return self._end(event, Code.BELOW_MINIMUM, numbers)
        self.numbers = numbers | numbers_of_terms(event)
        self.pending = self._new(event, symbol, sized, target, units)
        self.event = event
        return None

    def _new(
        self, event: MasterEvent, symbol: Symbol, sized: Size, target: Decimal, units: Decimal
    ) -> Pending:
        row, terms = self.row, event.terms
        assert terms is not None
        kind = kind_of(row, terms.type)
        assert kind is not None
        return Pending(
            pending_id=0,
            order_key=event.order_key,
            side=side_of(row, event),
            type=kind,
            symbol=symbol.name,
            instrument_id=symbol.instrument_id,
            ratio=sized.ratio,
            grows=sized.grows,
            master_units=event.units_after,
            target=target,
            terms=terms_of(row, event, symbol.digits, units),
            state=PendingState.PLACING,
            client_order_id="",
            platform_order_id="",
            in_flight="",
            filled=ZERO,
            fill_price=None,
            position_id="",
            position_key="",
            cancel_cause="",
            opened_event_id=event.id,
            last_event_id=event.id,
        )

    def _amend(self, pending: Pending, event: MasterEvent) -> bool:
        symbol = self.market.symbol(self.row, event.instrument_id)
        if symbol is None:
            self._end(event, Code.NOT_MAPPED)
            return False
        if not pending.pending_id:  # not placed yet: placed as it is now
            self._supersede()
            self.pending = None
            self._place(event)
            return False
        units, target, refused = self._resized(pending, event, symbol)
        if units <= pending.filled:  # so much less that nothing of it may rest
            self._supersede()
            self.pending = cancelling(self.before or pending, event_cause(event))
            return True
        terms = terms_of(self.row, event, symbol.digits, units)
        changed = pending._replace(
            terms=terms, target=target, master_units=event.units_after, last_event_id=event.id
        )
        if terms == pending.terms:
            self.pending = changed
            code = refused.code if refused is not None else Code.NOTHING_TO_CHANGE
            self._end(event, code, refused.numbers if refused is not None else None)
            return False
        self._supersede()
        self.pending, self.event = changed, event
        self.numbers = numbers_of_change(changed, event, symbol, self.market)
        return False

    def _amend_filled(self, pending: Pending, event: MasterEvent) -> bool:
        """What was filled is more than the master's order is to be now: the excess is closed."""
        link = self.row.links.get(pending.position_key or link_key(pending.order_key))
        symbol = self.market.symbol(self.row, event.instrument_id)
        if link is None or symbol is None or not pending.grows or link.close_cause:
            too_small = pending.filled <= 0 and same_cause(pending.cancel_cause, event)
            self._end(event, Code.BELOW_MINIMUM if too_small else _why_ended(pending))
            return False
        if link.in_flight:
            return True
        target = self._capped(pending.ratio * event.units_after, symbol)
        wanted = max(target, link.target) if pending.position_key else target
        most, _ = holding(wanted, self.market.limits(self.row, symbol), opening=False)
        changed = pending._replace(master_units=event.units_after, target=target)
        if link.held <= most:
            self._end(event, _why_ended(pending))
        else:
            if not pending.position_key:
                changed = changed._replace(filled=most)
                link = link._replace(target=most)
            self._close_excess(link, event, link.held - most)
        self.pending = changed._replace(last_event_id=event.id)
        return False

    def _resized(
        self, pending: Pending, event: MasterEvent, symbol: Symbol
    ) -> tuple[Decimal, Decimal, Refusal | None]:
        """Volume and exact target at the frozen ratio; more volume only where it may be opened."""
        if not pending.grows or event.units_after == pending.master_units:
            return pending.terms.units, pending.target, None
        target = self._capped(pending.ratio * event.units_after, symbol)
        units, _ = holding(target, self.market.limits(self.row, symbol), opening=True)
        if units > pending.terms.units:
            refused = refusal(self.row, event, self.market)
            if refused is not None:
                return pending.terms.units, pending.target, refused
        return units, target, None

    def _finish(self, pending: Pending, event: MasterEvent) -> bool:
        """The master's order ended: so does the copy's, and with it what it filled too early."""
        if not pending.pending_id:
            self._supersede()
            self.pending = None
            self._end(event, Code.NOTHING_TO_CHANGE)
            return False
        if pending.live:
            self._supersede(to=event)
            self.pending = cancelling(self.before or pending, event_cause(event))
            return True
        self.pending = pending._replace(over=True, last_event_id=event.id)
        key = pending.position_key or link_key(pending.order_key)
        link = self.row.links.get(key)
        if link is not None and link.in_flight:
            self.pending = pending
            return True
        if link is not None and pending.position_key:
            self._trim(link, event)
        elif link is not None and link.held > 0:
            self.link = link._replace(close_cause=link.close_cause or f"pending:{event.id}")
            self.pending = self.pending._replace(state=PendingState.DONE)
            self._end(event, Code.PENDING_FILLED)
        else:
            self._end_unfilled(pending, event)
        return False

    def _end_unfilled(self, pending: Pending, event: MasterEvent) -> None:
        expired = event.kind is EventKind.EXPIRED and pending.state is PendingState.CANCELLED
        if expired or same_cause(pending.cancel_cause, event):
            self.endings.append(Ending(event, OutcomeState.COPIED, Code.COPIED, {}, None))
        elif pending.position_key:
            self._end(event, Code.NOTHING_TO_CHANGE)
        else:
            self._end(event, _why_ended(pending))

    def _trim(self, link: Link, event: MasterEvent) -> None:
        """The rest of the master's order will not come: nor is it held."""
        symbol = self.market.symbol(self.row, event.instrument_id)
        excess = ZERO
        if symbol is not None and link.held > 0:
            limits = self.market.limits(self.row, symbol)
            units, _ = holding(link.target, limits, opening=False)
            excess = link.held - units
        if excess <= 0:
            return self._end(event, Code.NOTHING_TO_CHANGE)
        return self._close_excess(link, event, excess)

    def _close_excess(self, link: Link, event: MasterEvent, excess: Decimal) -> None:
        self.link = link._replace(last_event_id=event.id)
        self.excess = closing_excess(link, event, excess)

    def _capped(self, target: Decimal, symbol: Symbol) -> Decimal:
        maximum = self.market.limits(self.row, symbol).maximum
        return min(target, maximum) if maximum else target

    def _supersede(self, to: MasterEvent | None = None) -> None:
        """What was to be ordered for an earlier event is not ordered any more."""
        if self.event is not None and self.event is not to:
            self.endings.append(
                Ending(self.event, OutcomeState.SUPERSEDED, Code.SUPERSEDED, {}, None)
            )
        self.event = None

    def _end(self, event: MasterEvent, code: Code, numbers: Numbers | None = None) -> None:
        numbers = of_event(event, self.market) | (numbers or {})
        self.endings.append(Ending(event, OutcomeState.SKIPPED, code, numbers, None))

    def result(self, waiting: Sequence[MasterEvent]) -> PendingStep:
        """The order that is wanted now; what was to be ordered is not, where events wait."""
        order = None
        if self.event is not None and self.pending is not None:
            placing = not self.pending.pending_id
            order = PendingOrder(
                event=self.event,
                leg=Leg.OPEN if placing else Leg.PROTECT,
                not_after=self.event.happened_at + self.row.max_delay if placing else None,
                before=self.before.terms if self.before is not None else None,
                numbers=self.numbers,
            )
        changed = self.pending if self.pending is not self.before else None
        endings, rest = tuple(self.endings), tuple(waiting)
        return PendingStep(changed, order, endings, rest, self.link, self.excess)


def _why_ended(pending: Pending) -> Code:
    if pending.filled > 0:
        return Code.PENDING_FILLED
    return Code.CANCELLED if pending.state is PendingState.CANCELLED else Code.NOT_LINKED
