"""cTrader: the history that the platform exports as CSV or shows in its HTML statement.

Column names carry units: "Closing time (UTC+2)" tells the clock, "Net USD" and "Balance USD" the
currency. The opening time is a column that must be switched on before exporting. The history has
no deposits; where the balance beside a trade is not the one before it plus the trade's result,
money came or went between them, and that is told as an operation marked ``inferred``. The HTML
statement names deposits and withdrawals in a table of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from apps.analytics.domain.statements.fields import (
    Cells,
    Clock,
    Collector,
    named,
    numbered,
    side_of,
)
from apps.analytics.domain.statements.markup import Row
from apps.analytics.domain.statements.records import (
    Operation,
    OperationKind,
    Reason,
    Statement,
    StatementFormat,
    refuse,
)
from apps.analytics.domain.statements.sheets import Sheet, require
from apps.analytics.domain.statements.values import decimal_mark
from apps.analytics.domain.trades import ClosedTrade
from apps.trading.quantity import ZERO

_ZONE = re.compile(r"\(utc ?([+-]) ?([0-9]{1,2})(?::?([0-9]{2}))?\)", re.IGNORECASE)
_MONEY = re.compile(
    r"(net|gross|balance|swap|commissions?|amount) ?\(?([a-z]{3,5}|[$€£¥])\)?", re.IGNORECASE
)
_QUANTITY = re.compile(r"(.*?[0-9]) ?(?:lots?|units?|[a-z]{2,6})?", re.IGNORECASE)
_NAMES = {
    "opening direction": "side",
    "direction": "side",
    "opening time": "open time",
    "closing time": "close time",
    "entry price": "open price",
    "opening price": "open price",
    "closing price": "close price",
    "closing quantity": "volume",
    "closing volume": "volume",
    "quantity": "volume",
    "commissions": "commission",
    "closing deal id": "id",
}
_NEEDED = (
    "symbol",
    "side",
    "open time",
    "close time",
    "open price",
    "close price",
    "volume",
    "net",
)
_HELP = (
    "set cTrader to English, show the columns Symbol, Opening direction, Opening time, Closing "
    "time, Entry price, Closing price, Closing quantity, Net and Balance in the history, and "
    "export it again"
)
_ENDS = frozenset(
    {
        "total",
        "totals",
        "history",
        "deals",
        "transactions",
        "orders",
        "positions",
        "open positions",
        "pending orders",
        "summary",
        "account summary",
    }
)
_TRANSACTIONS = {
    "deposit": OperationKind.DEPOSIT,
    "withdrawal": OperationKind.WITHDRAWAL,
    "withdraw": OperationKind.WITHDRAWAL,
    "bonus": OperationKind.CREDIT,
    "bonus deposit": OperationKind.CREDIT,
    "bonus withdrawal": OperationKind.CREDIT,
    "fee": OperationKind.CHARGE,
    "charge": OperationKind.CHARGE,
    "dividend": OperationKind.CHARGE,
    "interest": OperationKind.CHARGE,
}


@dataclass(frozen=True, slots=True)
class Heading:
    """Column names in the words that all formats share, with what they say of clock and money."""

    names: tuple[str, ...]
    offset: timedelta | None
    currency: str


def heading(cells: Sequence[str]) -> Heading:
    """Read the column names of a history or a table of transactions."""
    names, offset, currency = [], None, ""
    for cell in cells:
        if zone := _ZONE.search(cell):
            ahead = timedelta(hours=int(zone[2]), minutes=int(zone[3] or 0))
            offset = -ahead if zone[1] == "-" else ahead
        plain = _ZONE.sub("", cell).strip().lower()
        if money := _MONEY.fullmatch(plain):
            plain = money[1]
            currency = currency or (money[2].upper() if money[2].isalpha() else "")
        names.append(_NAMES.get(plain, plain))
    return Heading(tuple(numbered(names)), offset, currency)


def is_ctrader(names: Sequence[str]) -> bool:
    """Whether column names are those of a cTrader history, whole or not."""
    plain = {_ZONE.sub("", name).strip().lower() for name in names}
    return bool(plain & {"opening direction", "closing quantity", "closing volume"})


def read_ctrader_sheet(source: Sheet, clock: Clock) -> Statement:
    """The history of a CSV file. StatementError otherwise."""
    return _read(source.line, source.names, source.rows, [], clock)


def read_ctrader_rows(rows: Sequence[Row], clock: Clock) -> Statement:
    """The history of an HTML statement, and its deposits and withdrawals where it has them."""
    at = next(i for i, row in enumerate(rows) if is_ctrader(row.columns))
    history = list(_below(rows, at))
    return _read(rows[at].line, rows[at].columns, history, _transactions(rows), clock)


def _below(rows: Sequence[Row], at: int) -> Iterable[tuple[int, tuple[str, ...]]]:
    """Rows under column names, up to the next part of the statement or a line of totals.

    Whatever else stands among them is a row, and must be one that can be read.
    """
    for row in rows[at + 1 :]:
        first = row.columns[0].lower().rstrip(":") if row.columns else ""
        if first in _ENDS or row.title.lower().rstrip(":") in _ENDS:
            return
        if any(row.cells):
            yield row.line, row.columns


def _transactions(rows: Sequence[Row]) -> list[tuple[int, dict[str, str]]]:
    for at, row in enumerate(rows):
        head = heading(row.columns)
        if {"type", "time", "amount"} <= set(head.names):
            return [(line, named(columns, head.names, {})) for line, columns in _below(rows, at)]
    return []


def _read(
    line: int,
    names: Sequence[str],
    rows: Sequence[tuple[int, tuple[str, ...]]],
    transactions: Sequence[tuple[int, dict[str, str]]],
    clock: Clock,
) -> Statement:
    head = heading(names)
    require(line, head.names, _NEEDED, _HELP)
    try:
        mark = decimal_mark(cell for _, cells in rows for cell in cells)
    except ValueError as error:
        raise refuse(line, Reason.NUMBER, str(error)) from None
    offset = clock.offset if head.offset is None else head.offset
    collector = Collector(Clock(offset, day_first=True), mark)
    balances: list[_Balance] = []
    for at, columns in rows:
        if len(columns) != len(head.names):
            message = f"{len(columns)} columns stand here instead of {len(head.names)}"
            collector.complain(at, Reason.ROW, message)
            continue
        cells = Cells(collector, at, _plain(named(columns, head.names, {})))
        trade = _trade(cells)
        if trade is not None:
            balances.append(_Balance(trade, cells.number("balance"), at))
    for at, texts in transactions:
        _transaction(collector, at, texts)
    opening = _balances(collector, balances, told=bool(transactions))
    trades, operations = collector.finish()
    return Statement(
        StatementFormat.CTRADER,
        trades,
        operations,
        currency=head.currency,
        opening_balance=opening,
    )


def _plain(texts: dict[str, str]) -> dict[str, str]:
    quantity = _QUANTITY.fullmatch(texts.get("volume", ""))
    return texts | {"volume": quantity[1]} if quantity else texts


def _trade(cells: Cells) -> ClosedTrade | None:
    side = side_of(cells.text("side"))
    if side is None:
        cells.wrong(Reason.KIND, f"a trade is buy or sell, not {cells.text('side')!r}")
        return None
    net = cells.number("net")
    commission = cells.number("commission", blank=ZERO)
    swap = cells.number("swap", blank=ZERO)
    return cells.add_trade(side, profit=net - commission - swap, commission=commission, swap=swap)


def _transaction(collector: Collector, line: int, texts: dict[str, str]) -> None:
    cells = Cells(collector, line, texts)
    kind = _TRANSACTIONS.get(cells.text("type").lower())
    amount = cells.number("amount")
    if kind is None:
        cells.wrong(Reason.KIND, f"{cells.text('type')!r} is no transaction that is known")
    elif kind is OperationKind.WITHDRAWAL or "withdrawal" in cells.text("type").lower():
        cells.add_operation(kind, -abs(amount), cells.text("note"))
    else:
        cells.add_operation(kind, amount, cells.text("note"))


class _Balance(NamedTuple):
    """The balance that stands beside a trade."""

    trade: ClosedTrade
    balance: Decimal
    line: int


def _balances(collector: Collector, balances: list[_Balance], *, told: bool) -> Decimal | None:
    """The balance before the first trade; steps that no trade explains become operations.

    With a table of transactions every step must be explained by it, else the totals differ.
    Rows may stand oldest or newest first.
    """
    if not balances:
        return None
    if balances[0].trade.closed_at > balances[-1].trade.closed_at:
        balances.reverse()
    balances.sort(key=lambda item: item.trade.closed_at)
    if told:
        return _explained(collector, balances)
    opening = known = balances[0].balance - balances[0].trade.result
    for trade, balance, _ in balances:
        if step := balance - known - trade.result:
            kind = OperationKind.DEPOSIT if step > 0 else OperationKind.WITHDRAWAL
            operation = Operation(kind, trade.closed_at, step, inferred=True)
            collector.operations.append(operation)
        known = balance
    return opening


def _explained(collector: Collector, balances: list[_Balance]) -> Decimal:
    first, last = balances[0], balances[-1]
    until = [op for op in collector.operations if op.at <= last.trade.closed_at]
    before = sum((op.amount for op in until if op.at <= first.trade.closed_at), ZERO)
    opening = first.balance - first.trade.result - before
    expected = opening + sum((op.amount for op in until), ZERO)
    expected += sum((item.trade.result for item in balances), ZERO)
    if expected != last.balance and not collector.problems:
        collector.complain(
            last.line,
            Reason.TOTALS,
            f"the balance is {last.balance}, but trades and transactions lead to {expected}: "
            "rows are missing or changed",
        )
    return opening
