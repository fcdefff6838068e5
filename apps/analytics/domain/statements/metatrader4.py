"""MetaTrader 4: the account statement that the terminal saves as (detailed) report.

One table, as the statements that a broker's server sends by mail. A heading row "Closed
Transactions:", column names, then a row for each closed trade, balance operation and cancelled
pending order; open trades and working orders follow, then a summary. Amounts have a decimal point
and blanks between thousands. "Closed P/L" and "Deposit/Withdrawal" are checked against the rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

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
from apps.analytics.domain.statements.values import has_moment, number
from apps.trading.quantity import ZERO

CLOSED = "Closed Transactions:"
_SECTIONS = (CLOSED, "Open Trades:", "Working Orders:", "Summary:", "A/C Summary:")
#: What the statements that a broker's server sends call the same columns.
_SAME = {"lots": "size", "r/o swap": "swap", "trade p/l": "profit", "symbol": "item"}
_RENAME = {
    "item": "symbol",
    "size": "volume",
    "price": "open price",
    "price 2": "close price",
}
_NEEDED = (
    "ticket",
    "open time",
    "type",
    "size",
    "item",
    "price",
    "close time",
    "price 2",
    "profit",
)
_PENDING = re.compile(r"(buy|sell) (limit|stop)")
_LABEL = re.compile(r"(Account|A/C No|Currency): ?(.*)")


def is_metatrader4(rows: Sequence[Row]) -> bool:
    return any(row.title == CLOSED for row in rows)


def read_metatrader4(rows: Sequence[Row], clock: Clock) -> Statement:
    """The closed trades and balance operations of a statement. StatementError otherwise."""
    collector = Collector(clock)
    sections = _sections(rows)
    for section in (CLOSED, "Summary:"):
        if section not in sections:
            line = rows[-1].line
            raise refuse(line, Reason.CUT_OFF, f"the statement has no part {section!r}")
    _closed(collector, sections[CLOSED], rows[-1].line)
    balance = _summary(collector, sections["Summary:"])
    trades, operations = collector.finish()
    moved = sum((t.result for t in trades), ZERO) + _sum(collector, credit=False)
    details = _details(rows)
    return Statement(
        StatementFormat.METATRADER_4,
        trades,
        operations,
        account=details.get("Account") or details.get("A/C No", ""),
        currency=details.get("Currency", ""),
        opening_balance=None if balance is None else balance - moved,
    )


def _closed(collector: Collector, rows: Sequence[Row], last_line: int) -> None:
    """Rows of the first part, down to the line that adds them up."""
    names: list[str] = []
    for row in rows:
        if not names and row.columns and row.columns[0].lower() == "ticket":
            names = _names(row)
        elif names and (told := _labelled(row, "Closed P/L:")) is not None:
            net = sum((trade.result for trade in collector.trades), ZERO)
            gross = sum((trade.profit for trade in collector.trades), ZERO)
            check(collector, row.line, "Closed P/L", told, net, gross)
            return
        elif (
            names
            and row.columns
            and (row.columns[0].isdigit() or any(map(has_moment, row.columns[:2])))
        ):
            _transaction(collector, row, names)
    line = rows[0].line if rows else last_line
    if not names:
        raise refuse(line, Reason.LANGUAGE, _ENGLISH)
    raise refuse(last_line, Reason.CUT_OFF, "the line 'Closed P/L:' is missing")


_ENGLISH = (
    "the column names are not English; set the terminal's language to English (View, Languages), "
    "restart it and save the report again"
)


def _sections(rows: Sequence[Row]) -> dict[str, list[Row]]:
    sections: dict[str, list[Row]] = {}
    current: list[Row] = []
    for row in rows:
        if row.title in _SECTIONS:
            title = "Summary:" if row.title == "A/C Summary:" else row.title
            current = sections.setdefault(title, [])
        else:
            current.append(row)
    return sections


def _names(row: Row) -> list[str]:
    names = [_SAME.get(name, name) for name in numbered(row.columns)]
    if missing := [name for name in _NEEDED if name not in names]:
        raise refuse(row.line, Reason.MISSING_COLUMN, f"there is no column {missing[0]!r}")
    return names


def _has_time(row: Row) -> bool:
    return any(has_moment(cell) for cell in row.columns[:2])


def _transaction(collector: Collector, row: Row, names: Sequence[str]) -> None:
    kind = row.columns[2].lower() if len(row.columns) > 2 else ""
    if len(row.columns) != len(names):
        collector.complain(
            row.line, Reason.ROW, f"{len(row.columns)} columns stand here instead of {len(names)}"
        )
        return
    if not row.columns[0].isdigit():
        collector.complain(row.line, Reason.ROW, f"{row.columns[0]!r} is no ticket number")
    collector.once(row.line, f"ticket {row.columns[0]}")
    cells = Cells(collector, row.line, named(row.columns, names, _RENAME))
    if (side := side_of(kind)) is not None:
        cells.add_trade(
            side,
            profit=cells.number("profit"),
            commission=cells.number("commission", blank=ZERO) + cells.number("taxes", blank=ZERO),
            swap=cells.number("swap", blank=ZERO),
        )
    elif kind in ("balance", "credit"):
        texts = {"time": row.columns[1], "amount": row.cells[-1]}
        money = Cells(collector, row.line, texts)
        credit = OperationKind.CREDIT if kind == "credit" else None
        money.add_operation(credit, money.number("amount"), row.columns[3])
    elif not _PENDING.fullmatch(kind):
        cells.wrong(Reason.KIND, f"{kind!r} is neither a trade nor a balance operation")


def _details(rows: Sequence[Row]) -> dict[str, str]:
    found = (_LABEL.fullmatch(cell) for row in rows for cell in row.cells)
    return {match[1]: match[2] for match in found if match}


def _labelled(row: Row, label: str) -> Decimal | None:
    """The number that stands behind a label in a row; None where neither is there."""
    texts = [cell for cell in row.cells if cell]
    if label not in texts[:-1]:
        return None
    text = texts[texts.index(label) + 1]
    try:
        return number(text)
    except ValueError as error:
        raise refuse(row.line, Reason.NUMBER, f"{label} {error}") from None


def _summary(collector: Collector, rows: Sequence[Row]) -> Decimal | None:
    balance = None
    for row in rows:
        if (told := _labelled(row, "Deposit/Withdrawal:")) is not None:
            check(collector, row.line, "Deposit/Withdrawal", told, _sum(collector, credit=False))
        if (told := _labelled(row, "Balance:")) is not None:
            balance = told
    if balance is None and rows:
        collector.complain(rows[-1].line, Reason.CUT_OFF, "the summary tells no balance")
    return balance


def _sum(collector: Collector, *, credit: bool) -> Decimal:
    kind = OperationKind.CREDIT
    return sum((o.amount for o in collector.operations if (o.kind is kind) is credit), ZERO)
