"""Symbol pairs: what a file may look like, and what is refused with its line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.copytrading.domain.pairs import Line, Listed, Names, Problem, check_lines, read_lines

MASTER = Names(
    [
        Listed("EURUSD", "EURUSD"),
        Listed("GBPUSD", "GBPUSD"),
        Listed("XAUUSD", "XAUUSD"),
        Listed("GER40", "GER40"),
    ]
)
FOLLOWER = Names(
    [
        Listed("EURUSD.raw", "EURUSD"),
        Listed("EURUSD.x", "EURUSD"),
        Listed("GBPUSD", "GBPUSD"),
        Listed("GOLD", "GOLD"),
        Listed("DE40", "DE40"),
    ]
)
PAIRS = [Line(1, "XAUUSD", "GOLD"), Line(2, "GER40", "")]


@pytest.mark.parametrize(
    "content",
    [
        "XAUUSD,GOLD\nGER40,\n",
        "XAUUSD;GOLD\r\nGER40;\r\n",
        "XAUUSD\tGOLD\rGER40\t\r",
        '"XAUUSD","GOLD"\n"GER40",""',
        " XAUUSD , GOLD \nGER40,,,",
        "\ufeffXAUUSD,GOLD\nGER40,",
    ],
)
def test_every_usual_way_to_write_a_file_is_read(content: str) -> None:
    assert read_lines(content.encode()) == (PAIRS, [])


def test_a_header_is_left_out_and_lines_are_counted_as_an_editor_does() -> None:
    content = "\ufeffMaster_Symbol;slave_symbol\r\n\r\nXAUUSD;GOLD\r\n"
    assert read_lines(content.encode()) == ([Line(3, "XAUUSD", "GOLD")], [])


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"EURUSD,\xff\n", 1, "UTF-8"),
        (b"EURUSD,EURUSD\nGBPUSD,\xe9", 2, "UTF-8"),
        (b"EURUSD,EURUSD.raw\nGBPUSD\n", 2, "Two columns"),
        (b"EURUSD,EURUSD.raw,more\n", 1, "more than two columns"),
        (b"\n,GOLD\n", 2, "master's symbol is missing"),
        (b'"' + b"x" * 200_000 + b'",y', 1, "quote"),
    ],
)
def test_a_file_that_cannot_be_read_names_the_line(content: bytes, line: int, words: str) -> None:
    _, (problem,) = read_lines(content)
    assert problem.line == line
    assert words in problem.sentence


@given(st.binary(max_size=400))
def test_no_bytes_whatever_break_the_reading(content: bytes) -> None:
    lines, problems = read_lines(content)
    pairs, wrong = check_lines(lines, MASTER, FOLLOWER)
    assert len(pairs) + len(wrong) <= len(lines) * 2
    assert all(problem.line >= 1 and problem.sentence for problem in [*problems, *wrong])


def sentences(*lines: Line) -> list[Problem]:
    return check_lines(list(lines), MASTER, FOLLOWER)[1]


def test_pairs_end_as_the_platforms_write_them() -> None:
    lines = [Line(1, "xauusd", "gold"), Line(2, "Ger40", "de40"), Line(3, "gbpusd", "")]
    pairs, problems = check_lines(lines, MASTER, FOLLOWER)
    assert (pairs, problems) == ({"XAUUSD": "GOLD", "GER40": "DE40", "GBPUSD": ""}, [])


def test_a_pair_chooses_among_symbols_of_the_same_name() -> None:
    assert FOLLOWER.guess(MASTER.by_name["EURUSD"]) == "EURUSD.x"
    assert sentences(Line(1, "EURUSD", "EURUSD.raw")) == []


def test_a_pair_does_not_set_the_same_name_aside() -> None:
    (problem,) = sentences(Line(4, "GBPUSD", "GOLD"))
    assert problem.line == 4
    assert "GBPUSD exists on the follower's platform as GBPUSD" in problem.sentence
    assert "cannot be GOLD" in problem.sentence


def test_unknown_symbols_are_told_with_the_nearest() -> None:
    first, second = sentences(Line(2, "XAUUSDD", "GOLD"), Line(3, "XAUUSD", "GOLDD"))
    assert first == (2, "XAUUSDD is not a symbol of the master's platform; did you mean XAUUSD?")
    assert second == (3, "GOLDD is not a symbol of the follower's platform; did you mean GOLD?")


def test_a_symbol_stands_once_in_either_column() -> None:
    first, second = sentences(
        Line(1, "XAUUSD", "GOLD"), Line(2, "xauusd", ""), Line(3, "GER40", "GOLD")
    )
    assert first == (2, "XAUUSD stands on line 1 already.")
    assert second == (3, "GOLD is the pair of XAUUSD on line 1 already.")
    _, (beside,) = check_lines([Line(1, "GER40", "GOLD")], MASTER, FOLLOWER, {"XAUUSD": "GOLD"})
    assert beside == (1, "GOLD is the pair of XAUUSD already.")


def test_two_symbols_may_be_one_by_name() -> None:
    master = Names([Listed("EURUSD", "EURUSD"), Listed("EURUSD.m", "EURUSD")])
    lines = [Line(1, "EURUSD", "EURUSD.x"), Line(2, "EURUSD.m", "EURUSD.x")]
    assert check_lines(lines, master, FOLLOWER)[1] == []


def test_a_file_of_nonsense_is_not_looked_at_to_its_end() -> None:
    lines = [Line(n, f"NONSENSE{n}", "") for n in range(1, 5_000)]
    _, problems = check_lines(lines, MASTER, FOLLOWER)
    assert problems[-1] == (51, "Correct the lines above first.")
