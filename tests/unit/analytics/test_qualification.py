"""The rules for masters beside what an account has."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apps.analytics.domain.qualification import Record, Rules, checks, qualifies

D = Decimal
RULES = Rules(min_age_days=30, min_trades=20, min_equity=D(1000), max_drawdown=D(25))
GOOD = Record(age_days=30, trades=20, equity=D(1000), max_drawdown=D(25))


def test_a_record_on_every_bound_qualifies() -> None:
    found = checks(RULES, GOOD)
    assert [check.name for check in found] == ["age", "trades", "equity", "drawdown"]
    assert qualifies(found) and all(check.met for check in found)


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("age", Record(29, 20, D(1000), D(25))),
        ("trades", Record(30, 19, D(1000), D(25))),
        ("equity", Record(30, 20, D("999.99"), D(25))),
        ("equity", Record(30, 20, None, D(25))),
        ("drawdown", Record(30, 20, D(1000), D("25.01"))),
        ("drawdown", Record(30, 20, D(1000), None)),
    ],
)
def test_one_rule_that_is_missed_is_named(name: str, record: Record) -> None:
    found = checks(RULES, record)
    assert [check.name for check in found if not check.met] == [name]
    assert not qualifies(found)


def test_a_rule_of_nothing_is_none() -> None:
    found = checks(Rules(0, 0, D(0), D(0)), Record(0, 0, None, None))
    assert found == () and qualifies(found)
