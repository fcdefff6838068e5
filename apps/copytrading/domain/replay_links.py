"""How links change while a tape is played, beside :mod:`apps.copytrading.domain.replay`."""

from __future__ import annotations

from decimal import Decimal

from apps.copytrading.domain.conclude import position_is_gone
from apps.copytrading.domain.link import REST, Link, Reply, answered, finished, taken_away
from apps.copytrading.domain.replay_items import Answer, Given
from apps.copytrading.domain.steps import Order
from apps.trading.orders import Leg, OrderState
from apps.trading.quantity import ZERO


def part_of(whole: Decimal, part: Decimal, of: Decimal) -> Decimal:
    """The same part of ``whole`` as ``part`` is of ``of``; exact where they are the same."""
    return part if whole == of or of <= 0 else whole * part / of


def with_rest(link: Link, leg: Leg, answer: Answer, cause: str) -> Link:
    """A close that did not get all leaves a rest, which is closed for a cause of its own."""
    if leg is not Leg.CLOSE:
        return link
    short = answer.filled < answer.units and link.held > 0
    return link._replace(close_cause=cause if short else "")


def as_shown(link: Link, given: Given) -> Link:
    if given.shown is None or link.in_flight:
        return link
    return link._replace(shown_sl=given.shown[0], shown_tp=given.shown[1])


def after_answer(link: Link, order: Order, answer: Answer) -> Link:
    before = link
    position_id = link.position_id or f"of-{order.event.id}"
    link = answered(link, Reply(order.leg, order.units, answer.filled, position_id))
    if position_is_gone(order.leg, answer.state, answer.code):
        link = taken_away(link, ZERO)
        return finished(link) if link.master_units <= 0 else link
    link = with_rest(link, order.leg, answer, f"{REST}event:{order.event.id}")
    # A new position shows the stops that its open carried, an old one those that were set last.
    opened = order.leg is Leg.OPEN and answer.filled > 0 and not before.position_id
    if opened or (order.leg is Leg.PROTECT and answer.state is OrderState.FILLED):
        link = link._replace(shown_sl=order.stop_loss, shown_tp=order.take_profit)
    return link
