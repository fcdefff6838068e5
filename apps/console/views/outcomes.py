"""The ledger of all copies, for staff."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.common.htmx import render_page
from apps.console.access import StaffRequest, staff_page
from apps.copytrading.errors import NotFound
from apps.copytrading.ledger import Search, search
from apps.copytrading.ledger_csv import csv_response
from apps.copytrading.ledger_filter import LedgerFilter, after_of, ledger_links
from apps.copytrading.selectors import follower_accounts, masters_to_choose, subscription_by_uuid
from apps.copytrading.stories import check_chain, outcome_story
from apps.copytrading.under_way import under_way

OUTCOMES_SHOWN = 25


def _asked(request: StaffRequest) -> tuple[LedgerFilter, Search]:
    """The filter, and the outcomes within it."""
    known = masters_to_choose(request.GET.get("master", ""))
    form = LedgerFilter(
        request.GET,
        masters=[(str(m.uuid), m.label) for m in known],
        accounts=True,
    )
    chosen = form.chosen
    master_id = next((m.account_id for m in known if str(m.uuid) == chosen.get("master")), None)
    account_ids = follower_accounts(chosen["account"]) if "account" in chosen else None
    scope = Search(
        subscription_id=_copy_id(chosen.get("copy")),
        master_account_id=master_id,
        account_ids=account_ids,
    )
    return form, form.within(scope)


def _copy_id(uuid: UUID | None) -> int | None:
    if uuid is None:
        return None
    try:
        return subscription_by_uuid(uuid).pk
    except NotFound:
        return 0  # of a copy that there is not, there is nothing


@require_safe
@staff_page(copy_trading=True)
def outcomes(request: StaffRequest) -> HttpResponse:
    """All outcomes by master, copy, account and filter, and what is under way."""
    form, wanted = _asked(request)
    page = search(wanted, cursor=request.GET.get("before"), limit=OUTCOMES_SHOWN)
    context = {
        "form": form,
        "page": page,
        "moving": under_way(
            subscription_id=wanted.subscription_id,
            master_account_id=wanted.master_account_id,
            account_ids=wanted.account_ids,
        ),
        "story_view": "console:outcome",
        **ledger_links(request, page, reverse("console:outcomes"), reverse("console:outcomes_csv")),
    }
    return render(request, "console/outcomes/list.html", context)


@require_safe
@staff_page(copy_trading=True)
def outcomes_csv(request: StaffRequest) -> StreamingHttpResponse:
    """The same as a file; filters apply."""
    _, wanted = _asked(request)
    return csv_response(wanted, "outcomes")


@require_safe
@staff_page(copy_trading=True)
def outcome(request: StaffRequest, pk: int) -> HttpResponse:
    """One outcome as a story."""
    try:
        story = outcome_story(pk)
    except NotFound as missing:
        raise Http404(str(missing)) from None
    row = story.row
    context = {
        "story": story,
        "row": row,
        "story_view": "console:outcome",
        "account_url": reverse("console:copy", args=[row.subscription_uuid]),
        "master_url": reverse("console:master", args=[row.master_uuid]),
        "copy_url": f"{reverse('console:outcomes')}?copy={row.subscription_uuid}",
        "check_url": reverse("console:check_chain", args=[row.subscription_uuid]),
    }
    return render(request, "console/outcomes/story.html", context)


@staff_page(copy_trading=True)
def check(request: StaffRequest, uuid: UUID) -> HttpResponse:
    """Check the chain of a copy; a long one in several requests."""
    copy_url = f"{reverse('console:outcomes')}?copy={uuid}"
    if request.method != "POST":
        return redirect(copy_url)
    try:
        found = subscription_by_uuid(uuid)
    except NotFound as missing:
        raise Http404(str(missing)) from None
    context = {
        "checked": check_chain(found.pk, after=after_of(request)),
        "check_url": reverse("console:check_chain", args=[uuid]),
        "copy_url": copy_url,
    }
    return render_page(
        request, "console/outcomes/check.html", context, fragments={"chain-check": "answer"}
    )
