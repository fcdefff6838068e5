"""What the forms of a copy would do as they are filled in: in sentences, and on paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from apps.analytics.selectors import money_at
from apps.copytrading.errors import InvalidSettings
from apps.copytrading.rehearsals import Rehearsed
from apps.copytrading.settings_preview import Preview, warnings_of
from apps.portal.copy_forms import CopySettingsForm

if TYPE_CHECKING:
    from apps.copytrading.models import CopySubscription

SUMMARY = "portal/copying/summary.html"
REHEARSAL = "portal/copying/rehearsal.html"


def settings_of(form: CopySettingsForm) -> dict[str, Any] | None:
    """The settings as they are filled in, or as they are shown first; None where one is wrong."""
    if form.is_bound:
        return form.settings() if form.is_valid() else None
    fields = CopySettingsForm.base_fields
    return {name: form.get_initial_for_field(field, name) for name, field in fields.items()}


def rehearsed(
    form: CopySettingsForm, rehearse: Callable[..., Rehearsed], *subject: Any
) -> Rehearsed | None:
    """What ``rehearse`` makes of the form, or why nothing; None where a field is wrong."""
    settings = settings_of(form)
    if settings is None:
        return None
    try:
        return rehearse(*subject, settings, money_at=money_at, now=timezone.now())
    except InvalidSettings as wrong:
        return Rehearsed(currency="", problem=str(wrong))


def summary_fragment(
    request: HttpRequest, form: CopySettingsForm, preview: Preview | None
) -> HttpResponse:
    return render(request, SUMMARY, {"preview": preview, "form": form})


def rehearsal_fragment(
    request: HttpRequest, form: CopySettingsForm, rehearsal: Rehearsed | None
) -> HttpResponse:
    return render(request, REHEARSAL, {"rehearsal": rehearsal, "form": form})


def tell(request: HttpRequest, copy: CopySubscription, done: str) -> None:
    """Say what was done, and what its owner should know before it surprises."""
    messages.success(request, done)
    for warning in warnings_of(copy):
        messages.warning(request, warning)
