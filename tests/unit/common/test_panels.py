"""What the components that hold others look like, with what stands in them under a name."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from django import forms
from django.http import QueryDict
from django.template import Context, engines
from django_cotton.compiler_regex import CottonCompiler

from apps.analytics.domain.qualification import Record, Rules, checks

ID = uuid.UUID(int=7)


def _html(source: str, **context: Any) -> str:
    made = engines["django"].from_string(CottonCompiler().process(source)).template  # type: ignore[attr-defined]
    return "".join(line.strip() for line in str(made.render(Context(context))).splitlines())


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ('<c-ui.card title="{{ odd }}" note="n" id="x">In</c-ui.card>',
         '<section class="card" aria-label="&lt;b&gt;" id="x"><header class="card-head"><div>'
         '<h2>&lt;b&gt;</h2><p>n</p></div></header><div class="card-body">In</div></section>'),
        ('<c-ui.card flush="yes">In<c-slot name="foot"><i>{{ odd }}</i></c-slot></c-ui.card>',
         '<section class="card">In<footer class="card-foot"><i>&lt;b&gt;</i></footer></section>'),
        ('<c-ui.empty title="None">Go.<c-slot name="action"><c-ui.card>X</c-ui.card></c-slot>'
         "</c-ui.empty>",
         '<div class="empty"><h2>None</h2><p>Go.</p><section class="card">'
         '<div class="card-body">X</div></section></div>'),
        ('<c-ui.stat label="Equity" :note="none">{{ odd }}</c-ui.stat>',
         '<div class="stat"><dt>Equity</dt><dd>&lt;b&gt;</dd></div>'),
        ('<c-ui.notice kind="bad">{{ odd }}</c-ui.notice>',
         '<div class="notice notice-bad" role="alert"><div>&lt;b&gt;</div></div>'),
        ("<c-ui.notice>N</c-ui.notice>", '<div class="notice notice-info"><div>N</div></div>'),
        ('<c-ui.pager :newer="none" :older="url" />',
         '<nav class="pager" aria-label="Pages"><a class="button button-small" '
         'href="?a=1&amp;b=2" rel="next">Older</a></nav>'),
        ('<c-ui.pager :newer="none" :older="none" />', ""),
        ('<c-ui.picture :name="odd" :uuid="id" digest="" />',
         '<span class="avatar avatar-none" aria-hidden="true">&lt;</span>'),
        ('<c-ui.live state="lost" />',
         '<span class="live" data-live data-state="lost" role="status">'
         '<span class="live-dot" aria-hidden="true"></span>'
         '<span class="live-text" data-live-text>Reconnecting</span></span>'),
    ],
)  # fmt: skip
def test_panels(source: str, html: str) -> None:
    assert _html(source, odd="<b>", none=None, url="?a=1&b=2", id=ID) == html


def test_a_table_has_its_head_and_says_what_it_is() -> None:
    html = _html(
        '<c-ui.table caption="Trades" brief="yes" cards="no" body_id="rows" data-x="1">'
        '<c-slot name="head"><th>A</th></c-slot><tr><td>{{ odd }}</td></tr></c-ui.table>',
        odd="<b>",
    )
    assert 'role="group" aria-label="Trades" tabindex="0"' in html
    assert '<table class="table table-brief" data-x="1">' in html
    assert "<thead><tr><th>A</th></tr></thead>" in html
    assert '<tbody id="rows"><tr><td>&lt;b&gt;</td></tr></tbody>' in html
    assert html.count("<details") == 1


def test_slots_are_those_of_their_own_component() -> None:
    html = _html(
        '<c-ui.card title="Out">{{ more }}<c-ui.card title="In"><c-slot name="foot">F</c-slot>'
        "X</c-ui.card></c-ui.card>"
    )
    assert html.count("card-foot") == 1
    assert html.index("card-foot") < html.index("</section>")


class Form(forms.Form):
    name = forms.CharField(help_text="<b>Any</b>", max_length=3)
    lots = forms.DecimalField(required=False)
    kind = forms.ChoiceField(choices=[("a", "A <"), ("b", "B")], widget=forms.RadioSelect)
    sure = forms.BooleanField(label="Sure & so", required=False)


def test_a_field_is_tied_to_its_help_and_errors() -> None:
    form = Form(QueryDict("name=<long>&lots=x"))
    html = _html('<c-ui.field :field="form.name" help="{{ odd }}" />', form=form, odd="<i>")
    assert '<label for="id_name">Name</label>' in html
    assert 'value="&lt;long&gt;"' in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert '<div class="field-help" id="id_name_helptext"><b>Any</b>&lt;i&gt;</div>' in html
    assert '<div id="id_name_error"><p class="field-error">Ensure this value' in html


def test_a_field_with_a_unit_and_for_some_modes() -> None:
    html = _html('<c-ui.field :field="form.lots" unit="lots" />', form=Form())
    assert '<span class="optional">(optional)</span>' in html
    assert html.endswith('<span class="muted">lots</span></div></div>')
    some = _html('<c-ui.field :field="form.lots" for_modes="for-fixed" />', form=Form())
    assert '<div class="field only-for for-fixed">' in some and "optional" not in some


def test_radio_buttons_and_check_boxes() -> None:
    form = Form(QueryDict("kind=c"))
    html = _html('<c-ui.choices :field="form.kind" :helps="helps" />', form=form, helps={"b": "?"})
    assert html.startswith('<fieldset class="field" aria-describedby="id_kind_error">')
    assert '<span class="choice-label">A &lt;</span><span class="choice-help"></span>' in html
    assert '<span class="choice-help">?</span>' in html and "field-error" in html
    beside = _html('<c-ui.segments :field="form.kind" />', form=form)
    assert '<label for="id_kind_0"><input type="radio" name="kind" value="a"' in beside
    sure = _html('<c-ui.check :field="form.sure" />', form=form)
    assert sure.endswith('<label class="label" for="id_sure">Sure &amp; so</label></div>')


def test_rules_stand_beside_the_figures_of_an_account() -> None:
    rules = Rules(30, 1_000, Decimal(500), Decimal(20))
    found = checks(rules, Record(12, 1_500, None, Decimal("25.5")))
    html = _html('<c-ui.checks :checks="checks" currency="EUR" />', checks=found)
    assert html.count("<dt>") == 4 and html.count("Not met") == 3
    assert "<dt>Known for at least 30 days</dt>" in html
    assert "<dt>Equity of at least 500.00 EUR</dt>" in html
    assert '<span class="figure">not known yet</span>' in html
    assert "no rules in numbers" in _html('<c-ui.checks :checks="none" />', none=())
