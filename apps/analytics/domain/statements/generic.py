"""The generic CSV file: for every platform whose statements are not read directly.

One row a closed trade or balance operation, with these columns in any order:

``type``: buy, sell, deposit, withdrawal, credit or charge. For trades ``symbol``, ``volume``,
``open time``, ``open price``, ``close time``, ``close price``, ``profit`` (gross), and where there
are any ``commission`` and ``swap`` (negative: paid). For operations ``close time`` and ``profit``,
the amount. ``balance`` after the row may stand beside; it is checked. Times are as in
``2024-01-31 10:30:00``, in UTC unless they carry an offset or another clock is chosen.
"""

from __future__ import annotations

from decimal import Decimal

from apps.analytics.domain.statements.fields import Cells, Clock, Collector, named, side_of
from apps.analytics.domain.statements.records import (
    OperationKind,
    Reason,
    Statement,
    StatementFormat,
    refuse,
)
from apps.analytics.domain.statements.sheets import Sheet, require
from apps.analytics.domain.statements.values import decimal_mark
from apps.trading.quantity import ZERO

#: The heading of a sample file.
COLUMNS = (
    "type",
    "symbol",
    "volume",
    "open time",
    "open price",
    "close time",
    "close price",
    "profit",
    "commission",
    "swap",
    "balance",
)
_OTHER_NAMES = {
    "side": "type",
    "direction": "type",
    "item": "symbol",
    "instrument": "symbol",
    "lots": "volume",
    "size": "volume",
    "quantity": "volume",
    "opened at": "open time",
    "opening time": "open time",
    "closed at": "close time",
    "closing time": "close time",
    "entry price": "open price",
    "opening price": "open price",
    "exit price": "close price",
    "closing price": "close price",
    "commissions": "commission",
    "result": "profit",
    "amount": "profit",
}
_SIGNS = {
    OperationKind.DEPOSIT: 1,
    OperationKind.WITHDRAWAL: -1,
}


def read_generic(source: Sheet, clock: Clock) -> Statement:
    """The trades and operations of a generic CSV file. StatementError otherwise."""
    names = [_plain_name(name) for name in source.names]
    needed = COLUMNS[:8]
    require(source.line, names, needed, f"there must be {', '.join(needed)}")
    if len(set(names)) < len(names):
        raise refuse(source.line, Reason.DUPLICATE, "two columns have the same name")
    try:
        mark = decimal_mark(cell for _, cells in source.rows for cell in cells)
    except ValueError as error:
        raise refuse(source.line, Reason.NUMBER, str(error)) from None
    collector = Collector(clock, mark)
    opening: Decimal | None = None
    known: Decimal | None = None
    for line, columns in source.rows:
        cells = Cells(collector, line, named(columns, names, {}))
        change = _row(cells)
        if not cells.text("balance") or not cells.sound:
            known = None if known is None else known + change
            continue
        balance = cells.number("balance")
        opening = balance - change if opening is None and known is None else opening
        if known is not None and known + change != balance:
            cells.wrong(
                Reason.TOTALS, f"the balance is {balance}, the rows lead to {known + change}"
            )
        known = balance
    trades, operations = collector.finish()
    return Statement(StatementFormat.GENERIC_CSV, trades, operations, opening_balance=opening)


def _plain_name(name: str) -> str:
    plain = " ".join(name.lower().replace("_", " ").split())
    return _OTHER_NAMES.get(plain, plain)


def _row(cells: Cells) -> Decimal:
    """Add the trade or operation of a row; answers what it changed the balance by."""
    kind = cells.text("type").lower()
    profit = cells.number("profit")
    if (side := side_of(kind)) is not None:
        commission = cells.number("commission", blank=ZERO)
        swap = cells.number("swap", blank=ZERO)
        cells.add_trade(side, profit=profit, commission=commission, swap=swap)
        return profit + commission + swap
    if kind not in set(OperationKind):
        cells.wrong(Reason.KIND, f"{kind!r} is none of buy, sell, {', '.join(OperationKind)}")
        return ZERO
    operation = OperationKind(kind)
    if profit * _SIGNS.get(operation, 0) < 0:
        cells.wrong(Reason.VALUE, f"a {kind} of {profit} has the wrong sign")
    cells.add_operation(operation, profit, "", time="close time")
    return ZERO if operation is OperationKind.CREDIT else profit
