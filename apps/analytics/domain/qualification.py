"""The rules that an account must meet to become a public master, beside what it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Rules:
    """What a product asks for; 0 is no rule. Equity is in the account's own currency."""

    min_age_days: int
    min_trades: int
    min_equity: Decimal
    max_drawdown: Decimal  # percent


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of an account; None where it is not known yet.

    ``age_days`` and ``trades`` count imported history too, as ``max_drawdown`` (percent) does.
    """

    age_days: int
    trades: int
    equity: Decimal | None
    max_drawdown: Decimal | None
    imported: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One rule beside the account's figure; ``has`` is None where the figure is not known.

    ``name`` is age, trades, equity or drawdown; ``met`` holds for a rule that is not set.
    """

    name: str
    wants: Decimal
    has: Decimal | None
    met: bool


def checks(rules: Rules, record: Record) -> tuple[Check, ...]:
    """Every rule that is set, in the order in which they are shown."""
    return tuple(_checks(rules, record))


def qualifies(found: tuple[Check, ...]) -> bool:
    """Whether all rules are met."""
    return all(check.met for check in found)


def _checks(rules: Rules, record: Record) -> Iterator[Check]:
    if rules.min_age_days:
        yield _at_least("age", Decimal(rules.min_age_days), Decimal(record.age_days))
    if rules.min_trades:
        yield _at_least("trades", Decimal(rules.min_trades), Decimal(record.trades))
    if rules.min_equity:
        yield _at_least("equity", rules.min_equity, record.equity)
    if rules.max_drawdown:
        fall = record.max_drawdown
        met = fall is not None and fall <= rules.max_drawdown
        yield Check("drawdown", rules.max_drawdown, fall, met)


def _at_least(name: str, wants: Decimal, has: Decimal | None) -> Check:
    return Check(name, wants, has, has is not None and has >= wants)
