"""Rows of the ledger, written without a template: a page has dozens, a live page sends them anew
every second, and in a template the cells of one of them take longer than all its queries."""

from __future__ import annotations

from html import escape as escaped

from django import template
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from apps.common import components
from apps.common.templatetags import figures
from apps.copytrading.rows import OutcomeRow

register = template.Library()

_NOTHING = '<span class="muted">–</span>'
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@register.simple_tag
def ledger_row(row: OutcomeRow, story_view: str) -> SafeString:
    """An outcome in the ledger, with the page of its story."""
    address = reverse(story_view, args=[row.id])
    told = f"<p>{escaped(row.story)}</p>"
    if row.hint:
        told += f"<p>{escaped(row.hint)}</p>"
    return mark_safe(
        "<tr>\n"
        f'  <td class="nowrap lead" data-label="Received">{_received(row, year=True)}</td>\n'
        f"{_outcome(row)}"
        '  <td class="nowrap" data-label="Master\'s trade">'
        f'<a class="strong" href="{escaped(address)}">{_trade(row)}</a><span class="sub">'
        f"{_copy(row, row.account_name or row.account_login)}</span></td>\n"
        f"{_volume(row)}{_why(row, told)}"
        f"{_slippage(row)}"
        f'  <td class="num aside" data-label="Sent after">{figures.millis(row.to_sent_ms)}</td>\n'
        "</tr>"
    )


@register.simple_tag
def live_outcome(row: OutcomeRow, row_id: str) -> SafeString:
    """An outcome in the staff's live list, under the id of its row there."""
    order = f" · order {escaped(row.client_order_id)}" if row.client_order_id else ""
    told = (
        f'<p>{escaped(row.story)}</p><p class="mono small">{escaped(row.code)} · trace '
        f'{escaped(row.trace_id)}{order}</p><p><a href="'
        f'{escaped(reverse("console:outcome", args=[row.id]))}">All about it</a></p>'
    )
    return mark_safe(
        f'<tr id="{escaped(row_id)}">\n'
        f'  <td class="nowrap lead">{_received(row, year=False)}</td>\n'
        f"{_outcome(row)}"
        f'  <td class="nowrap" data-label="Copy"><span class="strong">{_trade(row)}</span>'
        f'<span class="sub">{_copy(row, row.account_login)}</span></td>\n'
        f"{_volume(row)}{_why(row, told)}"
        f"{_slippage(row)}"
        f'  <td class="num aside" data-label="Sent">{figures.millis(row.to_sent_ms)}</td>\n'
        f'  <td class="num aside" data-label="Filled">{figures.millis(row.to_filled_ms)}</td>\n'
        "</tr>"
    )


def _received(row: OutcomeRow, *, year: bool) -> str:
    at = row.received_at
    day = f"{at.day} {_MONTHS[at.month - 1]}{f' {at.year}' if year else ''}"
    return f'{components.time({"value": at}, "")}<span class="sub">{day}</span>'


def _outcome(row: OutcomeRow) -> str:
    shown = components.status({"value": row.state, "label": row.state_label}, "")
    return f'  <td class="corner" data-label="Outcome">{shown}</td>\n'


def _trade(row: OutcomeRow) -> str:
    return f"{escaped(figures.event_words(row.kind))} {escaped(row.symbol)}"


def _copy(row: OutcomeRow, account: str) -> str:
    return f"{escaped(row.strategy_name)} · {escaped(account)}"


def _volume(row: OutcomeRow) -> str:
    if row.kind == "protection":
        shown = '<span class="muted">stops</span>'
    elif row.filled_units:
        shown = components.volume({"value": row.filled_lots}, "")
    else:
        shown = _NOTHING
    return f'  <td class="num" data-label="Volume">{shown}</td>\n'


def _why(row: OutcomeRow, told: str) -> str:
    return (
        '  <td class="wide full" data-label="Why"><details class="why"><summary>'
        f"{escaped(row.reason)}</summary>{told}</details></td>\n"
    )


def _slippage(row: OutcomeRow) -> str:
    shown = components.money({"value": row.slippage_money, "currency": row.currency}, "")
    return f'  <td class="num aside" data-label="Slippage">{shown}</td>\n'
