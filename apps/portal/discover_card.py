"""The card of a master in the list, written without a template, as a page has some twenty."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.safestring import SafeString, mark_safe

from apps.common.markup import escaped
from apps.portal.discover_cells import Cells


def cards(rows: Iterable[Cells], *, period: str, follow_url: str) -> SafeString:
    """Cards of these masters; ``period`` in words, their uuid goes behind ``follow_url``."""
    return mark_safe("".join(_card(row, escaped(period), follow_url) for row in rows))


def _card(row: Cells, period: str, follow_url: str) -> str:
    figures = (
        ("Drawdown", escaped(row.drawdown)),
        ("Risk", escaped(row.risk_bar)),
        ("Sharpe", f"<span>{escaped(row.sharpe_words)}</span>"),
        ("Record", escaped(row.record)),
        ("Followers", f'{escaped(row.followers)}<span class="unit">{escaped(row.room)}</span>'),
        ("Minimum", escaped(row.minimum)),
    )
    truth = (
        ("Followers earned", _said(row.earned, row.earned_words)),
        ("Your equity copies", _said(row.copyable, row.copyable_words)),
    )
    return (
        f'<li class="card master"><header class="master-head"><h2><a href="{escaped(row.url)}">'
        f'{escaped(row.name)}</a></h2> <span class="badges">{escaped(row.badges)}</span> '
        f'<p class="master-words">{escaped(row.words)}</p></header><div class="master-return">'
        f'<p><span class="master-figure {row.return_tone}">{escaped(row.returned)}</span>'
        f'<span class="small muted">{period}</span></p> {escaped(row.line)}</div>'
        f'<dl class="master-figures">{_pairs(figures)}</dl>'
        f'<dl class="master-truth">{_pairs(truth)}</dl>'
        f'<footer class="master-foot">{actions(row, follow_url)}</footer></li>'
    )


def actions(row: Cells, follow_url: str) -> SafeString:
    """Take a master into the comparison or out of it, and follow it."""
    name, toggle = escaped(row.name), escaped(row.toggle)
    if row.on:
        said, shown = f'aria-label="Take {name} out of the comparison" data-on', "Comparing"
    else:
        said, shown = f'aria-label="Compare {name}"', "Compare"
    return mark_safe(
        f'<a class="toggle" id="compare-{row.uuid}" href="?{toggle}" hx-get="?{toggle}" '
        f'hx-target="#results" hx-swap="outerHTML" {said}><span class="toggle-box" '
        f'aria-hidden="true"></span>{shown}</a><a class="button button-small" '
        f'href="{escaped(follow_url)}{row.uuid}" aria-label="Follow {name}">Follow</a>'
    )


def _said(figure: str, words: str) -> str:
    return f'{escaped(figure)}<span class="soft">{escaped(words)}</span>'


def _pairs(pairs: Iterable[tuple[str, str]]) -> str:
    return " ".join(f"<div><dt>{term}</dt><dd>{shown}</dd></div>" for term, shown in pairs)
