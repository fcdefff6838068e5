"""Form controls as Django renders them, the plain ones without a template.

Django renders two templates for each control, one of them for its attributes, and two more for
every option of a list: a form of thirty settings costs more than the whole page around it, and so
do two hundred masters to choose from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.utils.safestring import mark_safe

from apps.common.markup import escaped

Widget = Mapping[str, Any]
_FOLDER = "django/forms/widgets"
_OPTION = f"{_FOLDER}/select_option.html"


class FormRenderer(DjangoTemplates):
    """Django's own templates; controls of one element are written here, as they are there."""

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        write = _WRITTEN.get(template_name)
        written = write(context["widget"]) if write is not None else None
        if written is not None:
            return mark_safe(written)
        return super().render(template_name, context, request)


def _input(widget: Widget) -> str:
    value = widget.get("value")
    shown = "" if value is None else f' value="{escaped(str(value))}"'
    name, kind = escaped(widget["name"]), escaped(widget["type"])
    return f'<input type="{kind}" name="{name}"{shown}{_attributes(widget["attrs"])}>'


def _option(widget: Widget) -> str | None:
    """A radio button or check box of a list; None with a label around it."""
    return None if widget.get("wrap_label") else _input(widget)


def _textarea(widget: Widget) -> str:
    value = widget["value"] or ""
    attributes = _attributes(widget["attrs"])
    return f'<textarea name="{escaped(widget["name"])}"{attributes}>\n{escaped(value)}</textarea>'


def _select(widget: Widget) -> str | None:
    """A list to choose from; None where its options have a template of their own."""
    groups = widget["optgroups"]
    if any(option["template_name"] != _OPTION for _, group, _ in groups for option in group):
        return None
    parts = [f'<select name="{escaped(widget["name"])}"{_attributes(widget["attrs"])}>']
    for name, group, _ in groups:
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


_INPUTS = (
    *("text", "number", "email", "url", "password", "hidden", "search", "tel", "color", "file"),
    *("date", "datetime", "time", "checkbox"),
)
_WRITTEN: Mapping[str, Callable[[Widget], str | None]] = {
    **{f"{_FOLDER}/{kind}.html": _input for kind in _INPUTS},
    **{f"{_FOLDER}/{kind}_option.html": _option for kind in ("radio", "checkbox")},
    f"{_FOLDER}/textarea.html": _textarea,
    f"{_FOLDER}/select.html": _select,
}
