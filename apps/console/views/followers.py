"""Followers of a master and of all masters: how they size, what they hold, who is at risk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.accounts.roles import Permission
from apps.accounts.selectors import customer_by_uuid, may
from apps.analytics.follower_csv import HEADER, cells
from apps.analytics.follower_list import (
    CHUNK,
    MOST,
    follower_ids,
    follower_page,
    follower_rows,
)
from apps.analytics.follower_query import Wanted
from apps.common.csv_files import as_file, lines
from apps.common.live_pages import show
from apps.console.access import StaffRequest, staff_page
from apps.console.follower_forms import FollowersFilter
from apps.console.live_followers import (
    FOLLOWERS,
    addresses,
    default_level,
    follower_sections,
    risk_of,
)
from apps.console.master_frame import frame, master_or_404
from apps.copytrading.selectors import masters_to_choose

if TYPE_CHECKING:
    from apps.copytrading.models import CopyMaster


@require_safe
@staff_page(copy_trading=True)
def at_risk(request: StaffRequest) -> HttpResponse:
    """Followers of all masters, those that use much of their equity as margin to begin with."""
    context = _listed(request, None)
    if customer := context["form"].chosen.get("customer"):
        found = customer_by_uuid(UUID(customer))
        context["customer"] = found.name if found else "unknown"
    return render(request, "console/followers/list.html", context)


@require_safe
@staff_page(copy_trading=True)
def of_master(request: StaffRequest, uuid: UUID) -> HttpResponse:
    """The followers of one master."""
    around = frame(request, uuid, "followers")
    context = {**around, **_listed(request, around["master"])}
    return render(request, "console/followers/master.html", context)


@require_safe
@staff_page(copy_trading=True)
def at_risk_csv(request: StaffRequest) -> StreamingHttpResponse:
    """All that fit, not only a page of them, as a file."""
    return as_file(_stream(asked(request, None).wanted()), "followers")


@require_safe
@staff_page(copy_trading=True)
def of_master_csv(request: StaffRequest, uuid: UUID) -> StreamingHttpResponse:
    """The same of one master."""
    master = master_or_404(uuid)
    return as_file(_stream(asked(request, master).wanted(master.pk)), "followers")


def _listed(request: StaffRequest, master: CopyMaster | None) -> dict[str, Any]:
    form = asked(request, master)
    params = form.params() | ({"uuid": str(master.uuid)} if master else {})
    master_id = master.pk if master else None
    page = follower_page(form.wanted(master_id), timezone.now())
    sections = follower_sections(request.user, params, risk_of(master_id), page, form)
    arguments = [master.uuid] if master else []
    return {
        "master": master,
        "form": form,
        "page": page,
        "most": MOST,
        "live": show(FOLLOWERS, request.user, params, sections),
        "may_act": may(request.user, Permission.INTERVENE),
        "query": form.query(page=None),
        "without_customer": form.query(customer=None, page=None),
        **addresses(str(master.uuid) if master else "", form.query()),
        "here": list_address(master),
        "csv": reverse(
            f"console:{'master_followers' if master else 'followers'}_csv", args=arguments
        ),
        "older": form.with_page(page.number + 1) if page.number < page.pages else "",
        "newer": form.with_page(page.number - 1) if page.number > 1 else "",
    }


def asked(request: StaffRequest, master: CopyMaster | None) -> FollowersFilter:
    """The list that the address asks for."""
    params = {"uuid": str(master.uuid)} if master else {}
    masters = None
    if master is None:
        known = masters_to_choose(request.GET.get("master", ""))
        masters = [(str(choice.uuid), choice.label) for choice in known]
    return FollowersFilter(request.GET, level=default_level(params), masters=masters)


def list_address(master: CopyMaster | None) -> str:
    """Where the list of these followers stands."""
    if master is None:
        return reverse("console:followers_at_risk")
    return reverse("console:master_followers", args=[master.uuid])


async def _stream(wanted: Wanted) -> AsyncIterator[str]:
    yield lines([HEADER])
    now = timezone.now()
    ids = await sync_to_async(follower_ids)(wanted)
    for start in range(0, len(ids), CHUNK):
        rows = await sync_to_async(follower_rows)(ids[start : start + CHUNK], now)
        yield lines(cells(row) for row in rows)
