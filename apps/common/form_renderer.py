"""Form controls as Django renders them, lists to choose from without a template.

Django renders a template for every option of a list, and another one for its attributes: two
hundred masters to choose from cost more than the whole page around them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.utils.html import conditional_escape as escaped
from django.utils.safestring import mark_safe

_SELECT = "django/forms/widgets/select.html"
_OPTION = "django/forms/widgets/select_option.html"


class FormRenderer(DjangoTemplates):
    """Django's own templates; a list to choose from is written here, as it is there."""

    def render(self, template_name: str, context: dict[str, Any], request: Any = None) -> str:
        if template_name == _SELECT and _plain(context["widget"]):
            return mark_safe(_select(context["widget"]))
        return super().render(template_name, context, request)


def _plain(widget: Mapping[str, Any]) -> bool:
    """Whether its options have no template of their own."""
    groups = widget["optgroups"]
    return all(option["template_name"] == _OPTION for _, group, _ in groups for option in group)


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
