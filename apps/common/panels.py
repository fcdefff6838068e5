"""The components that hold others, written without a template as those of ``components.py``.

What a template puts into a named slot (``<c-slot name="head">``) comes as an attribute, safe.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.urls import reverse

from apps.common.components import Given, Write, button, others
from apps.common.markup import escaped

_LIVE = {"live": "Live", "lost": "Reconnecting"}


def card(given: Given, slot: str) -> str:
    """A section with a ``title``, a ``note`` under it, ``actions`` beside it and a ``foot``.

    ``flush``: what stands inside reaches its edges.
    """
    title, note, actions = (given.get(name) or "" for name in ("title", "note", "actions"))
    named = f' aria-label="{escaped(title)}"' if title else ""
    head = foot = ""
    if title or actions:
        heading = f"<h2>{escaped(title)}</h2>" if title else ""
        under = f"<p>{escaped(note)}</p>" if note else ""
        head = f'<header class="card-head"><div>{heading}{under}</div>{escaped(actions)}</header>'
    if given.get("foot"):
        foot = f'<footer class="card-foot">{escaped(given["foot"])}</footer>'
    body = slot if given.get("flush") else f'<div class="card-body">{slot}</div>'
    rest = others(given, "title", "note", "actions", "foot", "flush")
    return f'<section class="card"{named}{rest}>{head}{body}{foot}</section>'


def table(given: Given, slot: str) -> str:
    """Rows under the cells of ``head``, told by its ``caption``.

    ``cards="no"``: stays a table where the screen is narrow; ``tall`` scrolls; ``brief`` shows
    ten rows at first; ``feed`` for live rows; ``body_id`` where htmx puts more.
    """
    caption = escaped(given.get("caption") or "")
    kinds = "".join(
        f" {name}"
        for name, shown in (
            ("table-cards", given.get("cards", "yes") == "yes"),
            ("table-feed", given.get("feed")),
            ("table-brief", given.get("brief")),
        )
        if shown
    )
    tall = " table-tall" if given.get("tall") else ""
    body = f' id="{escaped(given["body_id"])}"' if given.get("body_id") else ""
    rest = others(given, "caption", "head", "tall", "cards", "body_id", "feed", "brief")
    return (
        f'<div class="table-wrap{tall}" role="group" aria-label="{caption}" tabindex="0">'
        f'<table class="table{kinds}"{rest}><caption class="visually-hidden">{caption}</caption>'
        f"<thead><tr>{escaped(given.get('head') or '')}</tr></thead>"
        f"<tbody{body}>{slot}</tbody></table>{_SHOW_ALL if given.get('brief') else ''}</div>"
    )


_SHOW_ALL = (
    '<details class="show-all"><summary><span class="when-shut">Show all</span>'
    '<span class="when-open">Show ten</span></summary></details>'
)


def empty(given: Given, slot: str) -> str:
    """What to do where nothing is: a ``title``, a sentence, an ``action``."""
    title, action = escaped(given.get("title") or ""), escaped(given.get("action") or "")
    return f'<div class="empty"><h2>{title}</h2><p>{slot}</p>{action}</div>'


def stat(given: Given, slot: str) -> str:
    """A figure with its ``label`` and a ``note``."""
    note = f'<dd class="stat-note">{escaped(given["note"])}</dd>' if given.get("note") else ""
    rest = others(given, "label", "note")
    label = escaped(given.get("label") or "")
    return f'<div class="stat"{rest}><dt>{label}</dt><dd>{slot}</dd>{note}</div>'


def notice(given: Given, slot: str) -> str:
    """Something to know; of ``kind`` info, warn, or bad, which is read out at once."""
    kind = escaped(given.get("kind") or "info")
    role = ' role="alert"' if kind == "bad" else ""
    rest = others(given, "kind")
    return f'<div class="notice notice-{kind}"{role}{rest}><div>{slot}</div></div>'


def tabs(given: Given, slot: str) -> str:
    """Links to the parts of a page that has a ``label``."""
    return f'<nav class="tabs" aria-label="{escaped(given.get("label") or "")}">{slot}</nav>'


def pager(given: Given, slot: str) -> str:
    """Ways to the ``newer`` and ``older`` rows, as far as there are any."""
    links = "".join(
        button({"href": given[name], "small": "yes", "rel": rel}, label)
        for name, rel, label in (("newer", "prev", "Newest"), ("older", "next", "Older"))
        if given.get(name)
    )
    return f'<nav class="pager" aria-label="Pages">{links}</nav>' if links else ""


def picture(given: Given, slot: str) -> str:
    """The picture of the master ``uuid`` by its ``digest``, or the first letter of its ``name``."""
    large = " avatar-large" if given.get("large") else ""
    if not given.get("digest"):
        letter = escaped(str(given.get("name") or "")[:1].upper())
        return f'<span class="avatar avatar-none{large}" aria-hidden="true">{letter}</span>'
    source = f"{reverse('portal:picture', args=[given['uuid']])}?v={escaped(given['digest'])}"
    size = 96 if large else 32
    return (
        f'<img class="avatar{large}" src="{source}" alt="" width="{size}" height="{size}" '
        'loading="lazy" decoding="async">'
    )


def live(given: Given, slot: str) -> str:
    """Whether the page is kept current now; the browser changes it."""
    state = given.get("state") or "wait"
    return (
        f'<span class="live" data-live data-state="{escaped(state)}" role="status">'
        '<span class="live-dot" aria-hidden="true"></span>'
        f'<span class="live-text" data-live-text>{_LIVE.get(state, "Connecting")}</span></span>'
    )


#: By the name in a template.
WRITTEN: Mapping[str, Write] = {
    "ui.card": card,
    "ui.table": table,
    "ui.empty": empty,
    "ui.stat": stat,
    "ui.notice": notice,
    "ui.tabs": tabs,
    "ui.pager": pager,
    "ui.picture": picture,
    "ui.live": live,
}
