"""Pausing, resuming and stopping followers: one, those that are chosen, or all that a list shows.

What is done is done to those that the dialog spoke of: it carries them, signed, so that a list
that has changed meanwhile changes nobody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core import signing
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from apps.accounts.roles import Permission
from apps.analytics.follower_list import follower_ids
from apps.common.htmx import posted, render_page
from apps.console.access import StaffRequest, staff_page
from apps.console.follower_forms import PauseForm, StopForm
from apps.console.master_frame import master_or_404
from apps.console.views.followers import asked, list_address
from apps.copytrading.errors import CopyError, NotFound
from apps.copytrading.interventions import (
    MOST,
    Action,
    Done,
    Intervention,
    copies_among,
    intervene,
    preview,
)

if TYPE_CHECKING:
    from apps.copytrading.models import CopyMaster

_SALT = "console.followers"
#: A dialog that has stood longer than so many seconds is asked for again.
_AGE_S = 900
_DONE = {Action.PAUSE: "paused", Action.RESUME: "resumed", Action.STOP: "stopped"}


@require_http_methods(["GET", "POST"])
@staff_page(Permission.INTERVENE, copy_trading=True)
def change(request: StaffRequest, action: str, uuid: UUID | None = None) -> HttpResponse:
    """GET says what it means, in money; POST does it. ``id`` names copies, ``all`` takes the list
    that the rest of the address asks for; of one master where ``uuid`` names it."""
    if action not in set(Action):
        raise Http404("There is no such action.")
    master = master_or_404(uuid) if uuid else None
    if request.method == "POST":
        return _act(request, Action(action), master)
    ids = _chosen(request, master)
    return _dialog(request, Action(action), master, ids, None)


def _dialog(
    request: StaffRequest,
    action: Action,
    master: CopyMaster | None,
    ids: Sequence[int],
    form: forms.Form | None,
) -> HttpResponse:
    told: Intervention | None = None
    too_many = len(ids) > MOST
    if ids and not too_many:
        try:
            told = preview(action, ids)
        except NotFound as missing:
            raise Http404(str(missing)) from None
    if form is None:
        form = _form(action)(initial={"chosen": _signed(request, action, ids)}, auto_id="do_%s")
    asks = action is Action.STOP and told is not None and bool(told.open_positions or told.resting)
    context = {
        "action": action.value,
        "told": told,
        "too_many": too_many,
        "most": MOST,
        "asks": asks,
        "closes_only": asks and told is not None and not told.changes,
        "form": form,
        "back": _back(request, master),
        "query": asked(request, master).query(),
    }
    return render_page(
        request,
        "console/followers/change.html",
        context,
        fragments={"dialog-body": "dialog"},
        status=422 if form.errors else 200,
    )


def _act(request: StaffRequest, action: Action, master: CopyMaster | None) -> HttpResponse:
    data = posted(request)
    assert data is not None
    ids = _unsigned(request, action, data.get("chosen", ""))
    if ids is None:
        messages.error(request, "This dialog is too old. Look again at what it would do now.")
        return redirect(_back(request, master))
    form = _form(action)(data, auto_id="do_%s")
    if not form.is_valid():
        return _dialog(request, action, master, ids, form)
    try:
        done = intervene(
            actor=request.user,
            action=action,
            subscription_ids=ids,
            reason=form.cleaned_data["reason"],
            close_positions=bool(form.cleaned_data.get("close_positions")),
        )
    except CopyError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _told(action, done))
    return redirect(_back(request, master))


def _told(action: Action, done: Done) -> str:
    copies = f"{done.changed:,} cop{'y' if done.changed == 1 else 'ies'}"
    said = f"{copies} {'is' if done.changed == 1 else 'are'} {_DONE[action]}."
    if done.withheld:
        said += f" {done.withheld:,} stay paused: copying is not permitted to their owners."
    if done.closing:
        said += f" Positions of {done.closing:,} are being closed at market."
    if done.later:
        said += " With so many masters that takes a little while."
    return said


def _chosen(request: StaffRequest, master: CopyMaster | None) -> list[int]:
    """Ids of copies that are asked for, those of the master alone where one is given."""
    master_id = master.pk if master else None
    if request.GET.get("all"):
        return follower_ids(asked(request, master).wanted(master_id), MOST + 1)
    texts = request.GET.getlist("id")[: MOST + 1]
    ids = {int(text) for text in texts if text.isdecimal() and len(text) < 19}
    found = copies_among(sorted(ids), master_id)
    if ids and not found:
        raise Http404("There is no such copy.")
    return found


def _form(action: Action) -> type[PauseForm]:
    return StopForm if action is Action.STOP else PauseForm


def _signed(request: StaffRequest, action: Action, ids: Sequence[int]) -> str:
    return signing.dumps([request.user.pk, action.value, *ids], salt=_SALT, compress=True)


def _unsigned(request: StaffRequest, action: Action, text: str) -> list[int] | None:
    """The copies of a dialog; None for one that is too old, or is not this person's."""
    try:
        person, what, *ids = signing.loads(text, salt=_SALT, max_age=_AGE_S)
    except (signing.BadSignature, ValueError):
        return None
    return ids if (person, what) == (request.user.pk, action.value) else None


def _back(request: StaffRequest, master: CopyMaster | None) -> str:
    query = asked(request, master).query()
    return f"{list_address(master)}?{query}" if query else list_address(master)
