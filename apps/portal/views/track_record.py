"""Importing the track record of an account: upload, look, confirm, remove again."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.analytics import api
from apps.analytics.api import ImportRefused
from apps.analytics.imported import draft_of, format_label, imported_record
from apps.analytics.preview import RecordPreview, preview_of
from apps.common.charts import Chart, Series
from apps.common.htmx import posted, render_page
from apps.portal.access import SignedInRequest, own_account
from apps.portal.account_forms import StatementForm

if TYPE_CHECKING:
    from apps.platforms.models import TradingAccount

ROWS = 25


@require_http_methods(["GET", "POST"])
@login_required
def track_record(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """What is imported, what waits to be confirmed, and the form to upload a statement."""
    account = own_account(request.user, uuid)
    form = StatementForm(posted(request), request.FILES or None, auto_id="statement_%s")
    refused: ImportRefused | None = None
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            api.upload_statement(
                actor=request.user,
                account=account,
                file_name=file.name,
                data=file.read(),
                utc_offset=form.offset(),
            )
        except ImportRefused as error:
            refused = error
        else:
            return redirect("portal:track_record", uuid)
    context = _context(request, account) | {"form": form, "refused": refused}
    wrong = refused is not None or bool(form.errors)
    return render(request, "portal/accounts/record.html", context, status=422 if wrong else 200)


@require_POST
@login_required
def confirm_record(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Take over what was uploaded."""
    account = own_account(request.user, uuid)
    draft = draft_of(account.pk)
    if draft is None:
        messages.error(request, "There is no upload to take over; it was confirmed or discarded.")
        return redirect("portal:track_record", uuid)
    try:
        days = api.confirm_import(actor=request.user, account=account, draft=draft)
    except ImportRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(
            request,
            f"{days} days are imported. Figures take them up within minutes, marked as imported.",
        )
    return redirect("portal:track_record", uuid)


@require_POST
@login_required
def discard_record(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Forget what was uploaded and not confirmed."""
    account = own_account(request.user, uuid)
    api.discard_draft(actor=request.user, account=account)
    messages.success(request, "The upload is discarded; nothing was imported.")
    return redirect("portal:track_record", uuid)


@require_http_methods(["GET", "POST"])
@login_required
def remove_record(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Remove the imported record: GET says what that means, POST does it."""
    account = own_account(request.user, uuid)
    if request.method == "POST":
        if api.remove_import(actor=request.user, account=account):
            messages.success(request, "The imported record is removed from all figures.")
        return redirect("portal:track_record", uuid)
    context = {"account": account, "record": imported_record(account.pk)}
    return render_page(
        request,
        "portal/accounts/remove_record.html",
        context,
        fragments={"dialog-body": "dialog"},
    )


def _context(request: SignedInRequest, account: TradingAccount) -> dict[str, Any]:
    """The draft where there is one, else the record; with its trades page by page."""
    draft, record = draft_of(account.pk), imported_record(account.pk)
    shown = draft or record
    if shown is None:
        return {"account": account, "draft": None, "record": None}
    preview = preview_of(shown, is_draft=draft is not None)
    trades = Paginator(shown.rows.order_by("-closed_at", "-id"), ROWS)
    return {
        "account": account,
        "draft": draft,
        "record": record,
        "shown": shown,
        "format": format_label(shown.format),
        "preview": preview,
        "chart": _chart(preview, shown.currency or account.currency),
        "trades": trades.get_page(request.GET.get("page")),
    }


def _chart(preview: RecordPreview, currency: str) -> Chart:
    points: list[tuple[date, float]] = list(preview.index)
    return Chart(
        "record",
        "Growth of the imported record",
        [Series("Return since its first day", points, "area", "percent", currency)],
    )
