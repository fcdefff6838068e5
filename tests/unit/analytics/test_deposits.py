"""What trades do not explain of a balance came in or went out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.analytics.domain.deposits import Booking, Reading, bookings, unexplained
from apps.trading.deals import DealEffect

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Deal(NamedTuple):
    position_id: str
    effect: DealEffect
    units: Decimal
    commission: Decimal = Decimal(0)
    swap: Decimal = Decimal(0)
    profit: Decimal = Decimal(0)
    balance: Decimal | None = None
    at: datetime = START


def deal(effect: str, units: int, **money: str) -> Deal:
    return Deal(
        "1", DealEffect(effect), Decimal(units), **{k: Decimal(v) for k, v in money.items()}
    )


def reading(minute: int, balance: str, known_s: int | None = None) -> Reading:
    at = START + minute * MINUTE
    known = at if known_s is None else START + timedelta(seconds=known_s)
    return Reading(at, known, Decimal(balance))


def booking(second: int, amount: str, balance: str) -> Booking:
    return Booking(START + timedelta(seconds=second), Decimal(amount), Decimal(balance))


def flows(readings: list[Reading], booked: list[Booking]) -> dict[int, Decimal]:
    found = unexplained(readings, booked)
    return {(at - START) // MINUTE: amount for at, amount in found.items()}


def test_a_close_books_its_share_of_what_opening_cost() -> None:
    booked = bookings(
        [
            deal("open", 100, commission="-4"),
            deal("close", 25, commission="-1", swap="-0.5", profit="10"),
            deal("open", 25, commission="-1"),
            deal("close", 100, commission="-4", profit="-20"),
        ]
    )
    assert [b.amount for b in booked] == [Decimal("7.5"), Decimal(-28)]


def test_a_reversal_books_what_it_closed_and_owes_the_rest() -> None:
    booked = bookings(
        [
            deal("open", 100, commission="-4"),
            deal("reverse", 150, commission="-6", profit="10"),
            deal("close", 50, commission="-2", profit="1"),
        ]
    )
    assert [b.amount for b in booked] == [Decimal(2), Decimal(-3)]


def test_results_are_no_deposits() -> None:
    readings = [reading(0, "1000"), reading(1, "1007.50"), reading(2, "1007.50")]
    assert flows(readings, [booking(30, "7.5", "1007.5")]) == {}


def test_what_no_deal_explains_came_in_or_went_out() -> None:
    readings = [reading(0, "1000"), reading(1, "1500"), reading(2, "1400")]
    assert flows(readings, []) == {1: Decimal(500), 2: Decimal(-100)}


def test_a_deposit_before_or_after_a_deal_of_the_same_minute() -> None:
    before = [reading(0, "1000"), reading(1, "1507.5")]
    assert flows(before, [booking(30, "7.5", "1507.5")]) == {1: Decimal(500)}
    assert flows(before, [booking(30, "7.5", "1007.5")]) == {1: Decimal(500)}


def test_a_sample_that_does_not_hold_yet_what_was_stored_already() -> None:
    readings = [reading(0, "1000"), reading(1, "1000"), reading(2, "1010")]
    assert flows(readings, [booking(59, "10", "1010")]) == {}


def test_a_sample_that_holds_what_the_platforms_clock_puts_later() -> None:
    readings = [reading(0, "1000"), reading(1, "1010"), reading(2, "1010")]
    assert flows(readings, [booking(63, "10", "1010")]) == {}


def test_cents_of_a_share_are_rounding_and_a_cent_without_a_deal_is_not() -> None:
    booked = bookings(
        [
            deal("open", 3, commission="-0.10"),
            deal("close", 1, profit="5", balance="1004.97")._replace(at=START + MINUTE / 2),
        ]
    )
    assert flows([reading(0, "1000"), reading(1, "1004.97")], booked) == {}
    assert flows([reading(0, "1000"), reading(1, "1000.01")], []) == {1: Decimal("0.01")}
    coins = [reading(0, "1"), reading(1, "1.00000300")]
    assert flows(coins, [booking(30, "0.000001", "1.000001")]) == {1: Decimal("0.000002")}


def test_nothing_read_and_nothing_to_compare() -> None:
    assert unexplained([], []) == {}
    assert flows([reading(0, "1000")], [booking(30, "7", "1007")]) == {}


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["trade", "flow", "wait"]), st.integers(-500, 500)), max_size=30
    )
)
def test_deposits_are_what_was_paid_in_whatever_was_traded(steps: list[tuple[str, int]]) -> None:
    """One step a minute, the sample at its end: each flow is found where it was paid."""
    balance, readings, booked, paid = 100_000, [reading(0, "100000")], [], {}
    for minute, (kind, amount) in enumerate(steps, start=1):
        balance += 0 if kind == "wait" else amount
        if kind == "trade":
            booked.append(booking(minute * 60 - 20, str(amount), str(balance)))
        if kind == "flow" and amount:
            paid[minute] = Decimal(amount)
        readings.append(reading(minute, str(balance), minute * 60 - 10))
    found = flows(readings, booked)
    assert sum(found.values()) == sum(paid.values())
    if len({r.balance for r in readings}) == len(readings):  # no two moments look alike
        assert found == paid
