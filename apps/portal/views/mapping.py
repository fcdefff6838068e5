"""How the symbols of one's own copy are mapped to those of the account's platform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.common.htmx import posted, render_page
from apps.copytrading import api
from apps.copytrading.errors import InvalidPairs
from apps.copytrading.symbol_mapping import (
    MOST_BYTES,
    MappedSymbol,
    follower_symbols,
    mapping_of,
    sample_csv,
)
from apps.portal.access import SignedInRequest, copy_trading_page, own_copy
from apps.portal.forms import PairForm, UploadForm

if TYPE_CHECKING:
    from apps.copytrading.models import CopySubscription

#: Symbols on one page.
SHOWN = 100
#: Symbols that a field proposes; others can be typed.
OFFERED = 2_000
KINDS = [("name", "By name"), ("pair", "By pair"), ("none", "Not copied")]


@require_safe
@copy_trading_page
def mapping(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Every symbol of the master's platform and what it is copied to; searched and filtered."""
    return _page(request, own_copy(request.user, uuid), UploadForm())


@require_POST
@copy_trading_page
def upload_mapping(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Take the pairs of a file; where one line is wrong nothing is stored."""
    copy = own_copy(request.user, uuid)
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, copy, form, status=422)
    try:
        count = api.upload_symbol_pairs(
            actor=request.user,
            subscription=copy,
            content=form.cleaned_data["file"].read(MOST_BYTES + 1),
        )
    except InvalidPairs as refusal:
        return _page(request, copy, form, refusal.problems, status=422)
    messages.success(request, f"{count} pair{'' if count == 1 else 's'} stored.")
    return redirect("portal:mapping", uuid)


@require_safe
@copy_trading_page
def sample_mapping(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """A file with every symbol of the master's platform and its pair, or the guess."""
    response = HttpResponse(
        sample_csv(own_copy(request.user, uuid)), content_type="text/csv; charset=utf-8"
    )
    response.headers["Content-Disposition"] = 'attachment; filename="symbol-mapping.csv"'
    return response


@require_http_methods(["GET", "POST"])
@copy_trading_page
def remove_mapping(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Take all pairs away; GET says what that means."""
    copy = own_copy(request.user, uuid)
    if request.method == "POST":
        api.set_symbol_pairs(actor=request.user, subscription=copy, pairs={})
        messages.success(request, "All pairs are removed. Symbols are taken by name.")
        return redirect("portal:mapping", uuid)
    paired = [row for row in mapping_of(copy) if row.paired]
    return render_page(
        request,
        "portal/copying/remove_mapping.html",
        {"subscription": copy, "pairs": len(paired)},
        fragments={"dialog-body": "dialog"},
    )


@require_http_methods(["GET", "POST"])
@copy_trading_page
def change_pair(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Change how the master's symbol ``symbol`` is copied."""
    copy = own_copy(request.user, uuid)
    wanted = request.GET.get("symbol", "")
    row = next((r for r in mapping_of(copy) if r.master_symbol == wanted), None)
    if row is None:
        raise Http404("The master's platform has no such symbol.")
    form = PairForm(posted(request), initial=_standing(row), auto_id="pair_%s")
    if request.method == "POST" and form.is_valid():
        try:
            api.set_symbol_pair(
                actor=request.user,
                subscription=copy,
                master_symbol=row.master_symbol,
                follower_symbol=form.follower(),
            )
        except InvalidPairs as refusal:
            form.add_error("follower_symbol", refusal.problems[0][1])
        else:
            messages.success(request, f"{row.master_symbol} is changed.")
            return redirect("portal:mapping", uuid)
    offered = (row.choices or follower_symbols(copy))[:OFFERED]
    return render_page(
        request,
        "portal/copying/change_pair.html",
        {"subscription": copy, "row": row, "form": form, "offered": offered},
        fragments={"dialog-body": "dialog"},
        status=422 if form.errors else 200,
    )


def _standing(row: MappedSymbol) -> dict[str, str]:
    how = "name" if not row.paired else "pair" if row.follower_symbol else "none"
    return {"how": how, "follower_symbol": row.follower_symbol}


def _page(
    request: SignedInRequest,
    copy: CopySubscription,
    form: UploadForm,
    problems: Sequence[tuple[int, str]] = (),
    status: int = 200,
) -> HttpResponse:
    rows = mapping_of(copy)
    chosen = {"q": request.GET.get("q", "").strip(), "how": request.GET.get("how", "")}
    shown = [row for row in rows if _wanted(row, chosen["q"].upper(), chosen["how"])]
    context = {
        "subscription": copy,
        "form": form,
        "problems": problems,
        "counts": [(label, sum(1 for r in rows if r.how == kind)) for kind, label in KINDS],
        "kinds": KINDS,
        "chosen": chosen,
        "paired": any(row.paired for row in rows),
        "page": Paginator(shown, SHOWN).get_page(request.GET.get("page")),
        "total": len(rows),
    }
    return render(request, "portal/copying/mapping.html", context, status=status)


def _wanted(row: MappedSymbol, text: str, how: str) -> bool:
    if how in dict(KINDS) and row.how != how:
        return False
    return text in row.master_symbol.upper() or text in row.follower_symbol.upper()
