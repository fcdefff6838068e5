"""What a statement says, whatever platform wrote it, and what can be wrong with it."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from apps.analytics.domain.trades import ClosedTrade
from apps.trading.errors import TradingError
from apps.trading.quantity import ZERO


class StatementFormat(enum.StrEnum):
    METATRADER_4 = "metatrader_4"
    METATRADER_5 = "metatrader_5"
    CTRADER = "ctrader"
    GENERIC_CSV = "generic_csv"


class OperationKind(enum.StrEnum):
    """What changed the balance without a trade."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    CREDIT = "credit"  # a bonus that the house lends or takes back
    CHARGE = "charge"  # fees, interest, dividends, corrections: a part of the result

    @property
    def external(self) -> bool:
        """Whether it is money from outside, to be taken out of returns."""
        return self is not OperationKind.CHARGE


@dataclass(frozen=True, slots=True)
class Operation:
    """A balance operation. ``inferred``: it is in no row, the balances beside it show it."""

    kind: OperationKind
    at: datetime
    amount: Decimal
    comment: str = ""
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """A whole statement: trades and operations in order of time.

    ``opening_balance`` is the balance before the first of them, 0 for an account's whole history;
    None where the file does not say. ``currency`` and ``account`` are '' where it does not.
    """

    format: StatementFormat
    trades: tuple[ClosedTrade, ...]
    operations: tuple[Operation, ...]
    account: str = ""
    currency: str = ""
    opening_balance: Decimal | None = None

    @property
    def result(self) -> Decimal:
        """Net result of all trades, and charges beside them."""
        charges = (op.amount for op in self.operations if not op.kind.external)
        return sum((trade.result for trade in self.trades), ZERO) + sum(charges, ZERO)


class Reason(enum.StrEnum):
    """Why a file cannot be read; stable codes."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_A_STATEMENT = "not_a_statement"
    ENCODING = "encoding"
    CUT_OFF = "cut_off"
    LANGUAGE = "language"
    MISSING_COLUMN = "missing_column"
    ROW = "row"  # a row has not the cells that its heading promises
    NUMBER = "number"
    TIME = "time"
    KIND = "kind"  # neither a trade nor an operation that is known
    VALUE = "value"  # readable, but it cannot be
    DUPLICATE = "duplicate"
    TOTALS = "totals"  # the rows do not add up to what the file says


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; ``line`` counts from 1 in the file, 0 where it has none."""

    line: int
    reason: Reason
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


class StatementError(TradingError):
    """A file that is not read, with everything that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


def refuse(line: int, reason: Reason, message: str) -> StatementError:
    """The error for a single problem."""
    return StatementError([Problem(line, reason, message)])
