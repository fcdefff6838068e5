"""The picture of a chart: the same curves, scale and days as the one that is drawn later."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from math import sin

import pytest

from apps.common.chart_components import WRITTEN
from apps.common.chart_still import still
from apps.common.charts import Chart, Marker, Moment, Series, Unit, Value

START = date(2026, 1, 1)


def days(values: list[Value]) -> list[tuple[Moment, Value]]:
    return [(START + timedelta(days=n), value) for n, value in enumerate(values)]


def line(*values: Value, **kinds: object) -> Series:
    return Series("Equity", days(list(values)), **kinds)  # type: ignore[arg-type]


def picture(*series: Series, markers: tuple[Marker, ...] = ()) -> str:
    return str(still(Chart("c", "Equity", series, markers)))


def curves(html: str) -> list[list[tuple[float, float]]]:
    """The points of all lines, in the box of 1000 by 1000."""
    return [
        [(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", path)]
        for path in re.findall(r'class="chart-line [^"]+" d="([^"]+)"', html)
    ]


def scale(html: str) -> list[str]:
    return re.findall(r'<text x="8"[^>]*>([^<]*)<', html)


def test_points_stand_evenly_and_highest_and_lowest_leave_room() -> None:
    (points,) = curves(picture(line(100.0, 300.0, 200.0, 200.0)))
    assert points == [(125, 940), (375, 80), (625, 510), (875, 510)]


def test_a_gap_parts_a_curve_and_its_fill() -> None:
    html = picture(line(1.0, 2.0, None, 3.0, 2.5, kind="area"))
    assert [len(points) for points in curves(html)] == [2, 2]
    assert html.count('fill="url(#c-fill-0)"') == 2 and html.count('id="c-fill-0"') == 1


@pytest.mark.parametrize(
    ("values", "kinds", "written"),
    [
        ((10_000.0, 12_000.0), {"currency": "USD"}, "10,000 10,500 11,000 11,500 12,000"),
        ((99.5, 101.0), {"currency": "USD"}, "99.50 100.00 100.50 101.00"),
        ((-1500.0, 500.0), {"currency": "JPY"}, "−1,500 −1,000 −500 0 500"),
        ((-0.02, 0.05), {"unit": "percent"}, "−2.0_% 0.0_% 2.0_% 4.0_%"),
        ((0.001, 0.0019), {"unit": "percent"}, "0.10_% 0.12_% 0.14_% 0.16_% 0.18_%"),
        ((0.5, 2.0), {"unit": "multiple"}, "0.5_× 1_× 1.5_× 2_×"),
        ((7.0, 7.0, 7.0), {"unit": "number"}, "6.95 7 7.05"),
    ],
)
def test_the_scale_is_in_round_values_of_the_unit(
    values: tuple[float, ...], kinds: dict[str, Unit], written: str
) -> None:
    assert scale(picture(line(*values, **kinds))) == written.replace("_", "\u00a0").split(" ")


def test_series_of_another_unit_stand_on_a_lower_pane_with_its_own_scale() -> None:
    html = picture(
        line(100.0, 110.0), line(0.0, -0.05, kind="baseline", unit="percent", tone="loss", pane=1)
    )
    upper, lower = curves(html)
    border = 1000 / 1.4
    assert max(y for _, y in upper) < border < min(y for _, y in lower)
    assert scale(html)[-2:] == ["−5.0\u00a0%", "0.0\u00a0%"]


def test_bars_stand_on_their_base_in_the_colour_of_their_sign() -> None:
    html = picture(line(20.0, -10.0, None, kind="histogram", tone="sign"))
    gain, loss = re.findall(r'class="chart-bars series-(\w+)" d="([^"]+)"', html)
    assert (gain[0], loss[0]) == ("gain", "loss")
    base = re.match(r"M[\d.]+ ([\d.]+)V", gain[1])
    assert base and f" {base[1]}V" in loss[1] and gain[1].count("Z") == loss[1].count("Z") == 1


@pytest.mark.parametrize("count", [2, 499, 500, 501, 3000])
def test_a_long_curve_is_thinned_and_keeps_its_ends_and_its_peaks(count: int) -> None:
    values: list[Value] = [100 + sin(n / 3) for n in range(count)]
    values[count // 2] = 150.0
    (points,) = curves(picture(line(*values)))
    assert min(count, 300) <= len(points) <= 502
    assert [points[0][0], points[-1][0]] == pytest.approx(
        [500 / count, 1000 - 500 / count], abs=0.1
    )
    assert min(y for _, y in points) == 80
    assert [x for x, _ in points] == sorted(x for x, _ in points)


def test_what_happened_stands_on_the_first_curve() -> None:
    late = Marker(START + timedelta(days=9), "Paid out", "withdrawal")
    html = picture(line(100.0, 300.0), markers=(Marker(START, "Paid in", "deposit"), late))
    marks = re.findall(r'<svg x="([\d.]+)%" y="([\d.]+)%"><path class="series-(\w+)"', html)
    assert marks == [("25", "94", "gain"), ("75", "8", "loss")]


@pytest.mark.parametrize(
    ("step", "written"),
    [
        (timedelta(days=7), ["12 Feb", "14 May", "13 Aug", "12 Nov"]),
        (timedelta(days=30), ["Jun 2026", "Jul 2027", "Aug 2028", "Sep 2029"]),
        (timedelta(minutes=30), ["03:00", "09:30", "16:00", "22:30"]),
    ],
)
def test_days_below_are_hours_of_one_day_and_months_of_years(
    step: timedelta, written: list[str]
) -> None:
    begin = START if step >= timedelta(days=1) else datetime(2026, 1, 1, tzinfo=UTC)
    html = picture(Series("Equity", [(begin + n * step, float(n)) for n in range(52)]))
    assert re.findall(r'y="1.4em">([^<]*)<', html) == written


def test_a_name_cannot_leave_its_place() -> None:
    chart = Chart("c", 'A "quoted" <name>', [line(1.0, 2.0)])
    html = WRITTEN["ui.chart"]({"chart": chart}, "")
    assert "<name>" not in html and 'aria-label="A &quot;quoted&quot; &lt;name&gt;: Equity' in html
