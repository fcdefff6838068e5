"""Dialogs that say what an action will do, ask why, and do it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect

from apps.accounts.errors import AccountsError
from apps.common.htmx import posted, render_page
from apps.console.access import StaffRequest
from apps.console.forms import ReasonForm
from apps.copytrading.errors import CopyError


@dataclass(frozen=True, slots=True)
class Asked:
    """What the dialog says: ``title`` without its question mark, what will happen, where it
    leads back to; ``then``: where it leads when it is done, if elsewhere."""

    title: str
    lines: Sequence[str]
    button: str
    back: str
    danger: bool = False
    then: str = ""


def confirm(
    request: StaffRequest,
    asked: Asked,
    act: Callable[[forms.Form], str],
    form_class: type[forms.Form] = ReasonForm,
    **options: Any,
) -> HttpResponse:
    """GET shows the dialog; POST acts when the form is right and tells what ``act`` answers.

    A refusal of the services is told in its own words above what was entered, and nothing was
    done.
    """
    form = form_class(posted(request), auto_id="confirm_%s", **options)
    if request.method == "POST" and form.is_valid():
        try:
            messages.success(request, act(form))
            return redirect(asked.then or asked.back)
        except (AccountsError, CopyError, ValueError) as refusal:
            form.add_error(None, str(refusal))
    context = {
        "title": asked.title,
        "fills": [field.name for field in form.visible_fields()] != ["reason"],
        "lines": asked.lines,
        "button": asked.button,
        "back": asked.back,
        "danger": asked.danger,
        "form": form,
    }
    return render_page(
        request,
        "console/confirm.html",
        context,
        fragments={"dialog-body": "dialog"},
        status=422 if form.errors else 200,
    )
