"""Form controls are what Django writes, but for empty lines."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.template import Template
from django.utils.safestring import mark_safe

from apps.common.form_renderer import FormRenderer

CHOICES = [
    ("", "All <of> them"),
    (1, "One & only"),
    ('Group "A"', [("a'b", "A"), ("b", "B")]),
]


@pytest.mark.parametrize(
    ("widget", "value"),
    [
        (forms.Select(choices=CHOICES), "1"),
        (forms.Select(choices=CHOICES), "b"),
        (forms.Select(attrs={"class": "input", "required": True, "disabled": False}), None),
        (forms.SelectMultiple(choices=CHOICES), ["", "b"]),
        (forms.NullBooleanSelect(), True),
        (forms.TextInput(attrs={"class": "input"}), "<b>"),
        (forms.TextInput(), None),
        (forms.NumberInput(attrs={"min": 0, "required": True, "disabled": False}), 1.5),
        (forms.PasswordInput(render_value=True), 'a"b'),
        (forms.HiddenInput(), mark_safe("<i>")),
        (forms.DateInput(), date(2026, 3, 4)),
        (forms.CheckboxInput(), True),
        (forms.CheckboxInput(attrs={"value": "x"}), False),
        (forms.FileInput(), None),
        (forms.ClearableFileInput(), None),
        (forms.Textarea(attrs={"rows": 3}), "<b>\nlines"),
        (forms.Textarea(), None),
        (forms.RadioSelect(choices=CHOICES[:2]), "1"),
        (forms.CheckboxSelectMultiple(choices=CHOICES[:2]), ["1"]),
        (forms.SplitDateTimeWidget(), datetime(2026, 3, 4, 5, 6, tzinfo=UTC)),
    ],
)
def test_the_same_as_django(widget: forms.Widget, value: Any) -> None:
    given: Any = {"name": "field", "value": value, "attrs": {"id": "id_field"}}
    ours = widget.render(**given, renderer=FormRenderer())
    theirs = widget.render(**given, renderer=DjangoTemplates())
    assert re.sub(r"\s*\n\s*", "\n", ours) == re.sub(r"\s*\n\s*", "\n", theirs)
    assert type(ours) is type(theirs)


def test_single_radio_buttons_are_the_same_as_djangos() -> None:
    class Form(forms.Form):
        kind = forms.ChoiceField(choices=CHOICES[:2], widget=forms.RadioSelect(attrs={"x": "<"}))

    ours, theirs = Form(renderer=FormRenderer()), Form(renderer=DjangoTemplates())
    for one, other in zip(ours["kind"], theirs["kind"], strict=True):
        assert one.tag().strip() == other.tag().strip()
        assert str(one).strip() == str(other).strip()


def test_no_template_is_rendered_for_plain_controls(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> Any:
        raise AssertionError("a template was rendered")

    renderer = FormRenderer()
    monkeypatch.setattr(Template, "render", refuse)
    assert "One &amp; only" in forms.Select(choices=CHOICES).render("field", 1, renderer=renderer)
    assert 'value="1"' in forms.NumberInput().render("field", 1, renderer=renderer)


def test_the_product_uses_it() -> None:
    assert type(forms.Form().renderer) is FormRenderer
