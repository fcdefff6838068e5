"""Inputs and lists to choose from are what Django writes, but for empty lines."""

from __future__ import annotations

import re
from datetime import date
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
        (forms.TextInput(attrs={"required": True, "disabled": False}), None),
        (forms.NumberInput(attrs={"step": "any", "min": 0}), 0),
        (forms.EmailInput(), ""),
        (forms.PasswordInput(), "secret"),
        (forms.DateInput(), date(2026, 2, 1)),
        (forms.HiddenInput(), mark_safe("a&amp;b")),
        (forms.CheckboxInput(attrs={"aria-describedby": "help"}), True),
        (forms.CheckboxInput(), False),
        (forms.FileInput(attrs={"accept": "image/png"}), None),
        (forms.RadioSelect(choices=CHOICES), "1"),
        (forms.CheckboxSelectMultiple(choices=CHOICES), ["", "b"]),
        (forms.Textarea(), "a < b"),
    ],
)
def test_the_same_as_django(widget: forms.Widget, value: Any) -> None:
    given: Any = {"name": "field", "value": value, "attrs": {"id": "id_field"}}
    ours = widget.render(**given, renderer=FormRenderer())
    theirs = widget.render(**given, renderer=DjangoTemplates())
    assert re.sub(r"\s*\n\s*", "\n", ours) == re.sub(r"\s*\n\s*", "\n", theirs)
    assert type(ours) is type(theirs)


@pytest.mark.parametrize("use_labels", [True, False])
def test_a_single_option_is_the_same_as_django(use_labels: bool) -> None:
    form = forms.Form(auto_id="id_%s" if use_labels else False)
    form.fields["one"] = forms.ChoiceField(choices=CHOICES[:2], widget=forms.RadioSelect)
    ours = [option.tag(wrap_label=use_labels) for option in form["one"]]
    form.renderer = DjangoTemplates()
    theirs = [option.tag(wrap_label=use_labels) for option in form["one"]]
    assert [re.sub(r"\s*\n\s*", "\n", tag) for tag in ours] == [
        re.sub(r"\s*\n\s*", "\n", tag) for tag in theirs
    ]


def test_no_template_is_rendered_for_an_input_or_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> Any:
        raise AssertionError("a template was rendered")

    renderer = FormRenderer()
    monkeypatch.setattr(Template, "render", refuse)
    assert "One &amp; only" in forms.Select(choices=CHOICES).render("field", 1, renderer=renderer)
    assert "<input" in forms.TextInput().render("field", 1, renderer=renderer)


def test_the_product_uses_it() -> None:
    assert type(forms.Form().renderer) is FormRenderer
