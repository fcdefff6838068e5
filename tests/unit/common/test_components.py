"""What the components that Python writes look like, used as templates use them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.template import Context, engines
from django.utils.safestring import mark_safe
from django_cotton.compiler_regex import CottonCompiler
from django_cotton.templatetags._component import CottonComponentNode

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SHOWN = 'datetime="2026-03-04T05:06:07+00:00" title="4 Mar 2026, 05:06:07 UTC"'


def _template(source: str) -> Any:
    return engines["django"].from_string(CottonCompiler().process(source)).template  # type: ignore[attr-defined]


def _html(source: str, **context: Any) -> str:
    return str(_template(source).render(Context(context))).strip()


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ('<c-ui.money :value="v" :currency="c" />',
         '<span class="money">−1,234.50 <span class="unit">EUR</span></span>'),
        ('<c-ui.money :value="v" currency="EUR" sign="yes" bare="yes" />',
         '<span class="money money-loss">−1,234.50</span>'),
        ('<c-ui.money :value="v" currency="{{ c }}" sign="yes" />',
         '<span class="money money-loss">−1,234.50 <span class="unit">EUR</span></span>'),
        ('<c-ui.money :value="none" currency="EUR" />', '<span class="money">–</span>'),
        ('<c-ui.money :value="missing" currency="EUR" />', '<span class="money">–</span>'),
        ('<c-ui.volume :value="half" />',
         '<span class="volume">0.50 <span class="unit">lots</span></span>'),
        ('<c-ui.volume :value="half" bare="yes" />', '<span class="volume">0.50</span>'),
        ('<c-ui.volume :value="none" />', '<span class="volume">–</span>'),
        ('<c-ui.price :value="half" digits="5" />', '<span class="price">0.50000</span>'),
        ('<c-ui.price :value="half" />', '<span class="price">0.50</span>'),
        ('<c-ui.status :value="s" :label="odd" />',
         '<span class="badge badge-good">&lt;b&gt;</span>'),
        ('<c-ui.status value="new" label="New" />', '<span class="badge badge-none">New</span>'),
        ('<c-ui.time :value="at" />', f"<time {SHOWN}>05:06:07</time>"),
        ('<c-ui.time :value="at" date="yes" />', f"<time {SHOWN}>4 Mar, 05:06</time>"),
        ('<c-ui.time :value="none" />', '<span class="muted">–</span>'),
        ('<c-ui.badge tone="good" plain="yes" id="x">{{ odd }}</c-ui.badge>',
         '<span class="badge badge-good badge-plain" id="x">&lt;b&gt;</span>'),
        ("<c-ui.badge>Plain</c-ui.badge>", '<span class="badge">Plain</span>'),
    ],
)  # fmt: skip
def test_small_components(source: str, html: str) -> None:
    values = {"v": Decimal("-1234.5"), "c": "EUR", "half": Decimal("0.5"), "none": None}
    assert _html(source, **values, at=AT, s="copied", odd="<b>") == html


def test_sides_have_a_word_and_an_arrow() -> None:
    bought, sold = _html('<c-ui.side :value="s" />', s="buy"), _html('<c-ui.side value="sell" />')
    assert bought.startswith('<span class="side side-buy"><svg') and bought.endswith("Buy</span>")
    assert sold.startswith('<span class="side side-sell"><svg') and sold.endswith("Sell</span>")
    assert _html('<c-ui.side :value="s" />', s="") == '<span class="side side-"></span>'


def test_how_long_ago_is_kept_current_by_the_browser() -> None:
    html = _html('<c-ui.time :value="at" ago="yes" />', at=AT)
    assert html.startswith(f"<time {SHOWN} data-ago>") and html.endswith(" d ago</time>")


def test_buttons_and_links_keep_their_attributes_in_order() -> None:
    link = '<c-ui.button href="{{ url }}" kind="danger" hx-get="{{ url }}" download small="yes">Go'
    assert _html(f"{link}</c-ui.button>", url="/a?b=1&c=2") == (
        '<a class="button button-danger button-small" href="/a?b=1&amp;c=2" '
        'hx-get="/a?b=1&amp;c=2" download>Go</a>'
    )
    assert _html('<c-ui.button :value="v" name="x">Go</c-ui.button>', v='"><b>') == (
        '<button class="button" value="&quot;&gt;&lt;b&gt;" name="x">Go</button>'
    )
    values = """<c-ui.button hx-vals='{"a": 1}'>Go</c-ui.button>"""
    assert _html(values) == """<button class="button" hx-vals='{"a": 1}'>Go</button>"""


def test_a_safe_text_stays_as_it_is() -> None:
    html = _html('<c-ui.status value="live" :label="l" />', l=mark_safe("<b>Live</b>"))
    assert html == '<span class="badge badge-good"><b>Live</b></span>'


def test_only_larger_components_are_rendered_from_templates() -> None:
    small = _template('<c-ui.money :value="v" />').nodelist
    large = _template('<c-ui.waterfall :view="v" />').nodelist
    assert not [node for node in small if isinstance(node, CottonComponentNode)]
    assert [node for node in large if isinstance(node, CottonComponentNode)]
