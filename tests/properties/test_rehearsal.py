"""Rehearsals of any history: nothing is lost, and friction is all that differs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.copytrading.domain.rehearsal import Friction, Heard, Terms, rehearse
from apps.copytrading.domain.rehearsal_balance import smallest_balance
from apps.copytrading.domain.rows import Rules
from apps.copytrading.domain.volume import VolumeMode
from apps.trading.orders import Side
from tests.factories.copying import funds, sizing
from tests.factories.rehearsing import History, terms

steps = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 50),
        st.integers(10_500, 11_500).map(lambda n: f"{n / 10_000:.4f}"),
        st.sampled_from(Side),
    ),
    max_size=30,
)


def history(given_steps: list[tuple[str, int, str, Side]]) -> History:
    """Steps that make a history: nothing is reversed to nothing, or closed twice."""
    made, held = History(funds(50_000)), {}
    for key, thousands, price, side in given_steps:
        units, on = held.get(key, (0, side))
        if (not units and not thousands) or (units, on) == (thousands, side):
            continue
        if units and on is not side and not thousands:
            side = on
        held[key] = (thousands, side)
        made.trade(key, thousands, price, side)
    return made


def own_result(made: History) -> Decimal:
    """The master's own result: money from each trade, and what is held at the last price."""
    cash, held, last = Decimal(0), Decimal(0), Decimal(0)
    for item in made.items:
        assert isinstance(item, Heard) and item.event.price is not None
        signed = item.event.units * item.event.order_side.sign
        cash, held, last = cash - signed * item.event.price, held + signed, item.event.price
    return cash + held * last


RICH = {"funds": funds(10**9), "stop_out_level": Decimal(0)}


@settings(max_examples=150, deadline=None)
@given(steps)
def test_one_to_one_without_friction_is_the_master_s_result(
    given_steps: list[tuple[str, int, str, Side]],
) -> None:
    made = history(given_steps)
    rehearsed = rehearse(made.items, terms(**RICH))
    assert rehearsed.skipped == 0
    assert abs(rehearsed.result - own_result(made)) < Decimal("1e-6")


@settings(max_examples=100, deadline=None)
@given(steps, st.decimals("0", "0.1", places=3), st.decimals("0", "5", places=1))
def test_friction_takes_what_it_says(
    given_steps: list[tuple[str, int, str, Side]], slippage: Decimal, commission: Decimal
) -> None:
    """Nothing is taken on what is still open until it is closed."""
    made = history([*given_steps, *((key, 0, "1.1", Side.BUY) for key in "abc")])
    friction = Friction(slippage, {"1": Decimal("0.0001")}, commission)
    free = rehearse(made.items, terms(**RICH))
    paid = rehearse(made.items, terms(**RICH, friction=friction))
    assert abs(free.result - paid.friction - paid.result) < Decimal("1e-6")


@settings(max_examples=100, deadline=None)
@given(steps, st.sampled_from(VolumeMode), st.integers(10, 100_000), st.booleans())
def test_every_event_that_asks_for_volume_has_one_reason(
    given_steps: list[tuple[str, int, str, Side]], mode: VolumeMode, equity: int, round_up: bool
) -> None:
    made = history(given_steps)
    settings_of = sizing(mode, fixed_volume=Decimal("0.1"), base_equity=Decimal(10_000))
    rehearsed = rehearse(
        made.items, terms(sizing=settings_of, funds=funds(equity), round_up=round_up)
    )
    assert sum(rehearsed.reasons.values()) == rehearsed.opens
    assert rehearsed.copied + rehearsed.skipped == rehearsed.opens
    assert rehearsed.events == len(made.items) or rehearsed.stopped_out_at is not None
    assert rehearsed.lowest_equity <= equity and rehearsed.peak_margin >= 0


@settings(max_examples=40, deadline=None)
@given(steps, st.sampled_from(VolumeMode), st.integers(50, 200_000), st.sampled_from([0, 100, 500]))
def test_a_look_at_the_rehearsal_finds_the_same_smallest_balance(
    given_steps: list[tuple[str, int, str, Side]], mode: VolumeMode, equity: int, level: int
) -> None:
    """Where it begins to look is a guess; what it finds copies enough, and little less does not."""
    made = history(given_steps)
    settings_of = sizing(mode, fixed_volume=Decimal("0.1"), base_equity=Decimal(10_000))
    rules = Rules(min_margin_level=Decimal(level))
    given_terms = terms(sizing=settings_of, funds=funds(equity), rules=rules)
    found = smallest_balance(made.items, given_terms, made=rehearse(made.items, given_terms))
    if found is None:
        assert smallest_balance(made.items, given_terms) is None
        return
    rich = rehearse(made.items, terms(**RICH)).opens
    tried = rehearse(made.items, with_balance(given_terms, found))
    assert not tried.ended and tried.skipped <= int(rich * Decimal("0.05"))


def with_balance(changed: Terms, balance: Decimal) -> Terms:
    row = changed.row
    return replace(
        changed, row=row._replace(funds=row.funds._replace(balance=balance, equity=balance))
    )
