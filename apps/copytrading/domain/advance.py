"""One link takes note of events: at most one order, and a reasoned end for each event.

Events of one link that are known together are folded: what the link should hold is brought
up to date by all of them, in order, and one order makes up the difference. It belongs to the
last of them; the ones before are superseded.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from apps.copytrading.domain import link as links
from apps.copytrading.domain.codes import Code, OutcomeState
from apps.copytrading.domain.events import EventKind, MasterEvent
from apps.copytrading.domain.link import Link, LinkState
from apps.copytrading.domain.numbers import Numbers, of_link, of_size
from apps.copytrading.domain.rounding import Rounding, holding
from apps.copytrading.domain.rows import Market, Row
from apps.copytrading.domain.volume import Size, size
from apps.trading.orders import Leg, Side
from apps.trading.quantity import round_price


class Order(NamedTuple):
    """An order that a link wants. ``not_after`` bounds an open's sending."""

    event: MasterEvent
    leg: Leg
    side: Side
    units: Decimal
    position_id: str
    stop_loss: Decimal | None
    take_profit: Decimal | None
    not_after: datetime | None
    rounding: Rounding
    numbers: Numbers


class Ending(NamedTuple):
    """An event that ends without an order."""

    event: MasterEvent
    state: OutcomeState
    code: Code
    numbers: Numbers
    link: Link | None


class Step(NamedTuple):
    """What events made of a link: its new forms (a closed one may be followed by a new
    one), at most one order of the last of them, endings, and events that must wait."""

    links: tuple[Link, ...]
    order: Order | None
    endings: tuple[Ending, ...]
    waiting: tuple[MasterEvent, ...]


def advance(row: Row, link: Link | None, events: Sequence[MasterEvent], market: Market) -> Step:
    """Apply ``events`` of one position, in order, to its link (None: not copied so far)."""
    if link is not None and link.in_flight:
        return Step((), None, (), tuple(events))
    fold = _Fold(row, link, market)
    for index, event in enumerate(events):
        if fold.take(event):
            return fold.flattened(event, events[index + 1 :])
    return fold.result()


def wanted_stops(
    row: Row, event: MasterEvent, digits: int, link: Link | None
) -> tuple[Decimal | None, Decimal | None]:
    """Stop loss and take profit that the copy shall have; its own where one is not copied."""
    stop_loss = link.shown_sl if link else None
    take_profit = link.shown_tp if link else None
    if row.copy_sl:
        stop_loss = None if event.stop_loss is None else round_price(event.stop_loss, digits)
    if row.copy_tp:
        take_profit = None if event.take_profit is None else round_price(event.take_profit, digits)
    return stop_loss, take_profit


class _Fold:
    """The events of one position being taken one after another."""

    __slots__ = (
        "before",
        "capped",
        "ended",
        "endings",
        "granted",
        "link",
        "market",
        "numbers",
        "protection",
        "row",
        "shrunk",
        "volume",
    )

    def __init__(self, row: Row, link: Link | None, market: Market) -> None:
        self.row = row
        self.market = market
        self.before: Link | None = link
        self.link = link
        self.ended: tuple[Link, ...] = ()
        self.endings: list[Ending] = []
        self.volume: MasterEvent | None = None
        self.protection: MasterEvent | None = None
        self.granted = self.shrunk = self.capped = False
        self.numbers: Numbers = {}

    def take(self, event: MasterEvent) -> bool:
        """Note one event; True when the link must be flat before anything newer."""
        kind = event.kind
        link = self.link
        if link is None:
            self._unlinked(event)
        elif link.state is LinkState.GONE:
            self._gone(link, event)
        elif kind is EventKind.CLOSED or kind is EventKind.REVERSED:
            self.link = links.closed(link, event)
            self._overtake(event, protection=True)
            return True
        elif kind is EventKind.PROTECTION:
            self._protect(link, event)
        elif kind is EventKind.REDUCED:
            self.link = links.reduced(link, event)
            self._overtake(event)
            self.shrunk = True
        else:
            self._increase(link, event)
        return False

    def _unlinked(self, event: MasterEvent) -> None:
        if event.kind is EventKind.OPENED or event.kind is EventKind.REVERSED:
            self._open(event)
        else:
            self._end(event, Code.NOT_LINKED)

    def _gone(self, link: Link, event: MasterEvent) -> None:
        # The follower's position ended before the master's; it is never bought back.
        if event.kind in (EventKind.INCREASED, EventKind.REDUCED, EventKind.PROTECTION):
            return self._end(event, Code.POSITION_GONE)
        self.ended = (links.finished(link),)
        self.link = None
        if event.kind is EventKind.CLOSED:
            return self._end(event, Code.POSITION_GONE)
        return self._open(event)

    def _open(self, event: MasterEvent) -> None:
        row, market = self.row, self.market
        if (code := self._refusal(event)) is not None:
            return self._end(event, code)
        symbol = market.symbols.get((row.connection_id, event.instrument_id))
        if symbol is None:
            return self._end(event, Code.NOT_MAPPED)
        if row.netting and self._in_use(symbol.instrument_id, event.side):
            return self._end(event, Code.SYMBOL_IN_USE)
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
        self.link = links.opened(
            event,
            sized,
            market.limits(row, symbol),
            symbol=symbol.name,
            instrument_id=symbol.instrument_id,
            stops=wanted_stops(row, event, symbol.digits, None),
        )
        self.capped = self.link.target < sized.target
        self.numbers = of_size(event, row, market, symbol, sized)
        self._overtake(event)
        self.granted = True
        return None

    def _increase(self, link: Link, event: MasterEvent) -> None:
        if (code := self._refusal(event)) is not None:
            self.link = links.passed_over(link, event)
            return self._end(event, code)
        if not link.grows:
            self.link = links.passed_over(link, event)
            return self._end(event, Code.NOTHING_TO_CHANGE)
        symbol = self.market.symbols.get((self.row.connection_id, event.instrument_id))
        if symbol is None:
            self.link = links.passed_over(link, event)
            return self._end(event, Code.NOT_MAPPED)
        self.link = links.increased(link, event, self.market.limits(self.row, symbol))
        self.capped = self.link.target < link.target + link.ratio * event.units
        self._overtake(event)
        self.granted = True
        return None

    def _protect(self, link: Link, event: MasterEvent) -> None:
        if not (self.row.copy_sl or self.row.copy_tp):
            return self._end(event, Code.STOPS_OFF)
        symbol = self.market.symbols.get((self.row.connection_id, event.instrument_id))
        digits = symbol.digits if symbol else 8
        self.link = links.protected(link, event, wanted_stops(self.row, event, digits, link))
        if self.protection is not None:
            self._supersede(self.protection)
        self.protection = event
        return None

    def _refusal(self, event: MasterEvent) -> Code | None:
        if self.row.hold is not None:
            return self.row.hold
        if self.market.now > event.happened_at + self.row.max_delay:
            return Code.TOO_LATE
        return None

    def _in_use(self, instrument_id: str, side: Side) -> bool:
        # One position per symbol: the other side or another copy cannot share it.
        holders = self.market.in_use.get((self.row.account_id, instrument_id), ())
        return any(
            subscription != self.row.subscription_id or held is not side
            for subscription, held in holders
        )

    def _overtake(self, event: MasterEvent, *, protection: bool = False) -> None:
        if self.volume is not None:
            self._supersede(self.volume)
        if protection and self.protection is not None:
            self._supersede(self.protection)
            self.protection = None
        self.volume = event

    def _supersede(self, event: MasterEvent) -> None:
        self.endings.append(Ending(event, OutcomeState.SUPERSEDED, Code.SUPERSEDED, {}, self.link))

    def _end(self, event: MasterEvent, code: Code, numbers: Numbers | None = None) -> None:
        self.endings.append(Ending(event, OutcomeState.SKIPPED, code, numbers or {}, self.link))

    def flattened(self, event: MasterEvent, rest: Sequence[MasterEvent]) -> Step:
        """Close what is held; newer events wait, or go on at once where nothing is held."""
        link = self.link
        assert link is not None
        reversing = event.kind is EventKind.REVERSED
        later = (event, *rest) if reversing else tuple(rest)
        if link.held > 0:
            order = self._order(event, Leg.CLOSE, link.held, Rounding.EXACT)
            return Step((*self.ended, link), order, tuple(self.endings), later)
        stored = (*self.ended, links.finished(link)) if self.before is not None else ()
        if not reversing:
            code = Code.NOT_LINKED if self.before else Code.NOTHING_TO_CHANGE
            self._end(event, code)
        if not later:
            return Step(stored, None, tuple(self.endings), ())
        step = advance(self.row, None, later, self.market)
        return Step(
            stored + step.links,
            step.order,
            (*self.endings, *step.endings),
            step.waiting,
        )

    def result(self) -> Step:
        """The order that makes up the difference, or why there is none."""
        link = self.link
        if link is None or link.state is LinkState.GONE:
            return Step(self.ended, None, tuple(self.endings), ())
        order = self._volume_order(link) if self.volume is not None else None
        waiting: tuple[MasterEvent, ...] = ()
        if self.protection is not None:
            if order is not None:
                waiting = (self.protection,)
            else:
                order = self._protect_order(link, self.protection)
        changed = (link,) if link is not self.before else ()
        return Step(self.ended + changed, order, tuple(self.endings), waiting)

    def _volume_order(self, link: Link) -> Order | None:
        event = self.volume
        if event is None:
            return None
        symbol = self.market.symbols.get((self.row.connection_id, event.instrument_id))
        if symbol is None:  # the symbol vanished: only a whole close is sure to fit
            self._end(event, Code.NOT_MAPPED, of_link(event, link, self.row, self.market))
            return None
        limits = self.market.limits(self.row, symbol)
        units, rounding = holding(link.target, limits, opening=self.granted)
        if self.capped and self.granted and rounding is not Rounding.NONE:
            rounding = Rounding.CAPPED  # the target was cut already, so that it fits exactly
        missing = units - link.held
        if missing > 0 and self.granted and missing >= limits.minimum:
            return self._order(event, Leg.OPEN, missing, rounding)
        if missing < 0 and self.shrunk:
            return self._order(event, Leg.CLOSE, -missing, rounding)
        short = self.granted and link.target > link.held and rounding is not Rounding.CAPPED
        code = Code.BELOW_MINIMUM if short else Code.NOTHING_TO_CHANGE
        if not self.granted and link.held <= 0:
            code = Code.NOT_LINKED
        numbers = self.numbers or of_link(event, link, self.row, self.market)
        numbers["rounding"] = rounding.value
        self._end(event, code, numbers)
        return None

    def _protect_order(self, link: Link, event: MasterEvent) -> Order | None:
        if link.held <= 0:
            self._end(event, Code.NOT_LINKED)
        elif (link.stop_loss, link.take_profit) == (link.shown_sl, link.shown_tp):
            self._end(event, Code.NOTHING_TO_CHANGE)
        else:
            return self._order(event, Leg.PROTECT, link.held, Rounding.EXACT)
        return None

    def _order(self, event: MasterEvent, leg: Leg, units: Decimal, rounding: Rounding) -> Order:
        link = self.link
        assert link is not None
        numbers = self.numbers or of_link(event, link, self.row, self.market)
        numbers["rounding"] = rounding.value
        opens = leg is Leg.OPEN
        stops = leg is Leg.PROTECT or (opens and not link.position_id)
        return Order(
            event=event,
            leg=leg,
            side=link.side.opposite if leg is Leg.CLOSE else link.side,
            units=units,
            position_id=link.position_id,
            stop_loss=link.stop_loss if stops else None,
            take_profit=link.take_profit if stops else None,
            not_after=event.happened_at + self.row.max_delay if opens else None,
            rounding=rounding,
            numbers=numbers,
        )
