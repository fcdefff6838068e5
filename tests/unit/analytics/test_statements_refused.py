"""Statements that are wrong, cut off or in another language: refused with lines and reasons."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from apps.analytics.domain.statements.read import read_statement
from apps.analytics.domain.statements.records import Reason, StatementError
from tests.support.statements import (
    CTRADER_CSV,
    CTRADER_HTML,
    GENERIC,
    MT4,
    MT5,
    line_of,
    problems,
    read,
    sample,
)


@pytest.mark.parametrize(
    ("name", "old", "new", "reason"),
    [
        (MT4, "2 438.20", "2 43x.20", Reason.NUMBER),
        (MT4, "2026.03.10 16:00:00", "2026.13.10 16:00:00", Reason.TIME),
        (MT4, "<td>buy</td><td class=mspt>2.00", "<td>rent</td><td class=mspt>2.00", Reason.KIND),
        (MT4, ">2.00</td>", ">0.00</td>", Reason.VALUE),
        (MT4, "<td>xauusd</td>", "", Reason.ROW),
        (MT4, "2026.03.09 07:30:00", "2026.03.12 07:30:00", Reason.VALUE),
        (MT5, "2026.03.05 10:00:00</td><td>5133.7", "yesterday</td><td>5133.7", Reason.TIME),
        (MT5, '<td>sell</td><td class="hidden"', '<td>rent</td><td class="hidden"', Reason.KIND),
        (CTRADER_CSV, "-41.60", "-41.6O", Reason.NUMBER),
        (CTRADER_CSV, "0.20 Lots", "some Lots", Reason.NUMBER),
        (CTRADER_CSV, "GBPUSD,Sell", "GBPUSD,Both", Reason.KIND),
        (CTRADER_HTML, "<td>Deposit</td><td>03/03", "<td>Gift</td><td>03/03", Reason.KIND),
        (GENERIC, "sell,GBPUSD", "swap,GBPUSD", Reason.KIND),
        (GENERIC, "-40.00,-1.20", "-40.00,1-20", Reason.NUMBER),
        (GENERIC, "-40.00,-1.20", "-40.00;-1.20", Reason.ROW),
        (GENERIC, "967.80", "968.80", Reason.TOTALS),
        (
            GENERIC,
            "withdrawal,,,,,2026-03-06 09:00:00,,-",
            "withdrawal,,,,,2026-03-06 09:00:00,,",
            Reason.VALUE,
        ),
    ],
)
def test_a_row_that_is_wrong_is_named_by_its_line(
    name: str, old: str, new: str, reason: Reason
) -> None:
    found = problems(name, lambda text: text.replace(old, new, 1))
    assert (line_of(name, old), reason) in found


def test_every_wrong_line_is_named() -> None:
    found = problems(MT4, lambda text: text.replace(">buy</td>", ">kauf</td>"))
    assert found == [(line_of(MT4, f">{t}</td>"), Reason.KIND) for t in (5002, 5006)]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (MT4, ">101.54</td>", ">901.54</td>"),
        (MT4, ">10 000.00</td>", ">10 001.00</td>"),
        (MT5, "-93.60</td><td>", "-93.50</td><td>"),
        (CTRADER_HTML, ">1 493.00<", ">1 494.00<"),
    ],
)
def test_rows_that_do_not_add_up_were_changed(name: str, old: str, new: str) -> None:
    assert [reason for _, reason in problems(name, lambda text: text.replace(old, new))] == [
        Reason.TOTALS
    ]


def test_a_row_that_was_taken_out_is_missed() -> None:
    def without_row(text: str) -> str:
        begin = text.index('<tr align=right><td title="">5002')
        return text[:begin] + text[text.index("<tr", begin + 1) :]

    assert [reason for _, reason in problems(MT4, without_row)] == [Reason.TOTALS]


@pytest.mark.parametrize(
    ("name", "old", "new", "reason"),
    [
        (MT4, ">5003</td>", ">50o3</td>", Reason.ROW),
        (MT4, "Closed P/L:", "Closed P&amp;L:", Reason.CUT_OFF),
        (MT5, "<td>2026.03.03 10:00:00</td><td>9002", "<td>then</td><td>9002", Reason.TIME),
        (MT5, "<td>9003</td><td>USDJPY", "<td></td><td>USDJPY", Reason.ROW),
        (MT5, '<td colspan="2">995.02', '<td colspan="2">95.02', Reason.TOTALS),
        (CTRADER_HTML, "<td>Sell</td>", "</tr><tr><td>Sell</td>", Reason.ROW),
    ],
)
def test_no_row_is_passed_over_in_silence(name: str, old: str, new: str, reason: Reason) -> None:
    found = problems(name, lambda text: text.replace(old, new))
    assert reason in [told for _, told in found]


def test_the_same_ticket_twice_is_refused() -> None:
    found = problems(MT4, lambda text: text.replace(">5003<", ">5002<"))
    assert found == [(line_of(MT4, ">5003<"), Reason.DUPLICATE)]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (MT4, {"Ticket": "Тикет", "Open Time": "Время", "Closed Transactions:": "Закрытые:"}),
        (MT4, {"Ticket": "Orden", "Open Time": "Tiempo"}),
        (MT5, {"Time": "Zeit", "Symbol": "Symbol", "Type": "Typ"}),
        (
            MT5,
            {
                "Trade History Report": "Handelsbericht",
                "Positions": "Positionen",
                "Deals": "Abschlüsse",
                "Time": "Zeit",
            },
        ),
        (CTRADER_CSV, {"Symbol": "Símbolo", "Opening direction": "Dirección", "Closing": "Cierre"}),
    ],
)
def test_another_language_is_told_as_such(name: str, words: dict[str, str]) -> None:
    def translated(text: str) -> str:
        for word, other in words.items():
            text = text.replace(word, other)
        return text

    with pytest.raises(StatementError) as caught:
        read_statement(translated(sample(name)).encode("utf-8"))
    (problem,) = caught.value.problems
    assert problem.reason is Reason.LANGUAGE
    assert "English" in problem.message or "there must be" in problem.message


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.EMPTY),
        (b" \r\n ", Reason.EMPTY),
        (b"PK\x03\x04....", Reason.NOT_A_STATEMENT),
        (b"%PDF-1.7 ...", Reason.NOT_A_STATEMENT),
        (b"<html><body><p>Hello</p></body></html>", Reason.NOT_A_STATEMENT),
        (b"<html><title>Strategy Tester Report</title></html>", Reason.NOT_A_STATEMENT),
        (b"<html><table><tr><td>1</td></tr></table>", Reason.CUT_OFF),
        (b"<table><tr><td colspan=999999999999>1</td></tr></table></html>", Reason.ROW),
        (b"a,b,c\n1,2,3\n", Reason.LANGUAGE),
        (b"\xff\xfe<\x00h\x00t", Reason.CUT_OFF),
        (b"\xef\xbb\xbfabc\xff\xffabc\n", Reason.ENCODING),
        (b'type,"symbol\n', Reason.CUT_OFF),
    ],
)
def test_other_files_are_told_apart(data: bytes, reason: Reason) -> None:
    with pytest.raises(StatementError) as caught:
        read_statement(data)
    assert [problem.reason for problem in caught.value.problems] == [reason]


def test_a_missing_column_is_named() -> None:
    with pytest.raises(StatementError, match=r"no column 'open time'.*history"):
        read(CTRADER_CSV, lambda text: text.replace("Opening time (UTC+2)", "Label"))
    with pytest.raises(StatementError, match="no column 'profit'"):
        read(GENERIC, lambda text: text.replace("profit", "note"))
    with pytest.raises(StatementError, match="two columns"):
        read(GENERIC, lambda text: text.replace("swap", "side"))
    with pytest.raises(StatementError, match="no column 'close time'"):
        read(MT4, lambda text: text.replace("Close Time", "Close"))


def test_points_and_commas_in_one_file_are_unclear() -> None:
    with pytest.raises(StatementError, match=r"decimal point and .* a decimal comma"):
        read(GENERIC, lambda text: text.replace("-0.60", '"-0,60"'))


def test_a_statement_without_anything_in_it_is_none() -> None:
    def emptied(text: str) -> str:
        return text.splitlines(keepends=True)[0]

    assert problems(GENERIC, emptied) == [(0, Reason.EMPTY)]


def test_no_more_than_twenty_problems_are_told() -> None:
    row = "buy,EURUSD,x,2026-03-02 10:00:00,1,2026-03-02 12:00:00,1,1,,,\n"
    found = problems(GENERIC, lambda text: text + row * 50)
    assert len(found) == 20


def test_the_document_names_every_reason() -> None:
    text = (Path(__file__).parents[3] / "docs" / "track-record-import.md").read_text()
    rows = re.findall(r"^\| (`.+?`) \|", text, re.MULTILINE)
    assert [name for cell in rows for name in re.findall(r"`(\w+)`", cell)] == list(Reason)
