"""The list of masters, on a page and as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

from asgiref.sync import sync_to_async
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.analytics.listing import all_masters
from apps.common.csv_files import PART, as_file, harmless, lines
from apps.common.live_pages import show
from apps.console.access import StaffRequest, staff_page
from apps.console.live_masters import MASTERS, ListedMaster, listed, master_sections, page_of
from apps.console.master_forms import MastersFilter

_HEADER = (
    "master", "login", "platform", "mode", "visibility", "status", "status_reason",
    "no_new_followers", "alarms", "followers", "currency", "money_following", "total_result",
    "trades", "period", "return", "win_rate", "max_drawdown", "risk_score", "sharpe",
    "record_since", "uuid",
)  # fmt: skip


@require_safe
@staff_page(copy_trading=True)
def master_list(request: StaffRequest) -> HttpResponse:
    """Masters of every status with their figures, by filter, order and page."""
    form = MastersFilter(request.GET)
    page = page_of(form)
    context = {
        "form": form,
        "page": page,
        "live": show(MASTERS, request.user, form.params(), master_sections(form, page)),
        "newer": form.query(page=page.number - 1) if page.number > 1 else "",
        "older": form.query(page=page.number + 1) if page.number < page.pages else "",
        "csv": form.query(page=None),
    }
    return render(request, "console/masters/list.html", context)


@require_safe
@staff_page(copy_trading=True)
def masters_csv(request: StaffRequest) -> StreamingHttpResponse:
    """All masters of the list as a file; filters and order apply, returns are fractions."""
    return as_file(_stream(MastersFilter(request.GET)), "masters")


async def _stream(form: MastersFilter) -> AsyncIterator[str]:
    yield lines([_HEADER])
    size, number = PART // 2, 1
    while True:
        rows, pages = await sync_to_async(_page)(form, number, size)
        yield lines(_cells(row, form) for row in rows)
        if number >= pages:
            return
        number += 1
        if size * (number - 1) == PART:  # as many as one of the large parts has
            size, number = PART, 2


def _page(form: MastersFilter, number: int, size: int) -> tuple[list[ListedMaster], int]:
    page = all_masters(form.wanted(size=size, page=number), today=timezone.now().date())
    return listed(form, page.entries), page.pages


def _cells(row: ListedMaster, form: MastersFilter) -> tuple[str, ...]:
    entry = row.entry
    texts = (
        entry.name, entry.login, row.platform, entry.mode, entry.visibility, entry.status,
        entry.status_reason, entry.gate, "; ".join(row.alarms),
    )  # fmt: skip
    figures = (row.returned.value, entry.win_rate, row.drawdown.value, row.risk.value)
    return (
        *(harmless(text) for text in texts),
        str(entry.followers),
        entry.currency,
        _money(entry.following),
        _money(entry.result),
        str(entry.trades),
        form.period_chosen.value,
        *(_number(value) for value in (*figures, row.sharpe.value)),
        entry.since.isoformat() if entry.since else "",
        str(entry.uuid),
    )


def _money(value: Decimal) -> str:
    return f"{value:.2f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
