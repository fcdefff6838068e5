"""The auditor's own arithmetic: what a copy should hold, by deals and verdicts."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from apps.benchmarks.chaos.field import Copy
from apps.benchmarks.chaos.holdings import NOTHING, Change, should_hold
from apps.benchmarks.chaos.records import SentOrder, Verdict

D = Decimal
TENTH = Copy(7, 1, 2, 1002, False, "multiplier", "0.1", "", True)


def verdict(event_id: int, code: str, order: str = "", state: str = "copied") -> Verdict:
    return Verdict(event_id, 7, state, code, "", "p", order, D(0), D(0), {}, "")


def sent(name: str, leg: str, units: int, filled: int) -> SentOrder:
    values: dict[str, Any] = {"units": D(units), "filled_units": D(filled), "leg": leg}
    return SentOrder(name, "", 2, "copy", "sub:7", "", position_id="", state="filled", code="",
                     settled=True, **values)  # fmt: skip


def held(
    changes: list[Change],
    verdicts: list[Verdict],
    orders: list[SentOrder],
    anew: dict[int, Decimal] | None = None,
) -> Any:
    by_event = {v.event_id: v for v in verdicts}
    by_name = {o.client_order_id: o for o in orders}
    closed_anew = (anew or {}).get
    return should_hold(
        TENTH, changes, by_event.get, by_name.get, lambda event: closed_anew(event, D(0))
    )


def test_a_lost_partial_close_must_be_made_up() -> None:
    changes = [Change(1, D(0), D(100_000)), Change(2, D(100_000), D(50_000))]
    verdicts = [verdict(1, "COPIED", "a"), verdict(2, "REJECTED", "b", "rejected")]
    orders = [sent("a", "open", 10_000, 10_000), sent("b", "close", 5_000, 0)]
    holding = held(changes, verdicts, orders)
    assert holding.allows(D(5_000)) and not holding.allows(D(10_000))


def test_what_an_open_did_not_get_is_given_up() -> None:
    changes = [Change(1, D(0), D(100_000)), Change(2, D(100_000), D(120_000))]
    verdicts = [verdict(1, "PARTIALLY_FILLED", "a"), verdict(2, "COPIED", "b")]
    orders = [sent("a", "open", 10_000, 6_000), sent("b", "open", 2_000, 2_000)]
    assert held(changes, verdicts, orders).units == Fraction(8_000)


def test_a_skipped_increase_adds_nothing_and_a_close_leaves_nothing() -> None:
    changes = [Change(1, D(0), D(100_000)), Change(2, D(100_000), D(150_000))]
    late = verdict(2, "TOO_LATE", state="skipped")
    orders = [sent("a", "open", 10_000, 10_000)]
    assert held(changes, [verdict(1, "COPIED", "a"), late], orders).allows(D(10_000))
    changes.append(Change(3, D(150_000), D(0)))
    refused = verdict(3, "REJECTED", "c", "rejected")
    assert held(changes, [verdict(1, "COPIED", "a"), late, refused], orders) == NOTHING
    assert not NOTHING.allows(D(1_000))


def test_what_was_closed_anew_is_not_held_when_an_increase_comes_to_nothing() -> None:
    changes = [
        Change(1, D(0), D(100_000)),
        Change(2, D(100_000), D(50_000)),
        Change(3, D(50_000), D(80_000)),
        Change(4, D(80_000), D(40_000)),
    ]
    verdicts = [
        verdict(1, "COPIED", "a"),
        verdict(2, "NOT_DELIVERED", "b", "failed"),
        verdict(3, "TOO_LATE", "c", "skipped"),
        verdict(4, "COPIED", "d"),
    ]
    orders = [
        sent("a", "open", 10_000, 10_000),
        sent("b", "close", 5_000, 0),
        sent("c", "open", 3_000, 0),
        sent("d", "close", 2_000, 2_000),
    ]
    assert held(changes, verdicts, orders, {2: D(5_000)}).units == Fraction(2_500)
    assert held(changes, verdicts, orders).units == Fraction(5_000)  # it was never closed
