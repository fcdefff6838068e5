"""The pages of one master: what it is and did, and who intervened."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.accounts.audit import AuditSearch, search_audit
from apps.analytics.master_page import chart_of, daily_record, record_of, trades_of
from apps.analytics.selectors import follower_earnings, imported_spans, money_following
from apps.common.htmx import render_page
from apps.common.live_pages import show
from apps.console.access import StaffRequest, staff_page
from apps.console.audit_view import changes_of
from apps.console.live_copying import MASTER, MASTER_TRADES, figures_of
from apps.console.master_frame import frame, master_or_404
from apps.copytrading.ledger import Search, search
from apps.copytrading.ledger_csv import csv_response
from apps.copytrading.ledger_filter import LedgerFilter, ledger_links
from apps.copytrading.selectors import master_row
from apps.copytrading.showing import master_for_staff, open_positions_of
from apps.copytrading.under_way import under_way

POSITIONS_SHOWN, OUTCOMES_SHOWN, ENTRIES_SHOWN = 100, 25, 25


@require_safe
@staff_page(copy_trading=True)
def overview(request: StaffRequest, uuid: UUID) -> HttpResponse:
    """Its record, its figures with their meaning, its terms, and what followers made of it."""
    now = timezone.now()
    context = frame(request, uuid, "overview")
    account = context["master"].account
    whole = request.headers.get("HX-Target") != "curves-card"
    record = daily_record(account.pk, now) if whole else None
    context |= chart_of(request.GET.dict(), account.pk, account.currency, now, record)
    context["imported"] = imported_spans([account.pk]).get(account.pk)
    if whole:
        shown = master_for_staff(uuid)
        context |= record_of(account.pk, account.currency, now, record)
        context |= {
            "shown": shown,
            "earnings": follower_earnings([shown.id])[shown.id],
            "following": money_following(account.pk),
            "live": show(
                MASTER,
                request.user,
                {"uuid": str(uuid)},
                [figures_of(master_row(context["master"].pk))],
            ),
            "shows_trades": True,
        }
    return render_page(
        request,
        "console/masters/overview.html",
        context,
        fragments={"curves-card": "curves"},
    )


@require_safe
@staff_page(copy_trading=True)
def trades(request: StaffRequest, uuid: UUID) -> HttpResponse:
    """Open positions, what it does now, and closed trades; ``before`` pages back."""
    context = frame(request, uuid, "trades")
    account = context["master"].account
    try:
        context |= trades_of(account.pk, request.GET.get("before", ""))
    except ValueError:
        raise Http404("There is no such page of trades.") from None
    context |= {
        "shown": master_for_staff(uuid),
        "positions": open_positions_of(account.pk, limit=POSITIONS_SHOWN),
        "shows_positions": True,
        "shows_trades": True,
        "live": show(MASTER_TRADES, request.user, {"uuid": str(uuid)}),
    }
    return render(request, "console/masters/trades.html", context)


@require_safe
@staff_page(copy_trading=True)
def outcomes(request: StaffRequest, uuid: UUID) -> HttpResponse:
    """The ledger of all its copies, by filter and page, and what is under way."""
    context = frame(request, uuid, "outcomes")
    account_id = context["master"].account_id
    form = LedgerFilter(request.GET)
    page = search(
        form.within(Search(master_account_id=account_id)),
        cursor=request.GET.get("before"),
        limit=OUTCOMES_SHOWN,
    )
    here, csv = (
        reverse(f"console:{name}", args=[uuid])
        for name in ("master_outcomes", "master_outcomes_csv")
    )
    context |= {
        "form": form,
        "page": page,
        "moving": under_way(master_account_id=account_id),
        "story_view": "console:outcome",
        **ledger_links(request, page, here, csv),
    }
    return render(request, "console/masters/outcomes.html", context)


@require_safe
@staff_page(copy_trading=True)
def outcomes_csv(request: StaffRequest, uuid: UUID) -> StreamingHttpResponse:
    """The same as a file; filters apply."""
    scope = Search(master_account_id=master_or_404(uuid).account_id)
    return csv_response(LedgerFilter(request.GET).within(scope), "outcomes")


@require_safe
@staff_page(copy_trading=True)
def audit(request: StaffRequest, uuid: UUID) -> HttpResponse:
    """Who changed this master, when and why, newest first."""
    before = request.GET.get("before")
    page = search_audit(
        AuditSearch(object_type="master", object_id=str(uuid)), cursor=before, limit=ENTRIES_SHOWN
    )
    here = reverse("console:master_audit", args=[uuid])
    context: dict[str, Any] = {
        **frame(request, uuid, "audit"),
        "entries": [(row, changes_of(row)) for row in page.rows],
        "newest": here if before else "",
        "older": f"{here}?before={page.next_cursor}" if page.next_cursor else "",
    }
    return render(request, "console/masters/audit.html", context)
