"""Pages of a master's copies cost what is in them, not what was ever copied."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from apps.common.database import Query
from apps.common.launcher import programs
from apps.common.plans import BY_INDEX
from apps.common.roundtrip import _numbered
from apps.copytrading.services.load import Master, Pages, load_master
from apps.execution.gateway.db import Database, until_available
from tests.factories.copytrading import CopyWorld

_HISTORY = """
    INSERT INTO copytrading_tradelink (subscription_id, master_account_id, account_id, position_key,
        symbol, instrument_id, side, state, ratio, grows, master_units, target_units, held_units,
        position_id, in_flight, close_cause, result, opened_event_id, last_event_id, opened_at)
    SELECT s, %s, s, 'm' || p, 'EURUSD', '1', 'buy', 'closed', 1, true, 0, 0, 0, '', '', '', 0,
        p, p, now()
    FROM generate_series(1, 20) AS s, generate_series(1, 250) AS p
"""


def plan_of(query: Query[Any], options: str = "") -> str:
    """The plan that a connection keeps for a question, whatever its values."""
    assert isinstance(query.values, dict)
    text, names = _numbered(query.statement)
    values = [query.values[name] for name in names]
    with connection.cursor() as cursor:
        for setting in options.split("-c ")[1:]:
            cursor.execute(f"SET LOCAL {setting}")
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE page AS {text.decode()}".replace("%", "%%"))
        cursor.execute(f"EXPLAIN EXECUTE page ({', '.join(['%s'] * len(values))})", values)
        plan = "\n".join(row[0] for row in cursor.fetchall())
        cursor.execute("DEALLOCATE page")
    return plan


@pytest.mark.django_db
@pytest.mark.parametrize("keys", [["m7"], ["m7", "m9"]])
@pytest.mark.parametrize("analyzed", [False, True])
def test_links_of_a_page_are_found_without_those_of_other_positions(
    analyzed: bool, keys: list[str]
) -> None:
    world = CopyWorld()
    world.follow()
    now = datetime.now(UTC)
    master = load_master(world.account_id, now)
    assert isinstance(master, Master)
    with connection.cursor() as cursor:
        cursor.execute(_HISTORY, [master.account_id])
        if analyzed:
            cursor.execute("ANALYZE copytrading_tradelink")

    for query in Pages(master, keys, now).first():
        plan = plan_of(query)
        (condition,) = re.findall(r"link_of_position_in_order.*\n\s+Index Cond: (.*)", plan)
        assert "position_key" in condition
        assert condition.count("subscription_id") == 2
        assert plan.count("copytrading_tradelink") == 1, plan


@pytest.mark.django_db
def test_plans_made_while_there_is_nothing_fit_when_there_is_much() -> None:
    world = CopyWorld()
    now = datetime.now(UTC)
    master = load_master(world.account_id, now)
    assert isinstance(master, Master)
    with connection.cursor() as cursor:
        # As VACUUM leaves empty tables: known to be empty, not just never counted.
        cursor.execute("TRUNCATE copytrading_tradelink, execution_position CASCADE")
        cursor.execute(
            "UPDATE pg_class SET reltuples = 0 "
            "WHERE relname IN ('copytrading_tradelink', 'execution_position')"
        )

    links = Pages(master, ["m7"], now).first()[1]

    plan = plan_of(links, BY_INDEX)
    assert "link_of_position_in_order" in plan
    assert re.search(r"Index Scan .* on execution_position", plan), plan
    assert "Seq Scan" not in plan


@pytest.mark.django_db(transaction=True)
def test_who_copies_asks_by_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of copies and gateways; who sums up whole tables does not.

    What the installation itself asks of its connections holds for all of them.
    """
    ask = f"from django.db import connection as c; print(*c.cursor().execute({_HOW!r}).fetchone())"
    database = settings.DATABASES["default"]
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**database)
    env = dict(os.environ) | {"DATABASE_URL": f"{url}?options=-c%20lock_timeout%3D7s"}
    answers = [
        subprocess.check_output(
            [sys.executable, "manage.py", "shell", "-v", "0", "-c", ask],
            env=dict(program.env),
            cwd=settings.BASE_DIR,
            text=True,
        ).splitlines()[-1]
        for program in (programs.worker(env), programs.upkeep(env))
    ]
    assert answers == ["off 7s", "on 7s"]

    monkeypatch.setitem(
        database, "OPTIONS", database.get("OPTIONS", {}) | {"options": "-c lock_timeout=7s"}
    )
    assert asyncio.run(gateways_answer()) == [("off", "7s")]


_HOW = "SELECT current_setting('enable_seqscan'), current_setting('lock_timeout')"


async def gateways_answer() -> list[tuple[Any, ...]]:
    database = Database()
    await database.open()
    try:
        return await until_available(lambda: database.rows(_HOW), "an answer")
    finally:
        await database.close()
