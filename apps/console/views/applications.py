"""Applications of customers to be public masters: a queue with the rules beside the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.roles import Permission
from apps.accounts.selectors import may
from apps.analytics.domain.qualification import Check, qualifies
from apps.analytics.qualifying import qualification_of
from apps.analytics.selectors import ImportedSpan, imported_spans
from apps.common.htmx import posted, render_page
from apps.console.access import StaffRequest, staff_page
from apps.console.forms import ReasonForm
from apps.copytrading import api
from apps.copytrading.errors import CopyError
from apps.copytrading.profiles import applicant, applications, applications_waiting, pictures_of

if TYPE_CHECKING:
    from apps.copytrading.models import CopyMaster

SHOWN = 10


class Application(NamedTuple):
    """A master that waits, with the rules beside its account's figures."""

    master: CopyMaster
    checks: tuple[Check, ...]
    qualified: bool
    imported: ImportedSpan | None
    picture: str


@require_safe
@staff_page(copy_trading=True)
def application_list(request: StaffRequest) -> HttpResponse:
    """Who waits for a decision, longest first; the first twenty."""
    context = {
        "applications": _with_figures(applications(SHOWN)),
        "count": applications_waiting(),
        "may_decide": may(request.user, Permission.DECIDE_APPLICATIONS),
    }
    return render(request, "console/applications.html", context)


@require_http_methods(["GET", "POST"])
@staff_page(Permission.DECIDE_APPLICATIONS, copy_trading=True)
def decide(request: StaffRequest, uuid: UUID, decision: str) -> HttpResponse:
    """Approve or reject: GET shows the figures once more, POST does it with a reason."""
    master = applicant(uuid)
    if master is None or decision not in ("approve", "reject"):
        raise Http404("There is no such application; it may have been decided already.")
    form = ReasonForm(posted(request), auto_id="decide_%s")
    form.fields["reason"].help_text = "The applicant reads it; it is kept in the audit trail."
    if request.method == "POST" and form.is_valid():
        approve = decision == "approve"
        try:
            api.decide_application(
                actor=request.user,
                master=master,
                approve=approve,
                reason=form.cleaned_data["reason"],
            )
        except CopyError as refusal:
            messages.error(request, str(refusal))
        else:
            done = "approved" if approve else "rejected"
            messages.success(request, f"{master.strategy_name} is {done}.")
        return redirect("console:applications")
    context = {"row": _with_figures([master])[0], "decision": decision, "form": form}
    return render_page(
        request,
        "console/decide_application.html",
        context,
        fragments={"dialog-body": "dialog"},
        status=422 if form.errors else 200,
    )


def _with_figures(masters: list[CopyMaster]) -> list[Application]:
    """Rules, imported history and pictures of all of them, six queries for any number."""
    found = qualification_of([master.account for master in masters])
    spans = imported_spans([master.account_id for master in masters])
    pictures = pictures_of([master.pk for master in masters])
    return [
        Application(
            master,
            found[master.account_id],
            qualifies(found[master.account_id]),
            spans.get(master.account_id),
            pictures.get(master.pk, ""),
        )
        for master in masters
    ]
