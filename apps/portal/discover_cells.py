"""What stands in a card or a line of the list of masters, as texts that are ready to be shown.

A page has two dozen masters with some thirty figures each: looked up and decided upon by a template
they take longer than all queries of the page together.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from html import escape
from typing import NamedTuple

from django.utils.safestring import mark_safe

from apps.analytics.domain.standing import Figure
from apps.common.templatetags.figures import (
    UNKNOWN,
    amount,
    percent,
    plain,
    ratio,
    signed_percent,
    spark_path,
)
from apps.portal.discover_rows import DiscoverRow

_BADGE = '<span class="badge badge-plain{}" title="{}">{}</span>'
_NONE = '<span class="none">{}</span>'
_DASH = '<span class="none" title="{}">–</span>'
_MONEY = '<span class="money">{} <span class="unit">{}</span></span>'
_RISK_BAR = (
    '<span class="risk"><span class="figure">{0}<span class="unit"> of 10</span></span>'
    '<svg class="risk-bar" viewBox="0 0 10 1" preserveAspectRatio="none" aria-hidden="true">'
    '<rect width="10" height="1" /><rect class="on" width="{0}" height="1" /></svg></span>'
)
_LINE = (
    '<svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" '
    'aria-label="{}"><path d="{}" /></svg>'
)


def _html(form: str, *texts: str | int) -> str:
    """Texts in the places of a form; whatever they are, they are escaped."""
    return mark_safe(form.format(*(escape(str(text)) for text in texts)))


_UNKNOWN = _html(_NONE, UNKNOWN)


class Cells(NamedTuple):
    """A master's texts; ``toggle`` is the list with it compared or not, ``on`` if it is now."""

    uuid: str
    name: str
    url: str
    badges: str
    words: str
    return_tone: str
    returned: str
    line: str
    drawdown: str
    risk: str
    risk_bar: str
    sharpe: str
    sharpe_words: str
    record: str
    followers: str
    room: str
    minimum: str
    earned: str
    earned_words: str
    earned_short: str
    copyable: str
    copyable_words: str
    copyable_short: str
    toggle: str
    on: bool


def cells_of(row: DiscoverRow, url: str, toggle: str, *, on: bool) -> Cells:
    """The texts of one master, whose page is at ``url``."""
    entry, share = row.entry, row.copyable
    fits = "" if share is None else percent(share.share, 0)
    return Cells(
        uuid=str(entry.uuid),
        name=entry.name,
        url=url,
        badges=_badges(row),
        words=" · ".join(filter(None, (row.platform, entry.currency, row.symbols))),
        return_tone=row.return_tone,
        returned=_or_why(row.returned, signed_percent),
        line=_line(row),
        drawdown=_UNKNOWN if row.drawdown.value is None else percent(row.drawdown.value),
        risk=_or_dash(row.risk, _risk),
        risk_bar=_or_why(row.risk, _risk_bar),
        sharpe=_or_dash(row.sharpe, ratio),
        sharpe_words=_or_why(row.sharpe, ratio),
        record=row.record or UNKNOWN,
        followers=plain(Decimal(entry.followers)),
        room=f" of {entry.max_followers}" if entry.max_followers else "",
        minimum=_minimum(row),
        earned=_earned(row),
        earned_words=row.followers_words,
        earned_short=_earned_short(row),
        copyable=_html('<span class="figure">{}</span> ', fits) if fits else "",
        copyable_words=row.copyable_words,
        copyable_short=fits or _html(_NONE, row.not_copyable),
        toggle=toggle,
        on=on,
    )


def _or_why(figure: Figure, written: Callable[[float], str]) -> str:
    """A figure, or in words why there is none."""
    value = figure.value
    return _html(_NONE, figure.standing.label) if value is None else written(value)


def _or_dash(figure: Figure, written: Callable[[float], str]) -> str:
    """A figure, or a dash that says why there is none to those who point at it."""
    value = figure.value
    return _html(_DASH, figure.standing.label) if value is None else written(value)


def _risk(score: float) -> str:
    return _html('{}<span class="unit"> of 10</span>', f"{score:.0f}")


def _risk_bar(score: float) -> str:
    return _html(_RISK_BAR, f"{score:.0f}")


def _badges(row: DiscoverRow) -> str:
    return mark_safe(
        "".join(
            _html(_BADGE, f" badge-{badge.tone}" if badge.tone else "", badge.meaning, badge.text)
            for badge in row.badges
        )
    )


def _line(row: DiscoverRow) -> str:
    known = len(row.line) > 1
    return _html(_LINE, row.line_words, spark_path(row.line)) if known else ""


def _minimum(row: DiscoverRow) -> str:
    entry = row.entry
    if not entry.min_investment:
        return _html(_NONE, "none")
    return _html(_MONEY, amount(entry.min_investment, entry.currency), entry.currency)


def _earned(row: DiscoverRow) -> str:
    earned = row.entry.earned
    if earned is None:
        return ""
    return _html('<span class="figure {}">{}</span> ', row.earned_tone, signed_percent(earned))


def _earned_short(row: DiscoverRow) -> str:
    entry = row.entry
    if entry.earned is None:
        return _html(_NONE, "Too few")
    return _html(
        '<span class="{}">{}</span><span class="sub">{} of {} in profit</span>',
        row.earned_tone,
        signed_percent(entry.earned),
        percent(entry.in_profit, 0),
        entry.sample,
    )
