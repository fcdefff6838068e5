"""A master's resting order was filled: what the follower's own has filled goes to the position.

So that neither doubles, the follower's order is cancelled first where it still rests, and the
position's link waits for its end as for any order. Only then is the difference made up at
market. No order is made here: the state is stored first, and the events go on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from apps.copytrading.domain.advance import advance
from apps.copytrading.domain.codes import Code, OutcomeState
from apps.copytrading.domain.events import EventKind, MasterEvent, link_key
from apps.copytrading.domain.link import Link, LinkState, over
from apps.copytrading.domain.pending import (
    Pending,
    PendingState,
    cancelling,
    event_cause,
)
from apps.copytrading.domain.rows import Market, Row
from apps.copytrading.domain.steps import Ending, Step
from apps.copytrading.domain.stops import wanted_stops
from apps.trading.quantity import ZERO

_OPENING = frozenset({EventKind.OPENED, EventKind.INCREASED, EventKind.REVERSED})


def follow(row: Row, link: Link | None, events: Sequence[MasterEvent], market: Market) -> Step:
    """Apply ``events`` of one position, in order, to its link (None: not copied so far).

    Where one of them filled an order that the follower has a copy of, that is taken over
    first, and the event with all after it waits for the next look.
    """
    if not row.pending or (link is not None and (link.in_flight or link.leaving)):
        return advance(row, link, events, market)
    for index, event in enumerate(events):
        pending = row.pending.get(event.order_key) if event.order_key else None
        if pending is None or pending.over or pending.position_key:
            continue
        if index:
            step = advance(row, link, events[:index], market)
            return step._replace(waiting=(*step.waiting, *events[index:]))
        return _take_over(row, link, pending, events, market)
    return advance(row, link, events, market)


def _take_over(
    row: Row, link: Link | None, pending: Pending, events: Sequence[MasterEvent], market: Market
) -> Step:
    event = events[0]
    held = row.links.get(link_key(pending.order_key))
    begins = event.kind is EventKind.OPENED and (link is None or link.state is not LinkState.OPEN)
    gone = (pending.filled > 0 and not pending.live and held is None) or (
        held is not None and (bool(held.in_flight or held.close_cause) or held.held <= 0)
    )
    if pending.state is PendingState.CANCELLED and event.kind in _OPENING:
        return _not_bought(pending, events, Code.CANCELLED)
    if begins and pending.state is PendingState.UNWANTED:
        return _not_bought(pending, events, row.hold or Code.CANCELLED)
    if begins and gone:
        return _not_bought(pending, events, Code.POSITION_GONE, held)
    if not begins:
        return _give_back(pending, held, events)
    before = () if link is None else (over(link),)
    adopted = _adopted(row, pending, held, event, market)
    after = pending._replace(position_key=event.position_key, last_event_id=event.id)
    if pending.live:
        after = cancelling(after, event_cause(event))
    else:
        after = after._replace(state=PendingState.DONE, over=True)
    return Step((*before, adopted), None, (), tuple(events), (after,))


def _not_bought(
    pending: Pending, events: Sequence[MasterEvent], code: Code, held: Link | None = None
) -> Step:
    """Somebody has taken the follower's order or its position away: it is not bought back."""
    event = events[0]
    ended = Ending(event, OutcomeState.SKIPPED, code, {}, None)
    lost = (held,) if held is not None and held.lost else ()
    return Step(lost, None, (ended,), tuple(events[1:]), (_unwanted(pending, event),))


def _give_back(pending: Pending, held: Link | None, events: Sequence[MasterEvent]) -> Step:
    """The fill changed a position that is followed at market: the copy of the order is needless.

    On a netting account a master's order may add to a position, or close it.
    """
    event = events[0]
    links: tuple[Link, ...] = ()
    if held is not None and held.held > 0 and not held.close_cause:
        links = (held._replace(close_cause=f"pending:{event.id}"),)
    return Step(links, None, (), tuple(events), (_unwanted(pending, event),))


def _unwanted(pending: Pending, event: MasterEvent) -> Pending:
    if not pending.live:
        state = pending.state if pending.filled <= 0 else PendingState.DONE
        return pending._replace(state=state, over=True)
    unwanted = pending._replace(state=PendingState.UNWANTED, position_key=event.position_key)
    return cancelling(unwanted, event_cause(event))


def _adopted(
    row: Row, pending: Pending, held: Link | None, event: MasterEvent, market: Market
) -> Link:
    """The position's link: what the order has filled is held, what the ratio says is wanted."""
    symbol = market.symbol(row, event.instrument_id)
    target = pending.target
    if pending.grows:
        target = pending.ratio * event.units_after
        maximum = market.limits(row, symbol).maximum if symbol is not None else ZERO
        target = min(target, maximum) if maximum else target
    stops = wanted_stops(row, event, symbol.digits if symbol else 8, None, pending.side)
    link = held if held is not None else empty_link(pending)
    if held is not None and held.held < pending.filled:  # a part was closed by hand
        target = target * held.held / pending.filled
    return link._replace(
        position_key=event.position_key,
        master_units=event.units_after,
        target=target,
        stop_loss=stops[0],
        take_profit=stops[1],
        master_price=event.price,
        in_flight=pending.client_order_id if pending.live else "",
        last_event_id=event.id,
    )


def empty_link(pending: Pending) -> Link:
    """The link that holds what the follower's order fills, while it has not filled anything."""
    return Link(
        link_id=0,
        position_key=link_key(pending.order_key),
        side=pending.side,
        symbol=pending.symbol,
        instrument_id=pending.instrument_id,
        ratio=pending.ratio,
        grows=pending.grows,
        master_units=ZERO,
        target=ZERO,
        held=ZERO,
        stop_loss=pending.terms.stop_loss,
        take_profit=pending.terms.take_profit,
        master_price=None,
        position_id="",
        shown_sl=None,
        shown_tp=None,
        in_flight="",
        close_cause="",
        opened_event_id=pending.opened_event_id,
        last_event_id=pending.last_event_id,
    )


def filled_link(pending: Pending, link: Link | None, units: Decimal, *, ended: bool) -> Link | None:
    """The trade link after the follower's order filled ``units`` more, or has ``ended``.

    None where there is no link and nothing to hold. A link whose order has ended waits no
    longer; before the master's order fills, what is held is what is wanted.
    """
    if link is None:
        if units <= 0:
            return None
        link = empty_link(pending)
    held = link.held + units
    position_id = (pending.position_id or link.position_id) if held > 0 else ""
    changed = link._replace(held=held, position_id=position_id)
    if changed.in_flight == pending.client_order_id and ended:
        changed = changed._replace(in_flight="")
    if pending.state is PendingState.UNWANTED and held > 0:
        cause = changed.close_cause or f"pending:{pending.order_key}"
        if changed.in_flight and units > 0:  # a close under way was for what was held before
            cause = f"pending:{pending.order_key}:{pending.filled.normalize():f}"
        changed = changed._replace(close_cause=cause)
    if changed.position_key == link_key(pending.order_key) and not changed.close_cause:
        changed = changed._replace(target=held)
    return changed
