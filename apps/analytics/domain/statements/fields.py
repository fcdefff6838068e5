"""Cells of a row by the names of their columns; what is wrong is collected, line by line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from apps.analytics.domain.statements.records import (
    Operation,
    OperationKind,
    Problem,
    Reason,
    StatementError,
)
from apps.analytics.domain.statements.values import moment, number
from apps.analytics.domain.trades import ClosedTrade
from apps.trading.orders import Side
from apps.trading.quantity import ZERO

#: After so many problems the rest of the file is not looked at.
MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Clock:
    """How the moments of a file are read: its offset from UTC, and whether the day stands first."""

    offset: timedelta = timedelta(0)
    day_first: bool = False


@dataclass(slots=True)
class Collector:
    """Trades and operations of a file, and everything that is wrong with its rows."""

    clock: Clock = Clock()
    decimal: str = "."
    trades: list[ClosedTrade] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)

    def complain(self, line: int, reason: Reason, message: str) -> None:
        """Note a problem; StatementError as soon as there are too many of them."""
        self.problems.append(Problem(line, reason, message))
        if len(self.problems) >= MOST_PROBLEMS:
            raise StatementError(self.problems)

    def finish(self) -> tuple[tuple[ClosedTrade, ...], tuple[Operation, ...]]:
        """Everything in order of time. StatementError where anything was wrong."""
        if self.problems:
            raise StatementError(self.problems)
        trades = sorted(self.trades, key=lambda trade: (trade.closed_at, trade.opened_at))
        return tuple(trades), tuple(sorted(self.operations, key=lambda op: op.at))

    def once(self, line: int, ticket: str) -> None:
        """Complain where a ticket was seen before."""
        if ticket in self.seen:
            message = f"{ticket} stands in line {self.seen[ticket]} already"
            self.complain(line, Reason.DUPLICATE, message)
        self.seen.setdefault(ticket, line)


class Cells:
    """One row: texts by column name, read as what they should be.

    A cell that cannot be read is complained about once, and stands for nothing; a row with
    complaints adds no trade.
    """

    def __init__(self, collector: Collector, line: int, texts: Mapping[str, str]) -> None:
        self.line = line
        self.sound = True
        self._collector = collector
        self._texts = texts

    def text(self, name: str) -> str:
        return self._texts.get(name, "")

    def wrong(self, reason: Reason, message: str) -> None:
        self.sound = False
        self._collector.complain(self.line, reason, message)

    def number(self, name: str, *, blank: Decimal | None = None) -> Decimal:
        """The number of a column; ``blank`` stands for an empty cell where it may be empty."""
        text = self.text(name)
        if not text and blank is not None:
            return blank
        try:
            return number(text, self._collector.decimal)
        except ValueError as error:
            self.wrong(Reason.NUMBER, f"{name}: {error}")
            return ZERO

    def moment(self, name: str) -> datetime | None:
        clock = self._collector.clock
        try:
            return moment(self.text(name), clock.offset, day_first=clock.day_first)
        except ValueError as error:
            self.wrong(Reason.TIME, f"{name}: {error}")
            return None

    def trade(
        self, side: Side, *, profit: Decimal, commission: Decimal, swap: Decimal
    ) -> ClosedTrade | None:
        """The trade of the row's symbol, volume, times and prices; None after a complaint."""
        volume = self.number("volume")
        prices = self.number("open price"), self.number("close price")
        opened, closed = self.moment("open time"), self.moment("close time")
        symbol = self.text("symbol")
        if not self.sound or opened is None or closed is None:
            return None
        for wrong, message in (
            (not symbol, "the symbol is missing"),
            (volume <= 0, f"a volume of {volume} was not traded"),
            (min(prices) < 0, "a price is below zero"),
            (closed < opened, "it was closed before it was opened"),
        ):
            if wrong:
                self.wrong(Reason.VALUE, message)
                return None
        return ClosedTrade(symbol, side, volume, opened, closed, *prices, profit, commission, swap)

    def add_trade(
        self, side: Side, *, profit: Decimal, commission: Decimal, swap: Decimal
    ) -> ClosedTrade | None:
        """Add the row's trade to those of the file."""
        trade = self.trade(side, profit=profit, commission=commission, swap=swap)
        if trade is not None:
            self._collector.trades.append(trade)
        return trade

    def add_operation(
        self, kind: OperationKind | None, amount: Decimal, comment: str, *, time: str = "time"
    ) -> None:
        """Add a balance operation of the moment in column ``time``.

        Without a kind its sign tells a deposit from a withdrawal; nothing is added for amount 0.
        """
        at = self.moment(time)
        if not self.sound or at is None or amount == 0:
            return
        if kind is None:
            kind = OperationKind.DEPOSIT if amount > 0 else OperationKind.WITHDRAWAL
        self._collector.operations.append(Operation(kind, at, amount, comment))


def numbered(names: Sequence[str]) -> list[str]:
    """Column names in lower case; the second ``price`` becomes ``price 2`` and so on."""
    counts: dict[str, int] = {}
    result = []
    for name in names:
        plain = " ".join(name.lower().replace(" / ", "/").split())
        counts[plain] = counts.get(plain, 0) + 1
        result.append(plain if counts[plain] == 1 or not plain else f"{plain} {counts[plain]}")
    return result


def named(
    columns: Sequence[str], names: Sequence[str], rename: Mapping[str, str]
) -> dict[str, str]:
    """Texts of a row by their column's name, in the words that all formats share."""
    return {
        rename.get(name, name): text for name, text in zip(names, columns, strict=False) if name
    }


def side_of(text: str) -> Side | None:
    """buy or long, sell or short, in any case; None for anything else."""
    return {"buy": Side.BUY, "long": Side.BUY, "sell": Side.SELL, "short": Side.SELL}.get(
        text.lower()
    )


def check(collector: Collector, line: int, what: str, told: Decimal, *computed: Decimal) -> None:
    """Complain where what a file tells is none of what its rows add up to.

    Rows that could not be read are complained about already, and not once more by their sum.
    """
    if not collector.problems and told not in computed:
        collector.complain(
            line,
            Reason.TOTALS,
            f"{what} is {told}, but the rows add up to {computed[0]}: rows are missing or changed",
        )
