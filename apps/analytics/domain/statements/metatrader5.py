"""MetaTrader 5: the trade history report that the terminal saves as HTML.

Parts "Positions", "Orders", "Deals" and "Results" under one another, in UTF-16. Trades are the
positions; balance operations are deals whose type is no trade. The balance that stands beside
every deal is checked against the deal before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from apps.analytics.domain.statements.fields import (
    Cells,
    Clock,
    Collector,
    check,
    named,
    numbered,
    side_of,
)
from apps.analytics.domain.statements.markup import Row
from apps.analytics.domain.statements.records import (
    OperationKind,
    Reason,
    Statement,
    StatementFormat,
    refuse,
)
from apps.trading.quantity import ZERO

_PARTS = ("Positions", "Orders", "Deals", "Open Positions", "Working Orders", "Results")
_POSITIONS = {
    "time": "open time",
    "time 2": "close time",
    "price": "open price",
    "price 2": "close price",
}
_NEED_POSITIONS = ("time", "position", "symbol", "type", "volume", "price", "time 2", "price 2")
_NEED_DEALS = ("time", "deal", "type", "commission", "swap", "profit", "balance")
_CREDITS = frozenset({"credit", "bonus"})
_CHARGES = frozenset(
    {"charge", "correction", "interest", "dividend", "franked dividend", "tax", "agent"}
)
_UNTOUCHED = frozenset({"buy canceled", "sell canceled", "buy cancelled", "sell cancelled"})


def is_metatrader5(rows: Sequence[Row]) -> bool:
    titles = {row.title for row in rows}
    return "Deals" in titles and ("Positions" in titles or "Trade History Report" in titles)


def read_metatrader5(rows: Sequence[Row], clock: Clock) -> Statement:
    """The positions and balance operations of a report. StatementError otherwise."""
    collector = Collector(clock)
    parts = _parts(rows)
    if "Results" not in parts and not _has_balance(rows):
        raise refuse(rows[-1].line, Reason.CUT_OFF, "the report ends before its results")
    for row, names in _table(parts.get("Positions", []), _NEED_POSITIONS):
        _position(collector, row, names)
    opening, profit = _deals(collector, parts["Deals"])
    if opening == 0 and "Open Positions" not in parts:
        told = sum((trade.profit for trade in collector.trades), ZERO)
        check(collector, parts["Deals"][0].line, "the profit of all positions", told, profit)
    trades, operations = collector.finish()
    account, currency = _account(rows)
    return Statement(StatementFormat.METATRADER_5, trades, operations, account, currency, opening)


def _parts(rows: Sequence[Row]) -> dict[str, list[Row]]:
    parts: dict[str, list[Row]] = {}
    current: list[Row] = []
    for row in rows:
        if row.title in _PARTS:
            current = parts.setdefault(row.title, [])
        else:
            current.append(row)
    return parts


def _has_balance(rows: Sequence[Row]) -> bool:
    return any("Balance:" in row.cells for row in rows)


def _table(rows: Sequence[Row], needed: Sequence[str]) -> list[tuple[Row, list[str]]]:
    """The rows of a part that hold data, with the names of their columns.

    Data rows begin with a time and a number; totals have neither.
    """
    names: list[str] = []
    table = []
    for row in rows:
        first = row.columns[0] if row.columns else ""
        if not names and first.lower() == "time":
            names = numbered(row.columns)
            if missing := [name for name in needed if name not in names]:
                raise refuse(row.line, Reason.MISSING_COLUMN, f"there is no column {missing[0]!r}")
        elif names and (first[:1].isdigit() or (row.columns[1:2] and row.columns[1].isdigit())):
            table.append((row, names))
    if rows and not names and any(len(row.columns) > len(needed) for row in rows):
        raise refuse(rows[0].line, Reason.LANGUAGE, ENGLISH)
    return table


ENGLISH = (
    "the column names are not English; set the terminal's language to English (View, Languages), "
    "restart it and save the report again"
)


def _position(collector: Collector, row: Row, names: Sequence[str]) -> None:
    if not _fits(collector, row, names):
        return
    cells = Cells(collector, row.line, named(row.columns, names, _POSITIONS))
    if not cells.text("position").isdigit():
        cells.wrong(Reason.ROW, f"{cells.text('position')!r} is no position number")
    collector.once(row.line, f"position {cells.text('position')}")
    side = side_of(cells.text("type"))
    if side is None:
        cells.wrong(Reason.KIND, f"a position is buy or sell, not {cells.text('type')!r}")
        return
    cells.add_trade(
        side,
        profit=cells.number("profit"),
        commission=cells.number("commission", blank=ZERO),
        swap=cells.number("swap", blank=ZERO),
    )


def _deals(collector: Collector, rows: Sequence[Row]) -> tuple[Decimal | None, Decimal]:
    """The balance before the first deal, and the gross profit of all trades."""
    opening: Decimal | None = None
    balance: Decimal | None = None
    profit = ZERO
    for row, names in _table(rows, _NEED_DEALS):
        deal = _deal(collector, row, names)
        if deal is None:
            continue
        profit += deal.profit
        if balance is None:
            opening = deal.balance - deal.change
        elif balance + deal.change != deal.balance:
            collector.complain(
                row.line,
                Reason.TOTALS,
                f"the balance is {deal.balance}, but the deals before it lead to "
                f"{balance + deal.change}: deals are missing or changed",
            )
        balance = deal.balance
    return opening, profit


class _Deal(NamedTuple):
    """Balance after a deal, what it changed it by, and the gross profit of a trade."""

    balance: Decimal
    change: Decimal
    profit: Decimal


def _deal(collector: Collector, row: Row, names: Sequence[str]) -> _Deal | None:
    """A deal, added where it is a balance operation; None where it cannot be read."""
    if not _fits(collector, row, names):
        return None
    cells = Cells(collector, row.line, named(row.columns, names, {}))
    if not cells.text("deal").isdigit():
        cells.wrong(Reason.ROW, f"{cells.text('deal')!r} is no deal number")
    collector.once(row.line, f"deal {cells.text('deal')}")
    kind = cells.text("type").lower()
    costs = sum((cells.number(n, blank=ZERO) for n in ("commission", "fee", "swap")), ZERO)
    profit, balance = cells.number("profit", blank=ZERO), cells.number("balance")
    change, comment = profit + costs, cells.text("comment")
    if side_of(kind) is not None or kind in _UNTOUCHED:
        return _Deal(balance, change, profit) if cells.sound else None
    if kind == "balance":
        cells.add_operation(None, change, comment)
    elif kind in _CREDITS:
        cells.add_operation(OperationKind.CREDIT, change, comment)
        change = ZERO
    elif kind in _CHARGES or kind.startswith(("commission", "agent")):
        cells.add_operation(OperationKind.CHARGE, change, comment)
    else:
        cells.wrong(Reason.KIND, f"{kind!r} is neither a trade nor a balance operation")
    return _Deal(balance, change, ZERO) if cells.sound else None


def _fits(collector: Collector, row: Row, names: Sequence[str]) -> bool:
    if len(row.columns) == len(names):
        return True
    message = f"{len(row.columns)} columns stand here instead of {len(names)}"
    collector.complain(row.line, Reason.ROW, message)
    return False


def _account(rows: Sequence[Row]) -> tuple[str, str]:
    """Login and currency of a heading such as ``Account: 1234567 (USD, House-Demo, demo)``."""
    for row in rows:
        texts = [cell for cell in row.cells if cell]
        if len(texts) == 2 and texts[0] == "Account:":
            login, _, rest = texts[1].partition("(")
            return login.strip(), rest.partition(",")[0].strip(" )")
    return "", ""
