"""The demo's plan holds what a demo must show."""

from __future__ import annotations

from collections import Counter

from apps.demo import plan
from apps.demo.domain.characters import CHARACTERS
from apps.demo.domain.past.strategies import STRATEGIES

ACCOUNTS = {account.key: account for account in plan.accounts()}


def test_forty_two_followers_and_ten_masters() -> None:
    assert len(plan.FOLLOWERS) == 42
    assert {master.character for master in plan.MASTERS} == set(CHARACTERS) == set(STRATEGIES)
    assert len(ACCOUNTS) == 52, "keys of accounts are unique"
    assert len({master.account.key for master in plan.MASTERS}) == 10


def test_what_followers_earned_is_known_of_some_masters() -> None:
    followed = Counter(copy.master for copy in plan.COPIES)
    assert sum(count >= 5 for count in followed.values()) >= 6
    assert min(followed.values()) < 5, "and of some it cannot be told yet"


def test_everything_there_is_to_see_is_there() -> None:
    assert {copy.volume_mode for copy in plan.COPIES} == {
        "fixed",
        "multiplier",
        "equity_ratio",
        "balance_ratio",
        "equity_based",
    }
    assert {account.margin_mode for account in plan.FOLLOWERS} == {"hedging", "netting"}
    assert {account.currency for account in plan.FOLLOWERS} == {"USD", "EUR", "GBP"}
    assert sum(copy.paused for copy in plan.COPIES) == 1
    assert any(copy.below_minimum == "round_up" for copy in plan.COPIES)
    assert any(copy.min_volume for copy in plan.COPIES)
    assert any(copy.max_volume for copy in plan.COPIES)


def test_every_follower_copies_and_every_master_is_copied() -> None:
    followers = {account.key for account in plan.FOLLOWERS}
    assert {copy.account for copy in plan.COPIES} == followers
    assert {copy.master for copy in plan.COPIES} == set(CHARACTERS)
    pairs = Counter((copy.account, copy.master) for copy in plan.COPIES)
    assert max(pairs.values()) == 1


def test_the_main_customer_has_enough_to_look_at() -> None:
    mine = [c for c in plan.COPIES if ACCOUNTS[c.account].owner == plan.TRADER]
    assert len(mine) >= 6
    assert {c.volume_mode for c in mine} == {c.volume_mode for c in plan.COPIES}
    followed = {c.master for c in mine}
    assert len(followed) >= 4
    assert len(set(CHARACTERS) - followed) >= 3, "some are left to be discovered"


def test_a_netting_account_follows_masters_that_share_no_symbol() -> None:
    for account in plan.FOLLOWERS:
        if account.margin_mode == "netting":
            symbols = [
                symbol
                for copy in plan.COPIES
                if copy.account == account.key
                for symbol in CHARACTERS[copy.master].symbols
            ]
            assert len(symbols) == len(set(symbols))


def test_people_and_groups_are_known() -> None:
    people = {person.email for person in plan.CUSTOMERS}
    assert {account.owner for account in ACCOUNTS.values()} <= people
    currencies = {group.currency for group in plan.GROUPS}
    assert {account.currency for account in ACCOUNTS.values()} <= currencies
