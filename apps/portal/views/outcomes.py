"""A customer's ledger: what became of every trade of the masters that are followed."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.common.htmx import render_page
from apps.copytrading.errors import NotFound
from apps.copytrading.ledger import Search, search
from apps.copytrading.ledger_csv import csv_response
from apps.copytrading.ledger_filter import LedgerFilter, after_of, ledger_links
from apps.copytrading.selectors import copies_to_choose, subscription_by_uuid
from apps.copytrading.stories import check_chain, outcome_story
from apps.copytrading.under_way import under_way
from apps.portal.access import SignedInRequest, copy_trading_page

OUTCOMES_SHOWN = 25


def _asked(request: SignedInRequest) -> tuple[LedgerFilter, Search]:
    """The filter, and the customer's own outcomes within it."""
    copies = copies_to_choose(request.user)
    form = LedgerFilter(request.GET, copies=[(str(c.uuid), c.label) for c in copies])
    chosen = form.chosen.get("copy")
    copy_id = next((c.id for c in copies if str(c.uuid) == chosen), None)
    return form, form.within(Search(user_id=request.user.pk, subscription_id=copy_id))


@require_safe
@copy_trading_page
def outcomes(request: SignedInRequest) -> HttpResponse:
    """All outcomes of one's own copies, by filter and page, and what is under way."""
    form, wanted = _asked(request)
    page = search(wanted, cursor=request.GET.get("before"), limit=OUTCOMES_SHOWN)
    context = {
        "form": form,
        "page": page,
        "moving": under_way(user_id=request.user.pk, subscription_id=wanted.subscription_id),
        "story_view": "portal:outcome",
        **ledger_links(request, page, reverse("portal:outcomes"), reverse("portal:outcomes_csv")),
    }
    return render(request, "portal/outcomes/list.html", context)


@require_safe
@copy_trading_page
def outcomes_csv(request: SignedInRequest) -> StreamingHttpResponse:
    """The same as a file; filters apply."""
    _, wanted = _asked(request)
    return csv_response(wanted, "outcomes")


@require_safe
@copy_trading_page
def outcome(request: SignedInRequest, pk: int) -> HttpResponse:
    """One outcome as a story."""
    try:
        story = outcome_story(pk, user_id=request.user.pk)
    except NotFound as missing:
        raise Http404(str(missing)) from None
    row = story.row
    context = {
        "story": story,
        "row": row,
        "story_view": "portal:outcome",
        "mapping_url": reverse("portal:mapping", args=[row.subscription_uuid]),
        "settings_url": reverse("portal:edit_copy", args=[row.subscription_uuid]),
        "copy_url": f"{reverse('portal:outcomes')}?copy={row.subscription_uuid}",
        "check_url": reverse("portal:check_chain", args=[row.subscription_uuid]),
    }
    return render(request, "portal/outcomes/story.html", context)


@require_POST
@copy_trading_page
def check(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Check the chain of one's own copy; a long one in several requests."""
    try:
        found = subscription_by_uuid(uuid, owner=request.user)
    except NotFound as missing:
        raise Http404(str(missing)) from None
    context = {
        "checked": check_chain(found.pk, after=after_of(request)),
        "check_url": reverse("portal:check_chain", args=[uuid]),
        "copy_url": f"{reverse('portal:outcomes')}?copy={uuid}",
    }
    return render_page(
        request, "portal/outcomes/check.html", context, fragments={"chain-check": "answer"}
    )
