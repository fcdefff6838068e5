"""What a customer has to know of a master beside its name, in a list to choose from.

Twenty of them stand on a page: as a template that is included they take half of its time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join

from apps.common.templatetags.figures import plain
from apps.copytrading.rows import MasterRow

register = template.Library()

_ONLY = {"real": "Real accounts only", "demo": "Demo accounts only"}


@register.simple_tag(takes_context=True)
def master_badges(context: dict[str, Any], master: MasterRow) -> str:
    """Its badges, then currency, followers and least money; ``imported`` are marked accounts."""
    found = (
        format_html('<span class="badge{}">{}</span>', f" badge-{tone}" if tone else "", words)
        for words, tone in _badges(master, own=master.owner_id == context["user"].pk)
    )
    imported = master.account_id in context["imported"]
    return format_html(
        '<p class="badges">{}{}<span class="soft">{}</span></p>',
        format_html_join("", "{}", ((badge,) for badge in found)),
        render_to_string("cotton/ui/imported.html") if imported else "",
        _words(master),
    )


def _badges(master: MasterRow, *, own: bool) -> Iterator[tuple[str, str]]:
    yield ("Demo track record", "warn") if master.mode == "demo" else ("Real money", "")
    if master.status == "paused" or not master.enabled:
        yield "Paused", "warn"
    if own:
        yield "Your own", ""
    elif 0 < master.max_followers <= master.followers:
        yield "Full", "warn"
    if only := _ONLY.get(master.allowed_follower_modes):
        yield only, ""


def _words(master: MasterRow) -> str:
    followers = f"{master.followers} follower{'' if master.followers == 1 else 's'}"
    words = [master.currency, followers]
    if master.min_investment:
        words.append(f"from {plain(master.min_investment)} {master.currency}")
    return " · ".join(words)
