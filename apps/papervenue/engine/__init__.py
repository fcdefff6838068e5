"""Matching and accounting of the paper venue, in memory and pure.

No I/O and no clock: every call takes the time in milliseconds since 1970, and everything that
happens is told to a :class:`~apps.papervenue.engine.records.Sink` at the moment it happens.

Numbers are scaled integers as the wire has them: volumes in hundredths of a unit, prices in
hundred-thousandths, money in the smallest part of its currency that is booked. An average
entry price is kept in hundred-thousandths of those (``ENTRY_SCALE``).
"""

from apps.papervenue.engine.engine import Engine
from apps.papervenue.engine.records import (
    Account,
    CashFlow,
    CloseDetail,
    Deal,
    Order,
    Position,
    Refused,
    Sink,
)
from apps.papervenue.engine.specs import DEFAULT_SYMBOLS, SymbolSpec

__all__ = [
    "DEFAULT_SYMBOLS",
    "Account",
    "CashFlow",
    "CloseDetail",
    "Deal",
    "Engine",
    "Order",
    "Position",
    "Refused",
    "Sink",
    "SymbolSpec",
]
