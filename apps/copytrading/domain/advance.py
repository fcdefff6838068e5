"""One link takes note of events: at most one order, and a reasoned end for each event.

Events of one link that are known together are folded: what the link should hold is brought
up to date by all of them, in order, and one order makes up the difference. It belongs to the
last of them; the ones before are superseded.
"""

from __future__ import annotations

from collections.abc import Sequence

from apps.copytrading.domain import link as links
from apps.copytrading.domain.codes import Code, OutcomeState
from apps.copytrading.domain.events import EventKind, MasterEvent
from apps.copytrading.domain.link import Link, LinkState
from apps.copytrading.domain.numbers import (
    Numbers,
    of_event,
    of_link,
    of_master,
    of_moment,
    of_size,
)
from apps.copytrading.domain.offers import offer_of
from apps.copytrading.domain.opening import (
    Refusal,
    count_refusal,
    margin_refusal,
    refusal,
    side_of,
    symbol_taken,
)
from apps.copytrading.domain.ordering import closing, opening, protecting
from apps.copytrading.domain.rounding import Rounding, holding
from apps.copytrading.domain.rows import Market, Row
from apps.copytrading.domain.steps import Ending, Order, Step
from apps.copytrading.domain.stops import wanted_stops
from apps.copytrading.domain.volume import Size, size
from apps.trading.quantity import ZERO

_BEGINS = frozenset({EventKind.OPENED, EventKind.REVERSED, EventKind.EXISTING})


def advance(row: Row, link: Link | None, events: Sequence[MasterEvent], market: Market) -> Step:
    """Apply ``events`` of one position, in order, to its link (None: not copied so far)."""
    if link is not None and (link.in_flight or link.leaving):
        # What comes under the same key while the old side is still there is another position.
        return Step((), None, (), tuple(events))
    fold = _Fold(row, link, market)
    for index, event in enumerate(events):
        if fold.take(event):
            return fold.flattened(event, events[index + 1 :])
    return fold.result()


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
        elif link.state is not LinkState.OPEN:
            self._gone(link, event)
        elif kind is EventKind.CLOSED or kind is EventKind.REVERSED:
            if self.row.rules.opens_only:
                self._leave(link, event)
                return False
            self.link = links.closed(link, event)
            self._overtake(event, protection=True)
            return True
        elif kind is EventKind.PROTECTION:
            self._protect(link, event)
        elif kind is EventKind.REDUCED:
            self._reduce(link, event)
        elif kind is EventKind.EXISTING:
            self._end(event, Code.ALREADY_LINKED)
        elif kind is EventKind.OPENED:
            self._make_up(link, event)
        else:
            self._increase(link, event)
        return False

    def _unlinked(self, event: MasterEvent) -> None:
        if event.kind in _BEGINS and event.units_after > 0:
            self._open(event)
        else:
            self._end(event, Code.NOT_LINKED)

    def _leave(self, link: Link, event: MasterEvent) -> None:
        # The master is out of it; closing is the customer's.
        self._overtake(event, protection=True)
        self.volume = None
        if self.before is not None:
            self.ended = (*self.ended, links.left_alone(link, event))
        self.link = self.before = None
        if event.kind is EventKind.REVERSED:
            return self._open(event)
        return self._end(event, Code.OPENS_ONLY)

    def _reduce(self, link: Link, event: MasterEvent) -> None:
        rules = self.row.rules
        if rules.opens_only or not rules.partial_close:
            self.link = links.reduction_passed_over(link, event)
            code = Code.OPENS_ONLY if rules.opens_only else Code.PARTIAL_CLOSE_OFF
            return self._end(event, code)
        self.link = links.reduced(link, event)
        self._overtake(event)
        self.shrunk = True
        return None

    def _gone(self, link: Link, event: MasterEvent) -> None:
        # The follower's position ended before the master's, or is its owner's; neither is bought.
        code = Code.DETACHED if link.state is LinkState.DETACHED else Code.POSITION_GONE
        if event.kind not in (EventKind.OPENED, EventKind.REVERSED, EventKind.CLOSED):
            return self._end(event, code)
        self.ended = (links.over(link),)
        self.link = None
        if event.kind is EventKind.CLOSED:
            return self._end(event, code)
        return self._open(event)

    def _open(self, event: MasterEvent) -> None:
        row, market = self.row, self.market
        if (refused := refusal(row, event, market) or count_refusal(row)) is not None:
            return self._refuse(event, refused)
        symbol = market.symbol(row, event.instrument_id)
        if symbol is None:
            return self._end(event, Code.NOT_MAPPED)
        side = side_of(row, event)
        if row.netting and symbol_taken(row, market, symbol.instrument_id, side):
            return self._end(event, Code.SYMBOL_IN_USE)
        offer = offer_of(row, event, market, symbol, side)
        if offer.refused is not None:
            return self._refuse(event, offer.refused)
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
            offer.limits,
            side=side,
            symbol=symbol.name,
            instrument_id=symbol.instrument_id,
            stops=offer.stops,
        )
        self.capped = self.link.target < sized.target
        self.numbers = of_size(event, row, market, symbol, sized)
        self._overtake(event)
        self.granted = True
        return None

    def _make_up(self, link: Link, event: MasterEvent) -> None:
        # Its own resting order stood for this open; what that did not fill is bought now.
        row, market = self.row, self.market
        if link.unwanted:
            self.link = links.passed_over(link, event)
            return self._end(event, Code.POSITION_GONE)
        self._overtake(event)
        symbol = market.symbol(row, event.instrument_id)
        units = link.held
        if symbol is not None:
            units, _ = holding(link.target, market.limits(row, symbol), opening=True)
        if units <= link.held and link.held > 0:
            return self._keep_filled(link, event)
        refused = refusal(row, event, market)
        if refused is None and symbol is not None:
            refused = offer_of(row, event, market, symbol, link.side).refused
        if refused is None:
            self.link = link._replace(last_event_id=event.id)
            self.granted = True
            return None
        self.volume = None
        self.link = links.given_up(link, link.target)
        state = OutcomeState.PARTIAL if link.held > 0 else OutcomeState.SKIPPED
        self.endings.append(Ending(event, state, refused.code, refused.numbers, link))
        if link.held <= 0:
            self.ended = (*self.ended, links.finished(link))
            self.link = self.before = None
        return None

    def _is_ahead(self, link: Link, event: MasterEvent) -> bool:
        """Whether its own resting order has bought already what the master has added now."""
        symbol = self.market.symbol(self.row, event.instrument_id)
        if link.held <= link.target or self.row.round_up or symbol is None:
            return False
        if self.shrunk or link.close_cause:  # it holds more because a part is still to be closed
            return False
        limits = self.market.limits(self.row, symbol)
        grown = links.increased(link, event, limits)
        if holding(grown.target, limits, opening=True)[0] > link.held:
            return False
        self.link = grown
        self._overtake(event)
        self._keep_filled(grown, event)
        return True

    def _keep_filled(self, link: Link, event: MasterEvent) -> None:
        self.volume = None
        numbers = of_link(event, link, self.row, self.market)
        filled = Ending(event, OutcomeState.COPIED, Code.PENDING_FILLED, numbers, link)
        self.endings.append(filled)

    def _increase(self, link: Link, event: MasterEvent) -> None:
        row, market = self.row, self.market
        if self._is_ahead(link, event):
            return None
        self.link = links.passed_over(link, event)
        if link.unwanted:
            return self._end(event, Code.POSITION_GONE)
        refused = refusal(row, event, market)
        if refused is None and link.held <= 0:  # what was too small so far becomes a position
            refused = count_refusal(row)
        if refused is not None:
            return self._refuse(event, refused)
        if not link.grows:
            return self._end(event, Code.NOTHING_TO_CHANGE)
        symbol = market.symbol(row, event.instrument_id)
        if symbol is None:
            return self._end(event, Code.NOT_MAPPED)
        empty = row.netting and link.held <= 0
        if empty and symbol_taken(row, market, symbol.instrument_id, link.side):
            return self._end(event, Code.SYMBOL_IN_USE)
        offer = offer_of(row, event, market, symbol, link.side)
        if offer.refused is not None:
            return self._refuse(event, offer.refused)
        self.link = links.increased(link, event, offer.limits)
        self.capped = self.link.target < link.target + link.ratio * event.units
        self._overtake(event)
        self.granted = True
        return None

    def _protect(self, link: Link, event: MasterEvent) -> None:
        if self.row.rules.opens_only:
            return self._end(event, Code.OPENS_ONLY)
        if not (self.row.copy_sl or self.row.copy_tp):
            return self._end(event, Code.STOPS_OFF)
        symbol = self.market.symbol(self.row, event.instrument_id)
        digits = symbol.digits if symbol else 8
        stops = wanted_stops(self.row, event, digits, link, link.side)
        self.link = links.protected(link, event, stops)
        if self.protection is not None:
            self._supersede(self.protection)
        self.protection = event
        return None

    def _overtake(self, event: MasterEvent, *, protection: bool = False) -> None:
        if self.volume is not None:
            self._supersede(self.volume)
        if protection and self.protection is not None:
            self._supersede(self.protection)
            self.protection = None
        self.volume = event

    def _supersede(self, event: MasterEvent) -> None:
        numbers = self.numbers.copy() if event.kind in _BEGINS else {}
        ending = Ending(event, OutcomeState.SUPERSEDED, Code.SUPERSEDED, numbers, self.link)
        self.endings.append(ending)

    def _refuse(self, event: MasterEvent, refused: Refusal) -> None:
        told = of_event(event, self.market)
        stood = told | of_master(self.market) | of_moment(self.row)
        self._end(event, refused.code, stood | refused.numbers)

    def _end(self, event: MasterEvent, code: Code, numbers: Numbers | None = None) -> None:
        numbers = numbers or of_event(event, self.market)
        self.endings.append(Ending(event, OutcomeState.SKIPPED, code, numbers, self.link))

    def flattened(self, event: MasterEvent, rest: Sequence[MasterEvent]) -> Step:
        """Close what is held; newer events wait, or go on at once where nothing is held."""
        link = self.link
        assert link is not None
        reversing = event.kind is EventKind.REVERSED
        later = (event, *rest) if reversing else tuple(rest)
        if link.held > 0:
            order = closing(link, event, link.held, Rounding.EXACT, self._numbers(event, link))
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
        if link is None or link.state is not LinkState.OPEN:
            kept = (link,) if link is not None and link.lost else ()
            return Step(self.ended + kept, None, tuple(self.endings), ())
        order = self._volume_order(link) if self.volume is not None else None
        waiting: tuple[MasterEvent, ...] = ()
        if self.protection is not None:
            if order is not None:
                waiting = (self.protection,)
            else:
                order = self._protect_order(link, self.protection)
        # A guard may have given the link up while its order was made.
        after = self.link
        changed = (after,) if after is not None and (after is not self.before or after.lost) else ()
        return Step(self.ended + changed, order, tuple(self.endings), waiting)

    def _volume_order(self, link: Link) -> Order | None:
        event = self.volume
        if event is None:
            return None
        symbol = self.market.symbol(self.row, event.instrument_id)
        if symbol is None:  # the symbol vanished: only a whole close is sure to fit
            self._end(event, Code.NOT_MAPPED, of_link(event, link, self.row, self.market))
            return None
        limits = self.market.limits(self.row, symbol)
        units, rounding = holding(link.target, limits, opening=self.granted)
        if self.capped and self.granted and rounding is not Rounding.NONE:
            rounding = Rounding.CAPPED  # the target was cut already, so that it fits exactly
        missing = units - link.held
        if missing < 0 and self.shrunk and self.granted:  # what stays need not be opened
            units, rounding = holding(link.target, limits, opening=False)
            missing = min(ZERO, units - link.held)
        if missing > 0 and self.granted and missing >= limits.minimum:
            refused = margin_refusal(self.row, self.market, symbol, missing)
            numbers = self._numbers(event, link)
            if refused is None:
                return opening(
                    self.row, link, event, self.market, symbol, missing, rounding, numbers
                )
            self.link = links.given_up(link, missing) if self.before is not None else None
            self._end(event, refused.code, numbers | refused.numbers)
            return None
        if missing < 0 and self.shrunk:
            return closing(link, event, -missing, rounding, self._numbers(event, link))
        short = self.granted and link.target > link.held and rounding is not Rounding.CAPPED
        code = Code.BELOW_MINIMUM if short else Code.NOTHING_TO_CHANGE
        if not self.granted and link.held <= 0:
            code = Code.NOT_LINKED
        numbers = self._numbers(event, link)
        numbers["rounding"] = rounding.value
        self._end(event, code, numbers)
        return None

    def _protect_order(self, link: Link, event: MasterEvent) -> Order | None:
        if link.held <= 0:
            self._end(event, Code.NOT_LINKED)
        elif (link.stop_loss, link.take_profit) == (link.shown_sl, link.shown_tp):
            numbers = of_link(event, link, self.row, self.market)
            self._end(event, Code.NOTHING_TO_CHANGE, numbers)
        else:
            return protecting(link, event, self._numbers(event, link))
        return None

    def _numbers(self, event: MasterEvent, link: Link) -> Numbers:
        return self.numbers or of_link(event, link, self.row, self.market)
