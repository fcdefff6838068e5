"""Symbol pairs of a copy: stored whole or not at all, and obeyed by the planner."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import AuditEntry
from apps.copytrading import api
from apps.copytrading.errors import InvalidPairs, NotPermitted
from apps.copytrading.models import CopySubscription, Outcome, SymbolPair
from apps.copytrading.symbol_mapping import mapping_of, sample_csv
from apps.platforms.models import Connection
from tests.factories.accounts import UserFactory
from tests.factories.copytrading import CopyWorld, quote, symbol
from tests.factories.platforms import ConnectionFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other() -> Connection:
    """A follower's platform: two kinds of euro, gold under a name of its own."""
    found: Connection = ConnectionFactory()
    for number, (name, folded) in enumerate(
        [("EURUSD.raw", "EURUSD"), ("EURUSD.x", "EURUSD"), ("GOLD", "GOLD")], 1
    ):
        values = {"instrument_id": str(number), "folded": folded, "base": "EUR", "quote": "USD"}
        symbol(found, name, **values)
        quote(found, str(number), "1.0921")
    return found


@pytest.fixture
def world() -> CopyWorld:
    world = CopyWorld()
    symbol(world.connection, "XAUUSD", instrument_id="2")
    return world


@pytest.fixture
def copy(world: CopyWorld, other: Connection) -> CopySubscription:
    return world.follow(account={"connection": other, "owner": UserFactory()})


def upload(copy: CopySubscription, content: str, **actor: Any) -> int:
    who = actor.get("actor", copy.follower.account.owner)
    return api.upload_symbol_pairs(actor=who, subscription=copy, content=content.encode())


def stored() -> dict[str, str]:
    return dict(SymbolPair.objects.values_list("master_symbol", "follower_symbol"))


def taken(copy: CopySubscription) -> list[tuple[str, str, str]]:
    return [(m.master_symbol, m.how, m.follower_symbol) for m in mapping_of(copy)]


def traded(world: CopyWorld) -> list[str]:
    """Instruments on which a trade of the master in EURUSD is copied."""
    world.trade("m1", 100_000)
    return [intent.instrument_id for intent in world.run()]


def test_names_decide_until_pairs_are_stored(world: CopyWorld, copy: CopySubscription) -> None:
    assert taken(copy) == [("EURUSD", "name", "EURUSD.x"), ("XAUUSD", "none", "")]
    assert traded(world) == ["2"]


def test_a_pair_chooses_the_symbol(world: CopyWorld, copy: CopySubscription) -> None:
    assert upload(copy, "master_symbol,slave_symbol\neurusd,EURUSD.RAW\nXAUUSD,gold\n") == 2
    copy.refresh_from_db()
    assert copy.has_pairs
    assert taken(copy) == [("EURUSD", "pair", "EURUSD.raw"), ("XAUUSD", "pair", "GOLD")]
    assert traded(world) == ["1"]


def test_a_blank_pair_is_not_copied(world: CopyWorld, copy: CopySubscription) -> None:
    upload(copy, "EURUSD,\n")
    assert taken(copy)[0] == ("EURUSD", "none", "")
    assert traded(world) == []
    assert Outcome.objects.get().code == "NOT_MAPPED"


def test_one_wrong_line_and_nothing_is_stored(copy: CopySubscription) -> None:
    upload(copy, "XAUUSD,GOLD\n")
    with pytest.raises(InvalidPairs) as refused:
        upload(copy, "EURUSD,EURUSD.raw\nXAUUSD,GOLDD\nXAUUSD,\nEURUSDD,GOLD\n")
    assert [line for line, _ in refused.value.problems] == [2, 4]
    assert stored() == {"XAUUSD": "GOLD"}
    for content in ("", "master_symbol,slave_symbol\n"):
        with pytest.raises(InvalidPairs, match="no pair in this file"):
            upload(copy, content)
    with pytest.raises(InvalidPairs, match="1 MB"):
        upload(copy, "x" * 1_000_001)
    assert stored() == {"XAUUSD": "GOLD"}


def test_the_sample_lists_every_symbol_and_can_be_uploaded_as_it_is(
    copy: CopySubscription,
) -> None:
    assert sample_csv(copy) == "master_symbol,slave_symbol\r\nEURUSD,EURUSD.x\r\nXAUUSD,\r\n"
    upload(copy, "EURUSD,EURUSD.raw\nXAUUSD,GOLD")
    sample = sample_csv(copy)
    assert upload(copy, sample) == 2
    assert sample_csv(copy) == sample
    assert AuditEntry.objects.filter(action="subscription.pairs").count() == 1


def test_one_pair_is_changed_beside_the_others(copy: CopySubscription) -> None:
    def change(master: str, follower: str | None) -> None:
        api.set_symbol_pair(
            actor=None, subscription=copy, master_symbol=master, follower_symbol=follower
        )

    change("xauusd", "gold")
    change("EURUSD", "")
    assert stored() == {"XAUUSD": "GOLD", "EURUSD": ""}
    with pytest.raises(InvalidPairs, match="the same name comes first"):
        change("EURUSD", "GOLD")
    with pytest.raises(InvalidPairs, match="did you mean XAUUSD"):
        change("XAUUSDD", "GOLD")
    change("EURUSD", None)
    change("XAUUSD", None)
    copy.refresh_from_db()
    assert (stored(), copy.has_pairs) == ({}, False)


def test_all_pairs_are_set_and_removed_at_once(copy: CopySubscription) -> None:
    api.set_symbol_pairs(
        actor=None, subscription=copy, pairs={"XAUUSD": "GOLD", "EURUSD": "EURUSD.x"}
    )
    assert len(stored()) == 2
    api.set_symbol_pairs(actor=None, subscription=copy, pairs={})
    assert stored() == {}


def test_strangers_change_no_pairs(copy: CopySubscription) -> None:
    for attempt in (
        lambda: upload(copy, "EURUSD,", actor=UserFactory()),
        lambda: api.set_symbol_pairs(actor=UserFactory(), subscription=copy, pairs={}),
        lambda: api.set_symbol_pair(
            actor=UserFactory(), subscription=copy, master_symbol="EURUSD", follower_symbol=""
        ),
    ):
        with pytest.raises(NotPermitted):
            attempt()
    assert stored() == {}


def test_many_pairs_take_no_more_queries(world: CopyWorld, copy: CopySubscription) -> None:
    def queries(content: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            upload(copy, content)
        return len(captured)

    few = queries("EURUSD,\n")
    names = [f"SYM{number}" for number in range(50)]
    for number, name in enumerate(names):
        symbol(world.connection, name, instrument_id=f"s{number}", base="A", quote="B")
    assert queries("\n".join(f"{name}," for name in names)) == few
    assert len(stored()) == len(names)
