"""The components around form fields, written without a template as those of ``components.py``."""

from __future__ import annotations

from typing import Any

from django.forms import BoundField

from apps.common.components import Given, Write
from apps.common.markup import escaped
from apps.common.templatetags.forms import styled


def field(given: Given, slot: str) -> str:
    """A ``field`` under its label, with its ``unit``, its help and its errors.

    ``for_modes``: classes that show it in some modes of the form only; ``help`` follows the
    field's own.
    """
    bound: BoundField = given["field"]
    modes, unit, name = given.get("for_modes"), given.get("unit"), given.get("unit_class")
    optional = "" if bound.field.required or modes else ' <span class="optional">(optional)</span>'
    control: Any = styled(bound)
    if unit or name:
        kind = f" {escaped(name)}" if name else ""
        unit_shown = f'<span class="muted{kind}">{escaped(unit or "")}</span>'
        control = f'<div class="input-group">{control}{unit_shown}</div>'
    more = given.get("help") or ""
    return (
        f'<div class="field{f" only-for {escaped(modes)}" if modes else ""}">'
        f'<label for="{bound.id_for_label}">{escaped(bound.label)}{optional}</label>'
        f"{control}{_help(bound, 'div', more)}{_errors(bound)}</div>"
    )


def check(given: Given, slot: str) -> str:
    """A check box before its label."""
    bound: BoundField = given["field"]
    return (
        f'<div class="check">{styled(bound)}'
        f'<label class="label" for="{bound.id_for_label}">{escaped(bound.label)}</label>'
        f"{_help(bound, 'p')}{_errors(bound)}</div>"
    )


def choices(given: Given, slot: str) -> str:
    """Radio buttons one under the other; ``helps`` are sentences by value."""
    bound: BoundField = given["field"]
    helps = given.get("helps") or {}
    described = f' aria-describedby="{bound.auto_id}_error"' if bound.errors else ""
    rows = "".join(
        f'<label class="choice" for="{radio.id_for_label}">{radio.tag()}'
        f'<span class="choice-label">{escaped(radio.choice_label)}</span>'
        f"{_choice_help(helps, radio.data['value'])}</label>"
        for radio in bound
    )
    return (
        f'<fieldset class="field"{described}><legend>{escaped(bound.label)}</legend>'
        f'<div class="choices">{rows}</div>{_errors(bound)}</fieldset>'
    )


def segments(given: Given, slot: str) -> str:
    """Radio buttons beside each other, as one control."""
    bound: BoundField = given["field"]
    options = "".join(
        f'<label for="{option.id_for_label}">{option.tag()}{escaped(option.choice_label)}</label>'
        for option in bound
    )
    return (
        f'<fieldset class="field"><legend>{escaped(bound.label)}</legend>'
        f'<div class="segments">{options}</div></fieldset>'
    )


def _choice_help(helps: Any, value: Any) -> str:
    return f'<span class="choice-help">{escaped(helps.get(str(value), ""))}</span>' if helps else ""


def _help(bound: BoundField, tag: str, more: Any = "") -> str:
    if not (bound.help_text or more):
        return ""
    # Its own help is a text of the code, which may have elements.
    inside = f"{bound.help_text or ''}{escaped(more)}"
    return f'<{tag} class="field-help" id="{bound.auto_id}_helptext">{inside}</{tag}>'


def _errors(bound: BoundField) -> str:
    errors = bound.errors
    if not errors:
        return ""
    shown = "".join(f'<p class="field-error">{escaped(str(error))}</p>' for error in errors)
    return f'<div id="{bound.auto_id}_error">{shown}</div>'


WRITTEN: dict[str, Write] = {
    "ui.field": field,
    "ui.check": check,
    "ui.choices": choices,
    "ui.segments": segments,
}
