"""Risk disclosure and terms: what holds, what was accepted when, and accepting it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.errors import TextOutdated
from apps.accounts.legal import accept_texts, legal_text, texts_of
from apps.portal.access import SignedInRequest


@require_http_methods(["GET", "POST"])
@login_required
def terms(request: SignedInRequest) -> HttpResponse:
    """Every text that holds or that this customer accepted; POST accepts the version shown."""
    if request.method == "POST":
        kind, version = request.POST.get("kind", ""), request.POST.get("version", "")
        try:
            accept_texts(actor=request.user, versions={kind: int(version)})
        except TextOutdated as refusal:
            messages.error(request, str(refusal))
        except ValueError:
            messages.error(request, "Nothing was accepted; choose one of the texts here.")
        else:
            messages.success(request, "Accepted. The date and the version stand here.")
        return redirect("portal:terms")
    return render(request, "portal/terms/list.html", {"texts": texts_of(request.user)})


@require_safe
@login_required
def text(request: SignedInRequest, kind: str, version: int) -> HttpResponse:
    """One version in full, whether it holds or not."""
    found = legal_text(kind, version)
    if found is None:
        raise Http404("There is no such text.")
    mine = [row for row in texts_of(request.user) if row.text.pk == found.pk]
    context = {"text": found, "accepted": mine[0] if mine else None}
    return render(request, "portal/terms/text.html", context)
