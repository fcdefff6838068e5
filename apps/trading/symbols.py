"""Instruments, and when two platforms' names mean the same one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from apps.trading.schedule import ALWAYS, Schedule

_SEPARATORS = str.maketrans("", "", "/-_ .:")


@dataclass(frozen=True, slots=True)
class Instrument:
    """A tradable symbol of one platform server.

    All volumes are units of ``base``; ``lot_units`` of them are one lot there. ``digits`` is
    the number of decimals of a price, ``pip_digits`` the decimal place of a pip. ``schedule``
    says when it is traded.
    """

    instrument_id: str
    name: str
    base: str
    quote: str
    digits: int
    pip_digits: int
    lot_units: Decimal
    min_units: Decimal
    step_units: Decimal
    max_units: Decimal
    description: str = ""
    tradable: bool = True
    schedule: Schedule = ALWAYS

    @property
    def price_step(self) -> Decimal:
        return Decimal(1).scaleb(-self.digits)

    def lots(self, units: Decimal) -> Decimal:
        """Units expressed in this instrument's lots."""
        return units / self.lot_units


def fold(name: str, prefixes: Iterable[str] = (), suffixes: Iterable[str] = ()) -> str:
    """Reduce a symbol name to what two platforms share.

    Case and separators are dropped; of the configured prefixes and suffixes the longest
    that fits is taken off, so that ``EURUSD``, ``EUR/USD`` and ``EURUSD.vip`` (suffix
    ``.vip``) fold to the same key.
    """
    text = name.strip().upper()
    for prefix in sorted((p.strip().upper() for p in prefixes), key=len, reverse=True):
        if prefix and text.startswith(prefix) and len(text) > len(prefix):
            text = text[len(prefix) :]
            break
    for suffix in sorted((s.strip().upper() for s in suffixes), key=len, reverse=True):
        if suffix and text.endswith(suffix) and len(text) > len(suffix):
            text = text[: -len(suffix)]
            break
    return text.translate(_SEPARATORS)
