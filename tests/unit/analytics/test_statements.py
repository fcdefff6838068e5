"""Statements of other platforms: read whole, or refused with lines and reasons."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from apps.analytics.domain.statements.read import read_statement
from apps.analytics.domain.statements.records import (
    Operation,
    OperationKind,
    Statement,
    StatementFormat,
)
from apps.analytics.domain.statements.track_record import balance_curve, imported_series
from apps.analytics.domain.trade_figures import trade_figures_of
from apps.analytics.domain.trades import ClosedTrade
from apps.trading.orders import Side
from tests.support.statements import ALL, CTRADER_CSV, CTRADER_HTML, GENERIC, MT4, MT5, read, sample


def kinds(statement: Statement) -> list[tuple[OperationKind, Decimal]]:
    return [(op.kind, op.amount) for op in statement.operations]


D, W, CREDIT, CHARGE = (
    OperationKind.DEPOSIT,
    OperationKind.WITHDRAWAL,
    OperationKind.CREDIT,
    OperationKind.CHARGE,
)


def test_metatrader_4() -> None:
    statement = read(MT4, utc_offset=timedelta(hours=2))
    assert statement.format is StatementFormat.METATRADER_4
    assert (statement.account, statement.currency) == ("7001234", "EUR")
    assert statement.opening_balance == 0
    assert kinds(statement) == [(D, 10_000), (CREDIT, 500), (W, -1_500)]
    assert [t.result for t in statement.trades] == [
        Decimal("98.04"),
        Decimal("-194.00"),
        Decimal("2417.80"),
    ]
    assert statement.trades[2] == ClosedTrade(
        symbol="xauusd",
        side=Side.BUY,
        volume=Decimal("2.00"),
        opened_at=datetime(2026, 3, 9, 5, 30, tzinfo=UTC),
        closed_at=datetime(2026, 3, 10, 14, 0, tzinfo=UTC),
        open_price=Decimal("2150.10"),
        close_price=Decimal("2163.40"),
        profit=Decimal("2438.20"),
        commission=Decimal("-14.00"),
        swap=Decimal("-6.40"),
    )


def test_a_statement_that_a_broker_s_server_sends() -> None:
    words = {
        ">Size<": ">Lots<",
        ">Swap<": ">R/O Swap<",
        ">Profit<": ">Trade P/L<",
        ">Summary:<": ">A/C Summary:<",
        ">Account: ": ">A/C No: ",
    }

    def sent(text: str) -> str:
        for word, other in words.items():
            text = text.replace(word, other)
        return text

    assert read(MT4, sent) == read(MT4)


def test_metatrader_5() -> None:
    statement = read(MT5)
    assert statement.format is StatementFormat.METATRADER_5
    assert (statement.account, statement.currency) == ("8005678", "USD")
    assert statement.opening_balance == 0
    assert kinds(statement) == [
        (D, 5_000),
        (CREDIT, 1_000),
        (CHARGE, Decimal("-12.50")),
        (W, -2_000),
    ]
    assert [(t.symbol, t.side, t.result) for t in statement.trades] == [
        ("EURUSD", Side.BUY, Decimal("46.50")),
        ("US500", Side.SELL, Decimal("-97.80")),
        ("USDJPY", Side.BUY, Decimal("988.02")),
    ]
    assert statement.result == Decimal("924.22")


def test_a_ctrader_history_tells_deposits_by_the_balance_beside_the_trades() -> None:
    statement = read(CTRADER_CSV)
    assert statement.format is StatementFormat.CTRADER
    assert (statement.currency, statement.opening_balance) == ("USD", 2_000)
    assert statement.trades[0].opened_at == datetime(2026, 3, 2, 8, 0, 0, 120_000, tzinfo=UTC)
    assert [t.profit for t in statement.trades[:2]] == [50, -40]
    inferred = statement.operations[0]
    assert inferred == Operation(D, statement.trades[2].closed_at, Decimal("1000.00"), "", True)
    assert kinds(statement)[1] == (W, -500)


def test_a_ctrader_history_may_stand_newest_first() -> None:
    def turned(text: str) -> str:
        heading, *rows = text.splitlines(keepends=True)
        return heading + "".join(reversed(rows))

    assert read(CTRADER_CSV, turned) == read(CTRADER_CSV)


def test_a_ctrader_statement_has_its_transactions_and_merged_cells() -> None:
    statement = read(CTRADER_HTML)
    assert kinds(statement) == [(D, 1_000), (D, 600), (W, -100)]
    assert not any(operation.inferred for operation in statement.operations)
    assert [(t.symbol, t.side) for t in statement.trades] == [
        ("EURUSD", Side.BUY),
        ("EURUSD", Side.SELL),
    ]
    assert statement.opening_balance == 0


def test_a_generic_file_with_points_or_commas() -> None:
    statement = read(GENERIC)
    assert statement.format is StatementFormat.GENERIC_CSV
    assert kinds(statement) == [(D, 1_000), (CHARGE, -5), (W, -100)]
    assert statement.trades[1].opened_at == datetime(2026, 3, 3, 8, tzinfo=UTC)
    assert read(GENERIC, lambda text: text.replace(",", ";").replace(".", ",")) == statement
    plain = read(
        GENERIC, lambda text: text.replace("open time", "Opened_At").replace("type", "Side")
    )
    assert plain == statement


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_any_encoding_of_a_file_is_the_same_file(name: str, encoding: str) -> None:
    text = sample(name)
    mark = "\ufeff" if encoding.startswith("utf-16-") and name == MT5 else ""
    assert read_statement((mark + text).encode(encoding)) == read(name)


def test_figures_of_an_imported_record() -> None:
    statement = read(MT5)
    series = imported_series(statement)
    returns = dict(zip(series.days.astype(object), series.returns.round(6), strict=True))
    assert returns == {
        date(2026, 3, 2): 0.0093,
        date(2026, 3, 3): 0,
        date(2026, 3, 4): 0,
        date(2026, 3, 5): pytest.approx((-97.8 - 12.5) / 6046.5, abs=1e-6),
        date(2026, 3, 6): pytest.approx(988.02 / 5936.2, abs=1e-6),
        date(2026, 3, 9): 0,
    }
    assert trade_figures_of(statement.trades)["win_rate"].value == pytest.approx(2 / 3)
    curve, flows = balance_curve(statement)
    assert [flow.amount for flow in flows] == [5_000, 1_000, -2_000]
    assert curve[-1].equity == Decimal("4924.22")


def test_the_balance_before_a_part_of_a_history_is_its_start() -> None:
    series = imported_series(read(CTRADER_CSV))
    assert series.returns[0] == pytest.approx(47 / 2000)
