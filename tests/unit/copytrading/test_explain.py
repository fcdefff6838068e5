"""Outcomes as sentences."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from apps.copytrading.domain.codes import Code, OutcomeState
from apps.copytrading.domain.explain import Facts, explain, hint, lots, sentences
from apps.copytrading.domain.legible import shown
from apps.copytrading.domain.number_words import number_rows

NUMBERS = {
    "mode": "equity_ratio",
    "multiplier": "1.0000",
    "master_side": "buy",
    "master_units": "100000.00000000",
    "master_lot_units": "100000.00000000",
    "master_equity": "10000.00000000",
    "master_currency": "USD",
    "capital": "2431.00000000",
    "currency": "USD",
    "raw_units": "24310.000000000000000000",
    "held_units": "0",
    "rounding": "down",
    "min_units": "1000.00000000",
    "pip_digits": 4,
}


def facts(**changes: Any) -> Facts:
    values: dict[str, Any] = {
        "kind": "opened",
        "symbol": "EURUSD",
        "state": "copied",
        "code": "COPIED",
        "message": "",
        "side": "buy",
        "units": Decimal(24_000),
        "filled_units": Decimal(24_000),
        "lot_units": Decimal(100_000),
        "currency": "USD",
        "master_price": Decimal("1.09210000"),
        "fill_price": Decimal("1.09220000"),
        "slippage": Decimal("0.00010000"),
        "slippage_money": Decimal("2.40"),
        "numbers": NUMBERS,
        "to_sent_ms": 18.2,
    }
    return Facts(**(values | changes))


def test_a_copied_open_tells_its_whole_story() -> None:
    assert explain(facts()) == (
        "Master bought 1.00 EURUSD at 1.0921; your equity 2,431.00 USD against 10,000.00 USD "
        "gives 0.2431 lots, rounded down to 0.24; sent after 18 ms; filled at 1.0922, "
        "1.0 pips worse, costing 2.40 USD."
    )


def test_too_small_names_the_smallest() -> None:
    told = explain(
        facts(
            state="skipped",
            code="BELOW_MINIMUM",
            units=Decimal(0),
            filled_units=Decimal(0),
            fill_price=None,
            slippage=None,
            to_sent_ms=None,
            numbers=NUMBERS | {"raw_units": "430", "rounding": "none"},
        )
    )
    assert told.endswith(
        "gives 0.0043 lots; the volume is below the smallest that can be traded (0.01 lots)."
    )


def test_a_refusal_repeats_the_platform() -> None:
    told = explain(
        facts(
            state="rejected",
            code="REJECTED",
            message="NOT_ENOUGH_MONEY: margin",
            filled_units=Decimal(0),
            fill_price=None,
        )
    )
    assert told.endswith(
        "sent after 18 ms; the platform refused the order: NOT_ENOUGH_MONEY: margin."
    )


def test_stops() -> None:
    told = explain(
        facts(
            kind="protection",
            master_price=None,
            fill_price=None,
            filled_units=Decimal(0),
            numbers={"stop_loss": "1.08500000"},
        )
    )
    assert told == "Master moved the stops of EURUSD: stop loss 1.085; sent after 18 ms."


@pytest.mark.parametrize("code", list(Code))
@pytest.mark.parametrize("kind", ["opened", "increased", "reduced", "closed", "protection"])
def test_every_code_can_be_told_with_any_numbers(code: Code, kind: str) -> None:
    for state in OutcomeState:
        for numbers in ({}, NUMBERS):
            told = explain(facts(kind=kind, state=state, code=code, numbers=numbers))
            assert told.endswith(".") and "None" not in told
    assert isinstance(hint(code), str)


@pytest.mark.parametrize(
    ("units", "text"), [("100000", "1.00"), ("24310", "0.2431"), ("123456700000", "1,234,567.00")]
)
def test_lots(units: str, text: str) -> None:
    assert lots(Decimal(units), Decimal(100_000)) == text


@pytest.mark.parametrize(
    ("code", "numbers", "told"),
    [
        ("MAX_POSITIONS", {"open_links": 3, "max_positions": 3}, "(3 of 3 are open)"),
        (
            "MIN_EQUITY",
            {"equity": "950.00000000", "min_equity": "1000"},
            "(950.00 USD, at least 1,000.00 USD)",
        ),
        ("SLIPPAGE", {"quote": "1.0960", "limit_price": "1.0932"}, "(1.096, at worst 1.0932)"),
        (
            "MARGIN",
            {"margin_level": "120.51", "min_margin_level": "150.00"},
            "(120.51 %, at least 150 %)",
        ),
        ("TOO_LATE", {"late_s": 12.34, "max_delay_s": 10.0}, "(12.3 s, at most 10 s)"),
    ],
)
def test_a_guard_says_what_it_compared(code: str, numbers: dict[str, Any], told: str) -> None:
    skipped = facts(
        state="skipped", code=code, numbers=numbers, units=Decimal(0), filled_units=Decimal(0),
        fill_price=None, to_sent_ms=None,
    )  # fmt: skip
    assert explain(skipped).endswith(f"{told}.")


def test_a_copy_on_the_other_side_says_so() -> None:
    assert "; you take the other side and sell; " in explain(facts(side="sell"))


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("placed", "Master placed an order to buy 1.00 EURUSD at 1.0921"),
        ("amended", "Master changed an order to buy 1.00 EURUSD at 1.0921"),
        ("cancelled", "Master cancelled an order to buy 1.00 EURUSD at 1.0921"),
        ("expired", "Master let expire an order to buy 1.00 EURUSD at 1.0921"),
        ("existing", "Master held buy 1.00 EURUSD at 1.0921 before"),
    ],
)
def test_other_things_that_masters_do(kind: str, told: str) -> None:
    assert explain(facts(kind=kind)).startswith(told)


#: What a division leaves: more digits than anybody reads.
_LONG = "0.24310000000000000000000000000000000000012345"


def test_computed_numbers_are_cut_to_digits_that_people_read() -> None:
    numbers = NUMBERS | {
        "ratio": "0.243099999999999999999999999871",
        "raw_units": "23999.999999999999999999999999",
        "held_units": "1000",
        "margin_level": "149.33333333333333333333333",
        "limit_price": "1.0931921499999999999999999",
        "rate": "1.17338472651219384756182",
        "late_s": "10.123456789",
        "quote": "97234.51",
    }
    told = explain(facts(kind="increased", numbers=numbers))
    assert "at the ratio 0.2431 0.239999 lots are to be held" in told
    rows = {row.name: row.value for row in number_rows(numbers, Decimal(100_000))}

    assert rows["Your units for one of the master's"] == "0.2431"
    # Not 0.24: what is rounded down to a step has not reached the next one.
    assert rows["Exact volume to be held"] == "0.239999 lots"
    assert rows["Margin level after it"] == "149.333 %"
    assert rows["Worst price allowed"] == "1.09319215"
    assert rows["Exchange rate"] == "1.173384727"
    assert rows["Time since the master's deal"] == "10.1235 s"
    assert rows["Price on your platform"] == "97,234.51"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (_LONG, "0.2431"), ("1234567.8912345", "1234568"), ("0.000012345678", "0.0000123457"),
        ("100", "100"), ("-2.00000049", "-2"), ("0", "0"), ("123456789", "123456789"),
    ],
)  # fmt: skip
def test_digits_before_the_point_always_stay(value: str, text: str) -> None:
    assert shown(Decimal(value)) == text


def test_sentences_are_the_steps_of_the_story() -> None:
    steps = sentences(facts())
    assert steps[0] == "Master bought 1.00 EURUSD at 1.0921."
    assert steps[2:] == [
        "Sent after 18 ms.",
        "Filled at 1.0922, 1.0 pips worse, costing 2.40 USD.",
    ]


def test_the_copys_own_order_had_filled_already() -> None:
    numbers = {
        "master_side": "buy",
        "master_units": "100000",
        "master_lot_units": "100000",
        "raw_units": "50000",
        "held_units": "50000",
        "ratio": "0.5",
    }
    story = explain(
        Facts(
            kind="opened", symbol="EURUSD", state="copied", code="PENDING_FILLED", message="",
            side="buy", units=Decimal(0), filled_units=Decimal(0), lot_units=Decimal(100_000),
            currency="USD", master_price=Decimal("1.09"), fill_price=None, slippage=None,
            slippage_money=None, numbers=numbers,
        )
    )  # fmt: skip
    assert story == (
        "Master bought 1.00 EURUSD at 1.09; at the ratio 0.5 that is 0.50 lots; "
        "the copy's own order had filled already."
    )


def test_prices_keep_the_digits_of_their_symbol() -> None:
    told = explain(facts(numbers=NUMBERS | {"digits": 5}))
    assert "at 1.09210" in told and "filled at 1.09220" in told
    finer = explain(facts(numbers=NUMBERS | {"digits": 5}, fill_price=Decimal("1.0922031")))
    assert "filled at 1.0922031" in finer
