"""Tell what a statement file is, and read it whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from apps.analytics.domain.statements.ctrader import (
    is_ctrader,
    read_ctrader_rows,
    read_ctrader_sheet,
)
from apps.analytics.domain.statements.decoding import decode
from apps.analytics.domain.statements.fields import Clock
from apps.analytics.domain.statements.generic import read_generic
from apps.analytics.domain.statements.markup import Row, table_rows
from apps.analytics.domain.statements.metatrader4 import is_metatrader4, read_metatrader4
from apps.analytics.domain.statements.metatrader5 import is_metatrader5, read_metatrader5
from apps.analytics.domain.statements.records import Reason, Statement, StatementError, refuse
from apps.analytics.domain.statements.sheets import sheet
from apps.analytics.domain.statements.values import has_moment

_HTML = re.compile(r"<(?:!doctype|html|table|head|body)", re.IGNORECASE)
_KNOWN = (
    "an account statement of MetaTrader 4 or 5, a cTrader history, or a CSV file with the columns "
    "named on this page"
)


def read_statement(data: bytes, *, utc_offset: timedelta = timedelta(0)) -> Statement:
    """The trades and balance operations of a statement file.

    MetaTrader writes the time of its server and not which one that is: ``utc_offset`` is how far
    it is ahead of UTC. cTrader files that tell their own offset need none. StatementError names
    the lines and reasons where the file is wrong, cut off, or in another language; a file that
    holds neither a trade nor an operation is none.
    """
    text = decode(data)
    clock = Clock(utc_offset)
    statement = _read_html(text, clock) if _HTML.search(text[:4096]) else _read_csv(text, clock)
    if not statement.trades and not statement.operations:
        raise refuse(
            0, Reason.EMPTY, "the statement holds no closed trade and no balance operation"
        )
    return statement


def _read_html(text: str, clock: Clock) -> Statement:
    rows = table_rows(text)
    if is_metatrader4(rows):
        return read_metatrader4(rows, clock)
    if is_metatrader5(rows):
        return read_metatrader5(rows, clock)
    if any(is_ctrader(row.columns) for row in rows):
        return read_ctrader_rows(rows, clock)
    raise _unknown(rows, text)


def _read_csv(text: str, clock: Clock) -> Statement:
    source = sheet(text)
    if is_ctrader(source.names):
        return read_ctrader_sheet(source, clock)
    return read_generic(source, clock)


def _unknown(rows: Sequence[Row], text: str) -> StatementError:
    """A report in another language has rows with moments in them; other pages have none."""
    if "Strategy Tester" in text[:4096]:
        return refuse(
            1, Reason.NOT_A_STATEMENT, "this is a report of a back-test, not of an account"
        )
    wide = [row for row in rows if len(row.columns) >= 8]
    data = [row for row in wide if any(has_moment(cell) for cell in row.columns[:3])]
    if data:
        return refuse(
            wide[0].line,
            Reason.LANGUAGE,
            "the headings of this report are not known; set the platform's language to English "
            "and save it again",
        )
    return refuse(1, Reason.NOT_A_STATEMENT, f"this page is no statement; needed is {_KNOWN}")
