"""Stop loss and take profit of a copy."""

from __future__ import annotations

from decimal import Decimal

from apps.copytrading.domain.events import MasterEvent
from apps.copytrading.domain.link import Link
from apps.copytrading.domain.rows import Row
from apps.trading.orders import Side
from apps.trading.quantity import round_price


def wanted_stops(
    row: Row, event: MasterEvent, digits: int, link: Link | None, side: Side
) -> tuple[Decimal | None, Decimal | None]:
    """Stop loss and take profit that the copy shall have; its own where one is not copied.

    A copy on the other ``side`` than its master has the two swapped.
    """
    reverse = side is not event.side
    own = (link.shown_sl, link.shown_tp) if link else (None, None)
    stop_loss, take_profit = own[::-1] if reverse else own
    if row.copy_sl:
        stop_loss = None if event.stop_loss is None else round_price(event.stop_loss, digits)
    if row.copy_tp:
        take_profit = None if event.take_profit is None else round_price(event.take_profit, digits)
    return (take_profit, stop_loss) if reverse else (stop_loss, take_profit)
