"""Living through the past: days with their nights, samples by hours, looks of the strategy."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from random import Random

from apps.demo.domain.past.book import PastBook
from apps.demo.domain.past.calendar import DAY, HOUR
from apps.demo.domain.past.desk import Desk, Strategy


def trade(
    book: PastBook,
    strategy: Strategy,
    *,
    seed: str,
    first: int,
    last: int,
    flows: Mapping[int, Decimal],
) -> None:
    """Let a strategy trade from step ``first`` to before ``last``, where it closes everything.

    ``flows`` is money in (positive) or out at steps. The strategy looks one step after full
    hours and quarters, so that a sample never falls into a trade.
    """
    desk = Desk(book, Random(seed))
    for step in range(first, last - 1):
        desk.step = step
        if step in flows:
            book.deposit(step, flows[step])
        if step % DAY == 0 and book.open:
            book.night(step)
        if step % HOUR == 0:
            book.hour(step, HOUR)
        elif step == last - 2:
            for holding in desk.held():
                desk.leave(holding)
        elif (step - 1) % strategy.every == 0 and step < last - 2:
            strategy.look(desk)
    book.sample(last - 1)
