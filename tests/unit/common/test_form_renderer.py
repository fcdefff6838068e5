"""Lists to choose from are what Django writes, but for empty lines."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.template import Template

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
    ],
)
def test_the_same_as_django(widget: forms.Widget, value: Any) -> None:
    given: Any = {"name": "field", "value": value, "attrs": {"id": "id_field"}}
    ours = widget.render(**given, renderer=FormRenderer())
    theirs = widget.render(**given, renderer=DjangoTemplates())
    assert re.sub(r"\s*\n\s*", "\n", ours) == re.sub(r"\s*\n\s*", "\n", theirs)
    assert type(ours) is type(theirs)


def test_no_template_is_rendered_for_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> Any:
        raise AssertionError("a template was rendered")

    renderer = FormRenderer()
    monkeypatch.setattr(Template, "render", refuse)
    assert "One &amp; only" in forms.Select(choices=CHOICES).render("field", 1, renderer=renderer)


def test_the_product_uses_it() -> None:
    assert type(forms.Form().renderer) is FormRenderer
