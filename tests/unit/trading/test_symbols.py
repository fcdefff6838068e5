import pytest

from apps.trading.symbols import fold


@pytest.mark.parametrize(
    ("name", "suffixes"),
    [("EURUSD", ()), ("eur/usd", ()), ("EUR-USD", ()), ("EURUSD.vip", (".vip",)), (" eurusd ", ())],
)
def test_names_of_one_instrument_fold_to_one_key(name: str, suffixes: tuple[str, ...]) -> None:
    assert fold(name, suffixes=suffixes) == "EURUSD"


def test_longest_fitting_suffix_is_taken_off() -> None:
    assert fold("EURUSD.pro.x", suffixes=(".x", ".pro.x")) == "EURUSD"


def test_prefix_is_taken_off_once() -> None:
    assert fold("m.m.GOLD", prefixes=("m.",)) == "MGOLD"


def test_a_name_that_is_only_its_suffix_stays() -> None:
    assert fold("VIP", suffixes=("vip",)) == "VIP"


def test_different_contracts_stay_apart() -> None:
    assert fold("EURUSD.vip") != fold("EURUSD")
