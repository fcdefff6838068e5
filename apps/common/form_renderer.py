"""Form controls as Django renders them, inputs and lists to choose from without a template.

Django renders up to three templates for an input, and two for every option of a list: the settings
of a copy have three dozen inputs, and two hundred masters to choose from cost more than the whole
page around them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.utils.html import conditional_escape as escaped
from django.utils.safestring import mark_safe

_SELECT = "django/forms/widgets/select.html"
_OPTION = "django/forms/widgets/select_option.html"
_INPUTS = frozenset(
    f"django/forms/widgets/{kind}.html"
    for kind in (
        "checkbox", "color", "date", "datetime", "email", "file", "hidden", "input", "number",
        "password", "search", "tel", "text", "time", "url",
    )
)  # fmt: skip
_OPTIONS = frozenset(
    f"django/forms/widgets/{kind}.html" for kind in ("checkbox_option", "radio_option")
)


class FormRenderer(DjangoTemplates):
    """Django's own templates; inputs and lists are written here, as they are there."""

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        if template_name in _INPUTS:
            return mark_safe(_input(context["widget"]))
        if template_name in _OPTIONS:
            return mark_safe(_option(context["widget"]))
        if template_name == _SELECT and _plain(context["widget"]):
            return mark_safe(_select(context["widget"]))
        return super().render(template_name, context, request)


def _plain(widget: Mapping[str, Any]) -> bool:
    """Whether its options have no template of their own."""
    groups = widget["optgroups"]
    return all(option["template_name"] == _OPTION for _, group, _ in groups for option in group)


def _input(widget: Mapping[str, Any]) -> str:
    given = widget.get("value")
    value = "" if given is None else f' value="{escaped(str(given))}"'
    named = f'type="{escaped(widget["type"])}" name="{escaped(widget["name"])}"'
    return f"<input {named}{value}{_attributes(widget['attrs'])}>"


def _option(widget: Mapping[str, Any]) -> str:
    """One of several to choose from, in its label where it stands in a list of Django's own."""
    if not widget.get("wrap_label"):
        return _input(widget)
    key = widget["attrs"].get("id")
    of = f' for="{escaped(key)}"' if key else ""
    return f"<label{of}>{_input(widget)}\n {escaped(widget['label'])}</label>"


def _select(widget: Mapping[str, Any]) -> str:
    parts = [f'<select name="{escaped(widget["name"])}"{_attributes(widget["attrs"])}>']
    for name, group, _ in widget["optgroups"]:
        if name:
            parts.append(f'\n  <optgroup label="{escaped(name)}">')
        parts += [
            f'\n  <option value="{escaped(str(option["value"]))}"{_attributes(option["attrs"])}>'
            f"{escaped(option['label'])}</option>"
            for option in group
        ]
        if name:
            parts.append("\n  </optgroup>")
    parts.append("\n</select>")
    return "".join(parts)


def _attributes(attributes: Mapping[str, Any]) -> str:
    return "".join(
        f" {escaped(name)}" if value is True else f' {escaped(name)}="{escaped(str(value))}"'
        for name, value in attributes.items()
        if value is not False
    )
