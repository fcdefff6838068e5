"""Masters to choose from: the list of those that are open to a customer, and some side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.analytics.list_offers import offers
from apps.analytics.listing import masters_chosen, masters_open_to
from apps.common.htmx import render_page
from apps.platforms.selectors import accounts_of
from apps.portal.access import SignedInRequest, copy_trading_page
from apps.portal.discover_card import actions, cards
from apps.portal.discover_cells import cells_of
from apps.portal.discover_compare import comparison
from apps.portal.discover_forms import COMPARED, DiscoverForm
from apps.portal.discover_rows import DiscoverRow, discover_rows

if TYPE_CHECKING:
    from apps.platforms.models import TradingAccount

#: Stands for any master in an address that is looked up once for all of them.
_ANY = UUID(int=0)


@require_safe
@copy_trading_page
def discover(request: SignedInRequest) -> HttpResponse:
    """All masters that the customer may follow, by filter, order and page; cards or a table."""
    if not request.htmx and _has_blanks(request):  # type: ignore[attr-defined]
        form, _ = _asked(request)
        return redirect(f"{request.path}?{form.query()}")
    form, account = _asked(request)
    today = timezone.now().date()
    page = masters_open_to(request.user, form.wanted(), today=today)
    period = form.period_chosen
    rows = discover_rows(page.entries, request.user, account, period=period, today=today)
    seen = {row.entry.uuid: row.entry.name for row in rows}
    others = [uuid for uuid in form.compared if uuid not in seen]
    names = seen | {m.uuid: m.name for m in masters_chosen(request.user, others)}
    form.compared = tuple(uuid for uuid in form.compared if uuid in names)
    toggled = [(row, form.toggled(row.entry.uuid)) for row in rows]
    context = {
        "form": form,
        "page": page,
        "rows": toggled,
        **_texts(form, toggled, _follow_url(account)),
        "period_words": form.period_words,
        "day": max((entry.day for entry in page.entries if entry.day), default=None),
        "compared": [(names[uuid], form.toggled(uuid)) for uuid in form.compared],
        "full": len(form.compared) >= COMPARED,
        "here": form.query(),
        "older": form.with_page(page.number + 1) if page.number < page.pages else "",
        "newer": form.with_page(page.number - 1) if page.number > 1 else "",
    }
    response = render_page(
        request, "portal/discover/list.html", context, fragments={"results": "results"}
    )
    if request.htmx:  # type: ignore[attr-defined]
        query = form.with_page(page.number)
        response.headers["HX-Push-Url"] = f"{request.path}?{query}" if query else request.path
    return response


def _texts(
    form: DiscoverForm, rows: Sequence[tuple[DiscoverRow, str]], follow_url: str
) -> dict[str, Any]:
    """Cards, or the lines of the table."""
    master_url = reverse("portal:discover_master", args=[_ANY])
    cells = [
        cells_of(
            row,
            master_url.replace(str(_ANY), str(row.entry.uuid)),
            toggle,
            on=row.entry.uuid in form.compared,
        )
        for row, toggle in rows
    ]
    if form.in_table:
        return {"lines": [(one, actions(one, follow_url)) for one in cells]}
    return {"cards": cards(cells, period=form.period_words, follow_url=follow_url)}


@require_safe
@copy_trading_page
def compare(request: SignedInRequest) -> HttpResponse:
    """Up to four masters on one chart and in one table, over a period."""
    form, account = _asked(request)
    today = timezone.now().date()
    entries = masters_chosen(request.user, form.compared)
    missing = len(form.compared) - len(entries)
    form.compared = tuple(entry.uuid for entry in entries)
    period = form.period_chosen
    rows = discover_rows(entries, request.user, account, period=period, today=today)
    context = {
        "form": form,
        "rows": [(row, form.toggled(row.entry.uuid)) for row in rows],
        "missing": missing,
        "follow_url": _follow_url(account),
        "periods": form.periods(),
        "room": COMPARED - len(rows),
        "here": form.query(),
        **comparison(rows, period=period, today=today),
    }
    return render_page(request, "portal/discover/compare.html", context)


def _asked(request: SignedInRequest) -> tuple[DiscoverForm, TradingAccount | None]:
    """What the address asks for, and the account of the customer's that it is asked for."""
    own = accounts_of(request.user).select_related(None).select_related("state")
    accounts = {str(account.uuid): account for account in own}
    first = next(iter(accounts), "")
    account = accounts.get(request.GET.get("account", ""), accounts.get(first))
    known = offers()
    form = DiscoverForm(
        request.GET,
        accounts=[(uuid, _label(account)) for uuid, account in accounts.items()],
        platforms=known.platforms,
        symbols=known.symbols,
        currency=account.currency if account else "USD",
    )
    return form, account


def _follow_url(account: TradingAccount | None) -> str:
    """Where a master is followed with this account; the master's uuid comes behind it."""
    chosen = f"account={account.uuid}&" if account else ""
    return f"{reverse('portal:follow')}?{chosen}master="


def _label(account: TradingAccount) -> str:
    return f"{account.name or account.login} · {account.currency}"


def _has_blanks(request: SignedInRequest) -> bool:
    """Whether the address has parts that say nothing, as a form that was sent has."""
    return any(not value for _, values in request.GET.lists() for value in values)
