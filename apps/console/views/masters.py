"""The list of masters, on a page and as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

from asgiref.sync import sync_to_async
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.analytics.master_file import FileRow, masters_in_file
from apps.common.csv_files import PART, as_file, harmless, lines
from apps.common.live_pages import show
from apps.console.access import StaffRequest, staff_page
from apps.console.live_masters import MASTERS, master_sections, page_of
from apps.console.master_forms import MastersFilter
from apps.platforms.registry import CATALOGUE

_HEADER = (
    "master", "login", "platform", "mode", "visibility", "status", "status_reason",
    "no_new_followers", "alarms", "followers", "currency", "money_following", "total_result",
    "trades", "period", "return", "win_rate", "max_drawdown", "risk_score", "sharpe",
    "record_since", "uuid",
)  # fmt: skip
PLATFORMS = {code: one.name for code, one in CATALOGUE.items()}


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
    period, size, number = form.period_chosen.value, PART // 2, 1
    while True:
        rows, pages = await sync_to_async(_page)(form, number, size)
        yield lines(_cells(row, period) for row in rows)
        if number >= pages:
            return
        number += 1
        if size * (number - 1) == PART:  # as many as one of the large parts has
            size, number = PART, 2


def _page(form: MastersFilter, number: int, size: int) -> tuple[list[FileRow], int]:
    return masters_in_file(form.wanted(size=size, page=number), today=timezone.now().date())


def _cells(row: FileRow, period: str) -> tuple[str, ...]:
    return (
        harmless(row.name),
        harmless(row.login),
        PLATFORMS.get(row.platform, row.platform),
        row.mode,
        row.visibility,
        row.status,
        harmless(row.status_reason),
        harmless(row.gate),
        "; ".join(row.alarm_labels),
        str(row.followers),
        row.currency,
        _money(row.following),
        _money(row.result),
        str(row.trades),
        period,
        _number(row.returned),
        _number(row.win_rate),
        _number(row.drawdown),
        _number(row.risk),
        _number(row.sharpe),
        row.since.isoformat() if row.since else "",
        str(row.uuid),
    )


def _money(value: Decimal) -> str:
    return f"{value:.2f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
