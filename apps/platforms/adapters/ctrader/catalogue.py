"""The server's symbols and currencies, and prices at each symbol's digits."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import structlog

from apps.openapi_wire.enums import TradingMode
from apps.openapi_wire.scaling import relative_from_wire, units_from_wire
from apps.trading.schedule import ALWAYS, DAY_S, Holiday, Schedule, make_schedule
from apps.trading.symbols import Instrument

_EPOCH = date(1970, 1, 1)  # holidays are told in days since then
AVERAGE_DIGITS = 8  # of a position's price, which is an average of deals

_log = structlog.get_logger(__name__)


class Catalogue:
    """What is known of the server's symbols (by their wire id) and assets.

    One connection is one server, so one catalogue serves all accounts of a session. A
    symbol that is not known yet has its prices as the wire gives them.
    """

    __slots__ = ("_formats", "assets", "instruments")

    def __init__(self) -> None:
        self.instruments: dict[int, Instrument] = {}
        self.assets: dict[int, str] = {}
        self._formats: dict[int, str] = {}

    def set_assets(self, assets: Iterable[Any]) -> None:
        self.assets = {asset.assetId: asset.name for asset in assets}

    def set_symbols(self, light: Iterable[Any], full: Iterable[Any]) -> None:
        """Join the two halves in which the server describes a symbol; unmatched are left out."""
        details = {symbol.symbolId: symbol for symbol in full}
        for entry in light:
            symbol = details.get(entry.symbolId)
            if symbol is not None:
                self.instruments[entry.symbolId] = self._instrument(entry, symbol)
                self._formats[entry.symbolId] = f"%.{symbol.digits}f"

    def price(self, symbol_id: int, value: float) -> Decimal:
        """A double of the wire as the decimal that it stands for, by a ready-made format."""
        form = self._formats.get(symbol_id)
        return Decimal(form % value if form is not None else repr(value))

    def quote(self, symbol_id: int, points: int) -> Decimal:
        """A quote's integer as a price."""
        instrument = self.instruments.get(symbol_id)
        price = relative_from_wire(points)
        return price if instrument is None else price.quantize(instrument.price_step)

    def digits(self, symbol_id: int) -> int | None:
        instrument = self.instruments.get(symbol_id)
        return None if instrument is None else instrument.digits

    def _instrument(self, light: Any, full: Any) -> Instrument:
        return Instrument(
            instrument_id=str(light.symbolId),
            name=light.symbolName,
            base=self.assets.get(light.baseAssetId, ""),
            quote=self.assets.get(light.quoteAssetId, ""),
            digits=full.digits,
            pip_digits=full.pipPosition,
            lot_units=units_from_wire(full.lotSize),
            min_units=units_from_wire(full.minVolume),
            step_units=units_from_wire(full.stepVolume),
            max_units=units_from_wire(full.maxVolume),
            description=light.description,
            tradable=light.enabled and full.tradingMode == TradingMode.ENABLED,
            schedule=_schedule(full),
        )


def _schedule(full: Any) -> Schedule:
    """Trading hours; always open where they cannot be read: the platform refuses by itself."""
    hours = [(interval.startSecond, interval.endSecond) for interval in full.schedule]
    zone = full.scheduleTimeZone or "UTC"
    holidays = [
        Holiday(
            _EPOCH + timedelta(days=day.holidayDate),
            day.startSecond,
            day.endSecond or DAY_S,
            day.isRecurring,
        )
        for day in full.holiday
    ]
    try:
        return make_schedule(hours, holidays, zone)
    except ValueError as error:
        _log.warning("trading hours cannot be read", symbol=full.symbolId, error=str(error))
        return ALWAYS


def average_price(value: float) -> Decimal:
    """A position's price: an average of deals, finer than the symbol's digits."""
    return Decimal("%.*f" % (AVERAGE_DIGITS, value))  # noqa: UP031 - half the time of an f-string
