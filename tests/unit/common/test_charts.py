"""Charts as data: one payload for the browser, one table for everybody."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path

import pytest

from apps.common.chart_components import chart as drawn
from apps.common.charts import Chart, Marker, Series

START = date(2026, 1, 1)


def days(count: int) -> list[date]:
    return [START + timedelta(days=n) for n in range(count)]


def equity(count: int) -> Series:
    return Series("Equity", [(d, D(100 + n)) for n, d in enumerate(days(count))], currency="USD")


def test_points_and_markers_go_to_the_browser() -> None:
    late = Marker(START + timedelta(days=9), "Withdrawal", "withdrawal")
    chart = Chart("c", "Equity", [equity(3)], [late, Marker(START, "Deposit", "deposit")])
    payload = chart.payload
    assert payload["series"][0]["points"] == [
        ["2026-01-01", 100.0], ["2026-01-02", 101.0], ["2026-01-03", 102.0]
    ]  # fmt: skip
    assert payload["markers"] == [
        ["2026-01-01", "deposit", "Deposit"], ["2026-01-03", "withdrawal", "Withdrawal"]
    ]  # fmt: skip
    assert chart.summary == (
        "Equity: Equity from 100.00 USD on 1 Jan 2026 to 102.00 USD on 3 Jan 2026."
    )


def test_lines_differ_by_dashes_as_well_as_by_colour() -> None:
    chart = Chart("c", "Compared", [equity(2), equity(2), Series("Own", [], tone="quiet")])
    looks = [(tone, dash) for _, tone, dash in chart.looks]
    assert looks == [("1", "solid"), ("2", "dashed"), ("quiet", "solid")]


@pytest.mark.parametrize(
    ("count", "span", "rows"), [(62, "", 62), (63, "week", 10), (800, "month", 27)]
)
def test_a_long_table_is_thinned_and_keeps_the_last_of_each_span(
    count: int, span: str, rows: int
) -> None:
    name, table = Chart("c", "Equity", [equity(count)]).table
    assert (name, len(table)) == (span, rows)
    assert table[0].cells == [f"{99 + count}.00 USD"]


def test_a_thinned_table_keeps_what_happened() -> None:
    marker = Marker(START + timedelta(days=5), "Deposit +10.00 USD", "deposit")
    _, table = Chart("c", "Equity", [equity(100)], [marker]).table
    assert [(row.at, row.cells) for row in table if row.notes] == [(marker.at, ["105.00 USD"])]


@pytest.mark.parametrize("count", [0, 1, 2, 120, 121, 500])
def test_the_line_of_a_long_record_is_thinned_between_its_ends(count: int) -> None:
    line = equity(count).line
    assert min(count, 60) <= len(line) <= 121
    assert not line or (line[0], line[-1]) == (100.0, 99.0 + count)
    assert line == sorted(set(line))


def test_gaps_are_gaps_everywhere() -> None:
    series = Series("Return", [(START, 0.05), (START + timedelta(days=1), None)], unit="percent")
    chart = Chart("c", "Return", [series])
    assert chart.payload["series"][0]["points"][1] == ["2026-01-02", None]
    assert [row.cells for row in chart.table[1]] == [["–"], ["5.00\u00a0%"]]
    assert series.last == "5.00\u00a0%"


def test_moments_are_unix_seconds_and_do_not_mix_with_days() -> None:
    at = datetime(2026, 1, 1, 12, tzinfo=UTC)
    chart = Chart("c", "Equity", [Series("Equity", [(at, 1.0)])])
    assert chart.payload["series"][0]["points"] == [[1767268800, 1.0]]
    assert chart.until == "1 Jan 2026, 12:00 UTC"
    with pytest.raises(ValueError, match="mixes days with moments"):
        Chart("c", "Equity", [equity(1), Series("More", [(at, 1.0)])])


def test_the_component_stands_without_points() -> None:
    chart = Chart("c", "Equity", [Series("Equity", [])])
    html = drawn({"chart": chart}, "")
    assert "No data yet" in html and "<details" not in html


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_curves_stand_out_from_the_surface_in_both_themes() -> None:
    text = (Path(__file__).parents[3] / "static/css/tokens.css").read_text()
    tokens = {
        name: (light, dark)
        for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", text)
    }
    for name in [f"series-{n}" for n in range(1, 6)] + ["gain", "loss", "ink-faint"]:
        for colour, surface in zip(tokens[name], tokens["surface"], strict=True):
            light, dark = sorted((_luminance(colour), _luminance(surface)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 3, (name, colour)
