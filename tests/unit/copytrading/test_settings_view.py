"""Settings in words: which guard holds and who says so, and what a copy will do."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from apps.copytrading.domain.guards import Guards, strictest
from apps.copytrading.selectors import master_by_uuid
from apps.copytrading.settings_preview import preview_changed, preview_new
from apps.copytrading.settings_view import guards_in_effect, settings_in_words
from apps.platforms.models import TradingAccount
from tests.factories.copytrading import CopyWorld, fund
from tests.factories.platforms import AccountFactory

NONE = {
    "max_positions": 0,
    "min_equity": Decimal(0),
    "max_slippage": Decimal(0),
    "max_delay_s": 0,
    "loss_limit": Decimal(0),
    "min_margin_level": Decimal(0),
}


def guards(**values: Any) -> Any:
    return SimpleNamespace(**(NONE | values))


def fresh(account: TradingAccount) -> TradingAccount:
    """The account as the database has it."""
    return TradingAccount.objects.select_related("state").get(pk=account.pk)


def test_the_strictest_of_all_levels_holds() -> None:
    product = guards(max_delay_s=10, max_slippage=Decimal("0.1"), min_margin_level=Decimal(150))
    follower = guards(max_delay_s=20, min_equity=Decimal(100), min_margin_level=Decimal(200))
    copy = guards(max_slippage=Decimal("0.05"), min_equity=Decimal(50), max_positions=4)
    assert strictest(product, follower, copy) == Guards(
        4, Decimal(100), Decimal("0.05"), 10, Decimal(0), Decimal(200)
    )


def test_a_guard_names_who_set_it() -> None:
    product, follower = guards(max_delay_s=10), guards(min_equity=Decimal("1500.50"))
    copy = guards(max_delay_s=20, max_positions=1)
    found = guards_in_effect(product, follower, copy, currency="EUR")
    assert {name: guard.sentence for name, guard in found.items()} == {
        "max_positions": "1 position, set for this copy",
        "min_equity": "1,500.5 EUR, set for the account",
        "max_slippage": "No limit",
        "max_delay_s": "10 s, by default",
        "loss_limit": "No limit",
        "min_margin_level": "No limit",
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("settings", "lots"),
    [
        ({"volume_mode": "equity_ratio"}, "0.50"),
        ({"volume_mode": "equity_ratio", "risk_multiplier": Decimal("0.5")}, "0.25"),
        ({"volume_mode": "equity_ratio", "allocated_capital": Decimal(1_000)}, "0.10"),
        ({"volume_mode": "balance_ratio"}, "0.50"),
        ({"volume_mode": "multiplier", "risk_multiplier": Decimal(2)}, "2.00"),
        (
            {
                "volume_mode": "equity_based",
                "base_equity": Decimal(2_500),
                "fixed_volume": Decimal("0.1"),
            },
            "0.20",
        ),
    ],
)
def test_the_preview_computes_an_example(settings: dict[str, Any], lots: str) -> None:
    world = CopyWorld()
    account = AccountFactory(connection=world.connection)
    fund(account, 5_000)
    preview = preview_new(master_by_uuid(world.master.uuid), fresh(account), settings)
    assert f"One lot of the master is about {lots} lots here, as both stand now." in (
        preview.sentences
    )


@pytest.mark.django_db
def test_no_example_where_none_can_be_given() -> None:
    world = CopyWorld()
    unknown = AccountFactory(connection=world.connection)
    euro = AccountFactory(connection=world.connection, currency="EUR")
    known = AccountFactory(connection=world.connection)
    for account in (euro, known):
        fund(account, 5_000)
    ratio = {"volume_mode": "equity_ratio"}
    beyond = {
        "volume_mode": "equity_based",
        "fixed_volume": Decimal(10**9),
        "base_equity": Decimal("1e-8"),
        "risk_multiplier": Decimal(1000),
    }
    for account, settings in ((unknown, ratio), (euro, ratio), (known, beyond)):
        preview = preview_new(master_by_uuid(world.master.uuid), fresh(account), settings)
        assert preview.sentences
        assert not any("about" in sentence for sentence in preview.sentences)


@pytest.mark.django_db
def test_the_preview_warns_and_tells_what_is_wrong_and_stores_nothing() -> None:
    world = CopyWorld()
    copy = world.follow()
    shown = preview_changed(
        copy,
        {
            "symbols_mode": "include",
            "copy_mode": "open_only",
            "auto_repair": "all",
            "reverse_direction": True,
        },
    )
    assert len(shown.warnings) == 3
    assert any("opposite side" in sentence for sentence in shown.sentences)
    wrong = preview_changed(copy, {"volume_mode": "fixed", "fixed_volume": Decimal(0)})
    assert list(wrong.errors) == ["fixed_volume"]
    copy.refresh_from_db()
    assert (copy.symbols_mode, copy.volume_mode) == ("all", "multiplier")


@pytest.mark.django_db
def test_existing_positions_are_counted_without_those_that_are_linked() -> None:
    world = CopyWorld()
    copy = world.follow()
    shown = preview_changed(copy, {"copy_existing_positions": True})
    assert "The master holds nothing now that would be copied at once." in shown.sentences


@pytest.mark.django_db
def test_settings_in_words_leave_out_what_the_mode_does_not_use() -> None:
    world = CopyWorld()
    copy = world.follow(volume_mode="fixed", fixed_volume=Decimal("0.5"))
    names = {s.name for group in settings_in_words(copy, guards()) for s in group.settings}
    assert "Volume" in names
    assert not names & {"Risk multiplier", "Capital", "Symbols", "Direction"}
