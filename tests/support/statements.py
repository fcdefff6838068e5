"""The sample statements, and reading them changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from apps.analytics.domain.statements.read import read_statement
from apps.analytics.domain.statements.records import Reason, Statement, StatementError

SAMPLES = Path(__file__).parents[1] / "samples" / "statements"
MT4, MT5 = "metatrader4-statement.htm", "metatrader5-report.html"
CTRADER_CSV, CTRADER_HTML, GENERIC = (
    "ctrader-history.csv",
    "ctrader-statement.html",
    "generic.csv",
)
ALL = (MT4, MT5, CTRADER_CSV, CTRADER_HTML, GENERIC)
ENCODINGS = {MT4: "cp1252", MT5: "utf-16"}


def sample(name: str) -> str:
    return (SAMPLES / name).read_bytes().decode(ENCODINGS.get(name, "utf-8"))


def read(name: str, change: Callable[[str], str] = str, **options: timedelta) -> Statement:
    """A sample, with its text changed first; the change must change something."""
    text = sample(name)
    changed = change(text)
    assert change is str or changed != text
    return read_statement(changed.encode(ENCODINGS.get(name, "utf-8")), **options)


def problems(name: str, change: Callable[[str], str]) -> list[tuple[int, Reason]]:
    with pytest.raises(StatementError) as caught:
        read(name, change)
    return [(problem.line, problem.reason) for problem in caught.value.problems]


def line_of(name: str, text: str) -> int:
    return sample(name)[: sample(name).index(text)].count("\n") + 1
