"""Worker and gateway are killed in the middle of a storm; the venue's books are the judge."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from apps.benchmarks.field import Crew, Field, build, field_is_live
from apps.benchmarks.hand import Hand
from apps.benchmarks.rig import Rig
from apps.benchmarks.venue_books import (
    Books,
    closing_orders,
    open_units,
    opening_orders,
    read_books,
)
from apps.demo.client import VenueRefused

CREWS = [8, 7, 5]
STORM_S = 21.0
KILLS = [(3.0, "worker"), (4.5, "gateway"), (9.0, "worker"), (17.5, "worker"), (18.5, "gateway")]
SEED = 20260302

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rig(process_env: dict[str, str]) -> Iterator[Rig]:
    folder = Path(tempfile.mkdtemp(prefix="bellwether-chaos-"))
    with Rig(folder, process_env) as rig:
        yield rig
    shutil.rmtree(folder, ignore_errors=True)


def test_nothing_lost_nothing_double(rig: Rig) -> None:
    rig.venue("--no-rate-limits")
    field = build(rig, CREWS, margin_modes=("hedging", "hedging", "netting"))
    rig.gateway()
    rig.worker()
    rig.wait_until(lambda: field_is_live(field), "reading all accounts", 60)
    trades = asyncio.run(storm(rig, field))
    assert trades > 100, "the storm was a breeze"
    rig.wait_until(lambda: at_rest(rig, field), "coming to rest", 60, every_s=0.25)
    time.sleep(1.5)  # whatever was wrong would show itself now
    assert at_rest(rig, field)

    books = read_books(rig)
    assert_every_event_has_one_outcome(field)
    assert_orders_stand_for_decisions(books, field)
    assert_holdings_are_what_links_say(books, field)


async def storm(rig: Rig, field: Field) -> int:
    """Trade all masters at once while processes die; answers the number of trades."""
    until = time.monotonic() + STORM_S
    async with asyncio.TaskGroup() as group:
        hands = [
            group.create_task(play(field, crew, until, random.Random(f"{SEED}/{n}")))
            for n, crew in enumerate(field.crews)
        ]
        group.create_task(strike(rig))
    return sum(task.result() for task in hands)


async def strike(rig: Rig) -> None:
    """SIGKILL at the set times; what was killed is started again half a second later."""
    begin = time.monotonic()
    for at, name in KILLS:
        await asyncio.sleep(max(begin + at - time.monotonic(), 0))
        rig.kill(name)
        await asyncio.sleep(0.5)
        getattr(rig, name)()


async def play(field: Field, crew: Crew, until: float, chance: random.Random) -> int:
    """Open, add, close parts and wholes, move stops, as fast as a busy master; lots are whole."""
    hand = await Hand.sit_down(field.endpoint, crew.master)
    held: dict[int, int] = {}
    trades = 0
    try:
        while time.monotonic() < until:
            try:
                await trade(hand, held, chance)
                trades += 1
            except VenueRefused as refused:
                pytest.fail(f"the venue refused the master: {refused}")
            await asyncio.sleep(chance.uniform(0.02, 0.25))
        for position in list(held)[1:]:  # something stays open, so that holdings can differ
            await hand.close(position, held.pop(position))
            trades += 1
    finally:
        await hand.leave()
    return trades


async def trade(hand: Hand, held: dict[int, int], chance: random.Random) -> None:
    what = chance.choice(("open", "open", "add", "part", "close", "stop", "stop"))
    if not held or (what == "open" and len(held) < 4):
        lots = chance.randrange(4, 12)
        held[await hand.open(lots)] = lots
        return
    position = chance.choice(list(held))
    if what == "add":
        lots = chance.randrange(1, 5)
        await hand.add(position, lots)
        held[position] += lots
    elif what == "part" and held[position] > 1:
        lots = chance.randrange(1, held[position])
        await hand.close(position, lots)
        held[position] -= lots
    elif what == "close":
        await hand.close(position, held.pop(position))
    else:
        await hand.protect(position, chance.randrange(50, 400))


def rows(statement: str, *values: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def at_rest(rig: Rig, field: Field) -> bool:
    """All deals are journaled; nothing is unplanned, unsent, unfinished, in flight or waiting."""
    left = rows(
        """
        SELECT (SELECT count(*) FROM execution_accountevent WHERE planned_at IS NULL),
               (SELECT count(*) FROM execution_batch WHERE NOT settled),
               (SELECT count(*) FROM execution_order WHERE settled_at IS NULL),
               (SELECT count(*) FROM copytrading_tradelink WHERE in_flight <> ''),
               (SELECT count(*) FROM copytrading_waitingevent)
        """
    )[0]
    return not any(left) and every_deal_is_journaled(read_books(rig), field)


def every_deal_is_journaled(books: Books, field: Field) -> bool:
    journaled = dict(
        rows(
            "SELECT account_id, count(*) FROM execution_accountevent WHERE kind = 'deal' GROUP BY 1"
        )
    )
    return all(
        journaled.get(crew.master_id, 0) == len(books[crew.master]["deals"]) for crew in field.crews
    )


def assert_every_event_has_one_outcome(field: Field) -> None:
    for crew in field.crews:
        wrong = rows(
            """
            SELECT e.id, s.id, count(o.id)
            FROM execution_accountevent e
            JOIN copytrading_copymaster m ON m.account_id = e.account_id
            JOIN copytrading_copysubscription s ON s.master_id = m.id
            LEFT JOIN copytrading_outcome o ON o.event_id = e.id AND o.subscription_id = s.id
            WHERE e.account_id = %s GROUP BY e.id, s.id HAVING count(o.id) <> 1
            """,
            crew.master_id,
        )
        assert wrong == [], "(event, subscription, outcomes)"


def assert_orders_stand_for_decisions(books: Books, field: Field) -> None:
    """An opening order has an id of ours, used once; a close by position was decided as often."""
    assert not rows(
        "SELECT 1 FROM copytrading_decision GROUP BY event_id, subscription_id, leg "
        "HAVING count(*) > 1"
    )
    opens, closes = defaultdict(set), Counter()
    for account, leg, order in rows(
        "SELECT account_id, leg, client_order_id FROM copytrading_decision"
    ):
        if leg == "open":
            opens[account].add(order)
        elif leg == "close":
            closes[account] += 1
    for account, book in follower_books(books, field):
        sent = Counter(opening_orders(book))
        assert sent, f"account {account} never traded"
        assert max(sent.values()) == 1, f"account {account} has an order twice"
        assert set(sent) <= opens[account], f"account {account} has orders that nobody decided"
        assert closing_orders(book) <= closes[account], f"account {account} closed too often"


def assert_holdings_are_what_links_say(books: Books, field: Field) -> None:
    linked: dict[int, Decimal] = defaultdict(Decimal)
    for account, side, units in rows(
        "SELECT account_id, side, held_units FROM copytrading_tradelink WHERE state = 'open'"
    ):
        linked[account] += units if side == "buy" else -units
    held = {account: open_units(book) for account, book in follower_books(books, field)}
    assert held == {account: linked[account] for account in held}, "by account: venue, links"
    assert any(held.values()), "something was left open to be compared"


def follower_books(books: Books, field: Field) -> list[tuple[int, Mapping[str, Any]]]:
    """Each follower's account id of ours with the venue's books of it."""
    return [
        (account, books[venue_account])
        for crew in field.crews
        for account, venue_account in zip(crew.follower_ids, crew.followers, strict=True)
    ]
