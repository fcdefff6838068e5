"""Deadlines of written orders, on the loop that the gateway runs."""

from __future__ import annotations

import asyncio

import uvloop

from apps.platforms.adapters.ctrader.answers import OrderAnswers
from apps.platforms.ports import Answer, SubmitResult


def test_orders_may_be_written_in_the_moment_in_which_others_are_late() -> None:
    """For a deadline that is reached uvloop has a handle that knows no time."""

    async def work() -> None:
        loop = asyncio.get_running_loop()
        answers = OrderAnswers(loop)
        late: asyncio.Future[SubmitResult] = loop.create_future()
        later: asyncio.Future[SubmitResult] = loop.create_future()
        answers.expect("late", late)
        answers.expect("later", later)

        answers.give_until(loop.time(), ["late"])
        answers.give_until(loop.time() + 0.05, ["later"])

        async with asyncio.timeout(5):
            found = [await late, await later]
        assert [(r.client_order_id, r.answer) for r in found] == [
            ("late", Answer.UNKNOWN),
            ("later", Answer.UNKNOWN),
        ]

    uvloop.run(work())
