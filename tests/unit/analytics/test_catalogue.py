"""The catalogue, the code and docs/figures.md tell of the same figures."""

from __future__ import annotations

import re
from pathlib import Path

from apps.analytics.domain import breakdown, drawdowns, windows
from apps.analytics.domain.behaviour import Habit
from apps.analytics.domain.catalogue import CATALOGUE
from apps.analytics.domain.definitions import Topic
from apps.analytics.domain.exposure import EXPOSURE_FIGURES
from apps.analytics.domain.followers import FOLLOWER_FIGURES
from apps.analytics.domain.measures import DAILY_FIGURES
from apps.analytics.domain.standing import Standing
from apps.analytics.domain.trade_figures import TRADE_FIGURES

TEXT = (Path(__file__).parents[3] / "docs" / "figures.md").read_text()


def names(*topics: Topic) -> list[str]:
    return [name for name, definition in CATALOGUE.items() if definition.topic in topics]


def test_every_figure_that_is_computed_has_its_entry_and_the_reverse() -> None:
    assert names(Topic.RETURN, Topic.RISK) == list(DAILY_FIGURES)
    assert names(Topic.TRADES) == list(TRADE_FIGURES)
    assert names(Topic.EXPOSURE) == list(EXPOSURE_FIGURES)
    assert names(Topic.FOLLOWERS) == list(FOLLOWER_FIGURES)
    assert names(Topic.HABITS) == list(Habit)
    functions = {f for module in (breakdown, drawdowns, windows) for f in vars(module)}
    assert set(names(Topic.VIEWS)) - functions == {"equity_curve"}


def test_entries_say_something_in_whole_sentences() -> None:
    labels = [definition.label for definition in CATALOGUE.values()]
    assert len(set(labels)) == len(labels)
    for definition in CATALOGUE.values():
        assert definition.formula and definition.explanation.endswith("."), definition.name
        assert "|" not in definition.formula + definition.explanation


def test_the_document_has_a_row_for_every_figure_under_its_topic() -> None:
    parts = re.split(r"^### (.+)$", TEXT, flags=re.MULTILINE)
    tables = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert list(tables) == [topic.value for topic in Topic]
    for topic in Topic:
        rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+) \| (.+?) \|$", tables[topic], re.MULTILINE)
        expected = [CATALOGUE[name] for name in names(topic)]
        table = rows[2 : 2 + len(expected)]
        assert table == [(d.label, d.unit, d.formula, d.explanation) for d in expected], topic
        assert topic is Topic.VIEWS or len(rows) == 2 + len(expected)


def test_the_document_names_every_reason_for_a_missing_figure() -> None:
    assert all(f"| {standing.label} |" in TEXT for standing in Standing if standing)
