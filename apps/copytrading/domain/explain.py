"""An outcome as the sentence that users read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from apps.copytrading.domain.codes import Code, OutcomeState
from apps.copytrading.domain.events import OF_ORDERS, EventKind
from apps.copytrading.domain.hints import HINTS
from apps.copytrading.domain.legible import PRICE_DIGITS, shown, significant
from apps.copytrading.domain.volume import VolumeMode
from apps.trading.orders import Side


@dataclass(frozen=True, slots=True)
class Facts:
    """What an outcome says of itself; volumes in units, durations in milliseconds."""

    kind: str
    symbol: str
    state: str
    code: str
    message: str
    side: str
    units: Decimal
    filled_units: Decimal
    lot_units: Decimal
    currency: str
    master_price: Decimal | None
    fill_price: Decimal | None
    slippage: Decimal | None
    slippage_money: Decimal | None
    numbers: Mapping[str, Any]
    to_sent_ms: float | None = None


def explain(facts: Facts) -> str:
    """One sentence from the master's deal to the follower's fill, with the numbers used."""
    return _sentence("; ".join(_parts(facts)))


def sentences(facts: Facts) -> list[str]:
    """The same as :func:`explain`, a sentence for each step."""
    return [_sentence(part) for part in _parts(facts)]


def _parts(facts: Facts) -> list[str]:
    steps = (_master, _turned, _sizing, _sending, _filling, _reason)
    return [part for step in steps if (part := step(facts))]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def hint(code: str) -> str:
    """What would have changed an outcome; '' where nothing would."""
    return HINTS[Code[code]]


def lots(units: Decimal, lot_units: Decimal) -> str:
    """Lots with at least two decimals, and no more than they need."""
    value = (units / lot_units if lot_units else units).quantize(Decimal("1e-8"))
    text = f"{value.normalize():,f}"
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"


def money(amount: Decimal, currency: str) -> str:
    return f"{amount:,.2f} {currency}".strip()


def price(value: Decimal) -> str:
    return shown(value, PRICE_DIGITS)


def quoted(facts: Facts, value: Decimal) -> str:
    """A price with the digits of its symbol, more where it has more."""
    text, digits = price(value), _number(facts.numbers, "digits")
    if digits is None or len(text.partition(".")[2]) >= digits:
        return text
    return f"{value:,.{int(digits)}f}"


def _master(facts: Facts) -> str:
    numbers = facts.numbers
    symbol = facts.symbol
    at = f" at {quoted(facts, facts.master_price)}" if facts.master_price is not None else ""
    if facts.kind == EventKind.PROTECTION:
        return f"master moved the stops of {symbol}{_stops(numbers)}"
    side = str(numbers.get("master_side") or facts.side)
    volume = ""
    units, lot = _number(numbers, "master_units"), _number(numbers, "master_lot_units")
    if units is not None and lot:
        volume = f" {lots(units, lot)}"
    if facts.kind in OF_ORDERS:
        verb = _ORDERS[facts.kind]
        return f"master {verb} an order to {side or 'trade'}{volume} {symbol}{at}"
    if facts.kind == EventKind.EXISTING:
        return f"master held {side}{volume} {symbol}{at} before".replace("  ", " ")
    verb = "bought" if side == Side.BUY else "sold"
    return f"master {verb}{volume} {symbol}{at}{_DOING.get(facts.kind, '')}"


_ORDERS = {
    EventKind.PLACED.value: "placed",
    EventKind.AMENDED.value: "changed",
    EventKind.CANCELLED.value: "cancelled",
    EventKind.EXPIRED.value: "let expire",
}


_DOING = {
    EventKind.INCREASED.value: ", adding to the position",
    EventKind.REDUCED.value: ", closing a part",
    EventKind.CLOSED.value: ", closing the position",
    EventKind.REVERSED.value: ", turning the position round",
}


def _stops(numbers: Mapping[str, Any]) -> str:
    named = {"stop loss": "stop_loss", "take profit": "take_profit"}
    found = [
        f"{label} {price(value)}"
        for label, key in named.items()
        if (value := _number(numbers, key)) is not None
    ]
    return f": {', '.join(found)}" if found else ""


def _turned(facts: Facts) -> str:
    """Said of a copy that takes the opposite side."""
    other = str(facts.numbers.get("master_side") or "")
    if facts.kind not in _TAKES_A_SIDE or not facts.units or other in ("", facts.side):
        return ""
    return f"you take the other side and {facts.side}"


_TAKES_A_SIDE = (EventKind.OPENED, EventKind.EXISTING, EventKind.INCREASED, EventKind.PLACED)


def _sizing(facts: Facts) -> str:
    numbers = facts.numbers
    raw = _number(numbers, "raw_units")
    if raw is None or facts.kind == EventKind.PROTECTION:
        return ""
    exact = lots(significant(raw, down=True), facts.lot_units)
    held = _number(numbers, "held_units") or Decimal(0)
    if facts.kind in (EventKind.REDUCED, EventKind.CLOSED):
        rounded = _rounded(facts, held - facts.units)
        return f"of {_held(facts)} lots {exact} remain to be held{rounded}" if raw else ""
    if facts.kind == EventKind.INCREASED:
        ratio = _number(numbers, "ratio")
        frozen = f"at the ratio {shown(ratio)} " if ratio is not None else ""
        rounded = _rounded(facts, held + facts.units)
        return f"{frozen}{exact} lots are to be held{rounded}; {_held(facts)} were held before"
    if "mode" not in numbers:  # sized when its order was placed
        ratio = _number(numbers, "ratio")
        frozen = f"at the ratio {shown(ratio)}" if ratio is not None else "here"
        return f"{frozen} that is {exact} lots"
    return f"{_because(facts)} {exact} lots{_rounded(facts, facts.units)}"


def _held(facts: Facts) -> str:
    return lots(_number(facts.numbers, "held_units") or Decimal(0), facts.lot_units)


def _because(facts: Facts) -> str:
    numbers = facts.numbers
    mode = numbers.get("mode")
    times = _times(numbers)
    if mode == VolumeMode.FIXED:
        return "your fixed volume gives"
    if mode == VolumeMode.MULTIPLIER:
        return f"your multiplier {_plain(numbers, 'multiplier')} gives"
    capital = _number(numbers, "capital") or Decimal(0)
    word = "balance" if mode == VolumeMode.BALANCE_RATIO else "equity"
    own = f"your {word} {money(capital, str(numbers.get('currency') or facts.currency))}"
    if numbers.get("allocated_capital"):
        own = f"your allocated capital {money(capital, facts.currency)}"
    if mode == VolumeMode.EQUITY_BASED:
        base = _number(numbers, "base_equity") or Decimal(0)
        return f"{own} for each {money(base, facts.currency)}{times} gives"
    other = _number(numbers, f"master_{word}") or Decimal(0)
    against = money(other, str(numbers.get("master_currency") or ""))
    return f"{own} against {against}{times} gives"


def _times(numbers: Mapping[str, Any]) -> str:
    multiplier = _number(numbers, "multiplier")
    return "" if multiplier in (None, 1) else f" times {_plain(numbers, 'multiplier')}"


def _rounded(facts: Facts, wanted: Decimal) -> str:
    """What rounding made of the exact volume: the ``wanted`` units, which are then held."""
    how = facts.numbers.get("rounding")
    words = {"down": "rounded down to", "up": "rounded up to", "capped": "capped at"}
    if how not in words or not facts.units:
        return ""
    return f", {words[how]} {lots(wanted, facts.lot_units)}"


def _sending(facts: Facts) -> str:
    return "" if facts.to_sent_ms is None else f"sent after {max(0, round(facts.to_sent_ms))} ms"


def _filling(facts: Facts) -> str:
    if facts.fill_price is None or not facts.filled_units:
        return ""
    filled = f"filled at {quoted(facts, facts.fill_price)}"
    if facts.filled_units < facts.units:
        filled = f"{lots(facts.filled_units, facts.lot_units)} lots {filled}"
    if not facts.slippage:
        return filled if facts.slippage is None else f"{filled}, the master's price"
    pip_digits = _number(facts.numbers, "pip_digits")
    distance = abs(facts.slippage)
    far = (
        f"{distance.scaleb(int(pip_digits)):,.1f} pips"
        if pip_digits is not None
        else shown(distance)
    )
    text = f"{filled}, {far} {'worse' if facts.slippage > 0 else 'better'}"
    if facts.slippage_money:
        verb = "costing" if facts.slippage > 0 else "saving"
        text += f", {verb} {money(abs(facts.slippage_money), facts.currency)}"
    return text


def _reason(facts: Facts) -> str:
    code = Code[facts.code]
    copied = facts.state == OutcomeState.COPIED and code is not Code.PENDING_FILLED
    if copied and not facts.message:
        return ""
    text = code.label[:1].lower() + code.label[1:] if not copied else ""
    if compared := _compared(code, facts):
        text += f" ({compared})"
    return ": ".join(part for part in (text, facts.message) if part)


def _compared(code: Code, facts: Facts) -> str:
    """The numbers that a guard compared; '' where they are not known."""
    words = _COMPARED.get(code)
    if words is None:
        return ""
    names, tell = words
    found = [_number(facts.numbers, name) for name in names]
    return "" if None in found else tell(facts, *found)


def _smallest(facts: Facts, least: Decimal) -> str:
    own = _number(facts.numbers, "min_volume") or Decimal(0)
    return f"{lots(max(least, own * facts.lot_units), facts.lot_units)} lots"


_COMPARED: dict[Code, tuple[tuple[str, ...], Callable[..., str]]] = {
    Code.BELOW_MINIMUM: (("min_units",), _smallest),
    Code.MAX_POSITIONS: (
        ("open_links", "max_positions"),
        lambda facts, now, most: f"{now:f} of {most:f} are open",
    ),
    Code.MIN_EQUITY: (
        ("equity", "min_equity"),
        lambda facts, now, least: (
            f"{money(now, facts.currency)}, at least {money(least, facts.currency)}"
        ),
    ),
    Code.SLIPPAGE: (
        ("quote", "limit_price"),
        lambda facts, quote, limit: f"{quoted(facts, quote)}, at worst {quoted(facts, limit)}",
    ),
    Code.MARGIN: (
        ("margin_level", "min_margin_level"),
        lambda facts, level, least: f"{shown(level)} %, at least {price(least)} %",
    ),
    Code.TOO_LATE: (
        ("late_s", "max_delay_s"),
        lambda facts, late, most: f"{late:.1f} s, at most {price(most)} s",
    ),
}


def _number(numbers: Mapping[str, Any], key: str) -> Decimal | None:
    value = numbers.get(key)
    try:
        return None if value is None or value == "" else Decimal(str(value))
    except InvalidOperation:
        return None


def _plain(numbers: Mapping[str, Any], key: str) -> str:
    value = _number(numbers, key)
    return "" if value is None else shown(value, PRICE_DIGITS)
