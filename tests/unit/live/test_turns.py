"""Renderings take turns, the most watched first, and no turn is lost."""

from __future__ import annotations

import asyncio

from apps.live.turns import Turns


def test_the_most_watched_is_next() -> None:
    async def scene() -> list[int]:
        turns, done = Turns(), []

        async def render(watchers: int) -> None:
            async with turns.turn(watchers):
                await asyncio.sleep(0)
                done.append(watchers)

        await asyncio.gather(*(render(watchers) for watchers in (1, 2, 990, 2, 30)))
        return done

    assert asyncio.run(scene()) == [1, 990, 30, 2, 2]


def test_one_at_a_time_whatever_is_cancelled_or_fails() -> None:
    async def scene() -> tuple[int, int]:
        turns, inside, most, through = Turns(), 0, 0, 0

        async def render(number: int) -> None:
            nonlocal inside, most, through
            async with turns.turn(number % 3):
                inside += 1
                most = max(most, inside)
                try:
                    await asyncio.sleep(0)
                    if number % 5 == 0:
                        raise ValueError(number)
                finally:
                    inside -= 1
                through += 1

        tasks = [asyncio.create_task(render(number)) for number in range(60)]
        for step in range(40):
            await asyncio.sleep(0)
            tasks[(step * 7) % 60].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(1), turns.turn(1):  # it can still be had
            pass
        return most, through

    most, through = asyncio.run(scene())
    assert most == 1 and through > 0
