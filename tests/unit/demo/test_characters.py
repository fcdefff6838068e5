"""The scripted traders: bounded, repeatable, and lively enough to look at."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from apps.demo.domain.characters import CHARACTERS, Character
from apps.demo.domain.words import (
    Action,
    Holding,
    Increase,
    Open,
    Protect,
    Reduce,
    Tick,
    View,
)
from apps.trading.orders import Side
from apps.trading.symbols import Instrument

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def instrument(name: str) -> Instrument:
    jpy = name.endswith("JPY")
    return Instrument(
        instrument_id=name,
        name=name,
        base=name[:3],
        quote=name[3:],
        digits=3 if jpy else 5,
        pip_digits=2 if jpy else 4,
        lot_units=Decimal(100_000),
        min_units=Decimal(1_000),
        step_units=Decimal(1_000),
        max_units=Decimal(10_000_000),
    )


class Market:
    """A small market of one trader: a random walk of prices and a book of positions."""

    def __init__(self, character: Character, seed: int) -> None:
        self.character = character
        self.walk = Random(seed)
        self.now = START
        self.instruments = {s: instrument(s) for s in character.symbols}
        self.mids = {
            s: Decimal(150) if s.endswith("JPY") else Decimal("1.1") for s in character.symbols
        }
        self.trails: dict[str, list[Decimal]] = {s: [] for s in character.symbols}
        self.holdings: dict[str, Holding] = {}
        self.opened = 0

    def view(self, health: Decimal = Decimal(1)) -> View:
        ticks = {}
        for symbol, mid in self.mids.items():
            half = Decimal("0.5").scaleb(-self.instruments[symbol].pip_digits)
            ticks[symbol] = Tick(mid - half, mid + half)
        holdings = list(self.holdings.values())
        return View(self.now, ticks, self.trails, holdings, self.instruments, health)

    def pass_time(self) -> None:
        self.now += timedelta(seconds=self.character.pace_s)
        for symbol in self.mids:
            pip = Decimal(1).scaleb(-self.instruments[symbol].pip_digits)
            self.mids[symbol] += pip * self.walk.randrange(-15, 16) / 10
            self.trails[symbol] = [*self.trails[symbol], self.mids[symbol]][-30:]

    def apply(self, action: Action) -> None:
        match action:
            case Open():
                self.opened += 1
                tick = self.view().ticks[action.symbol]
                price = tick.ask if action.side is Side.BUY else tick.bid
                sign = action.side.sign
                self.holdings[str(self.opened)] = Holding(
                    str(self.opened),
                    action.symbol,
                    action.side,
                    action.units,
                    price,
                    price - sign * action.stop_distance,
                    price + sign * action.target_distance,
                    self.now,
                    action.label,
                )
            case Increase(holding, units):
                self.holdings[holding.position_id] = replace(holding, units=holding.units + units)
            case Reduce(holding, units):
                left = holding.units - units
                if left:
                    self.holdings[holding.position_id] = replace(holding, units=left)
                else:
                    del self.holdings[holding.position_id]
            case Protect(holding, stop, target):
                self.holdings[holding.position_id] = replace(
                    holding, stop_loss=stop, take_profit=target
                )


def play(name: str, seed: int, steps: int = 600) -> list[Action]:
    character = CHARACTERS[name]
    market, actions = Market(character, seed), []
    for step in range(steps):
        market.pass_time()
        action = character.decide(market.view(), Random(f"{seed}/{step}"))
        if action is None:
            continue
        check(character, market, action)
        market.apply(action)
        actions.append(action)
    return actions


def check(character: Character, market: Market, action: Action) -> None:
    if isinstance(action, Open):
        assert action.stop_distance > 0 and action.target_distance > 0
        assert len(market.holdings) < character.max_holdings
        assert action.symbol not in {h.symbol for h in market.holdings.values()}
    elif isinstance(action, Reduce):
        assert action.units <= action.holding.units
    if not isinstance(action, Protect):
        step = market.instruments[character.symbols[0]].step_units
        assert action.units > 0 and action.units % step == 0


@pytest.mark.parametrize("name", CHARACTERS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_exposure_is_bounded_and_volumes_fit(name: str, seed: int) -> None:
    character = CHARACTERS[name]
    market = Market(character, seed)
    limit = character.max_lots * 100_000
    for step in range(600):
        market.pass_time()
        action = character.decide(market.view(), Random(f"{seed}/{step}"))
        if action is None:
            continue
        check(character, market, action)
        market.apply(action)
        assert len(market.holdings) <= character.max_holdings
        assert all(h.units <= limit for h in market.holdings.values())


@pytest.mark.parametrize("name", CHARACTERS)
def test_the_same_seed_trades_the_same(name: str) -> None:
    assert play(name, 7) == play(name, 7)
    assert play(name, 7) != play(name, 8)


def test_each_character_shows_its_own_way() -> None:
    kinds = {name: Counter(type(a) for a in play(name, 11, 1200)) for name in CHARACTERS}
    assert kinds["harbour"][Protect] > 0 and kinds["harbour"][Increase] == 0
    assert kinds["longtide"][Increase] > 0 and kinds["longtide"][Protect] > 0
    assert kinds["pendulum"][Reduce] > 2 * kinds["pendulum"][Open]
    assert kinds["quickstep"][Protect] == kinds["quickstep"][Increase] == 0
    per_hour = {n: sum(k.values()) * 3600 / (1200 * CHARACTERS[n].pace_s) for n, k in kinds.items()}
    assert per_hour["quickstep"] == max(per_hour.values())
    assert per_hour["harbour"] == min(per_hour.values())
    assert sum(per_hour.values()) > 3600 / 8


def test_sizes_shrink_with_the_money_that_is_left() -> None:
    character = CHARACTERS["quickstep"]
    market = Market(character, 5)
    market.pass_time()
    for step in range(50):
        action = character.decide(market.view(Decimal("0.0001")), Random(step))
        if isinstance(action, Open):
            assert action.units == Decimal(1_000)
            return
    pytest.fail("the scalper never opened")


@pytest.mark.parametrize("name", CHARACTERS)
def test_without_prices_nothing_is_done(name: str) -> None:
    view = View(START, {}, {}, [], {})
    assert all(CHARACTERS[name].decide(view, Random(i)) is None for i in range(50))


def test_a_strange_position_is_managed_by_what_is_held() -> None:
    character = CHARACTERS["pendulum"]
    market = Market(character, 5)
    market.pass_time()
    held = Holding(
        "1",
        "EURCHF",
        Side.BUY,
        Decimal(1_000),
        Decimal("1.1"),
        None,
        None,
        START,
        "by hand",
    )
    market.holdings["1"] = held
    market.now = START + timedelta(hours=1)
    action = character.decide(market.view(), Random(1))
    assert action == Reduce(held, Decimal(1_000))
