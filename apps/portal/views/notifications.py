"""What the customer was told, by which channels, and what of it they want to hear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.common.htmx import posted
from apps.notifications import addresses, api
from apps.notifications.domain.kinds import kind_choices
from apps.notifications.errors import AddressRefused, NotificationError
from apps.notifications.selectors import (
    channel_of,
    channels_of,
    choices_of,
    failing_channels,
    kinds_to_choose,
    notice_of,
    notices_of,
)
from apps.portal.access import SignedInRequest

if TYPE_CHECKING:
    from apps.notifications.models import Channel

_PAGE = 25
_KINDS = dict(kind_choices())


@require_safe
@login_required
def notices(request: SignedInRequest) -> HttpResponse:
    """The list, newest first; by kind, or only what is unread."""
    kind = request.GET.get("kind", "")
    kind = kind if kind in _KINDS else ""
    unread_only = request.GET.get("show") == "unread"
    below = request.GET.get("below", "")
    page = notices_of(
        request.user,
        kind=kind,
        unread_only=unread_only,
        below=int(below) if below.isdigit() and len(below) < 19 else None,
        limit=_PAGE,
    )
    asked = (("kind", kind), ("show", "unread" if unread_only else ""))
    chosen = {name: value for name, value in asked if value}
    context = {
        "page": page,
        "kinds": kinds_to_choose(request.user),
        "kind": kind,
        "unread_only": unread_only,
        "filtered": bool(chosen),
        "failing": failing_channels(request.user),
        "newest": f"?{urlencode(chosen)}" if below else "",
        "older": f"?{urlencode({**chosen, 'below': page.older})}" if page.older else "",
        "here": request.get_full_path(),
    }
    return render(request, "portal/notifications/list.html", context)


@require_safe
@login_required
def notice(request: SignedInRequest, pk: int) -> HttpResponse:
    """Read one: it counts as read, and the page that it is about opens."""
    found = notice_of(request.user, pk)
    if found is None:
        raise Http404("No such notification.")
    api.mark_read(user=request.user, ids=[pk])
    return redirect(found.link or reverse("portal:notifications"))


@require_POST
@login_required
def read(request: SignedInRequest) -> HttpResponse:
    """Mark one as read, or all (of a kind)."""
    one, kind = request.POST.get("id", ""), request.POST.get("kind", "")
    ids = [int(one)] if one.isdigit() and len(one) < 19 else None
    if ids is None and "all" not in request.POST:
        raise Http404("Nothing was named.")
    api.mark_read(user=request.user, ids=ids, kind=kind if kind in _KINDS else "")
    show = "?show=unread" if request.POST.get("show") == "unread" else ""
    return redirect(f"{reverse('portal:notifications')}{show}")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def settings(request: SignedInRequest) -> HttpResponse:
    """Every kind with a box for the page and for each channel; channels above."""
    if request.method == "POST":
        ticked = {name for name in request.POST if ":" in name}
        api.choose(user=request.user, ticked=ticked)
        messages.success(request, "Saved. It holds for what happens from now on.")
        return redirect("portal:notification_settings")
    api.ensure_email_channel(user=request.user)
    channels = channels_of(request.user)
    context = {
        "channels": channels,
        "choices": choices_of(request.user, channels),
        "room": len(channels) < api.MOST_CHANNELS,
    }
    return render(request, "portal/notifications/settings.html", context)


class ChannelForm(forms.Form):
    """An apprise address; what it may be is judged by :mod:`apps.notifications.addresses`."""

    address = forms.CharField(
        label="Address",
        max_length=500,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "Enter the address of the channel."},
        help_text="It holds the keys to your bot or chat: it is stored encrypted and never shown "
        "again.",
    )
    name = forms.CharField(
        label="Name",
        max_length=40,
        required=False,
        help_text="What you call it; the service's name if you leave it empty.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def add_channel(request: SignedInRequest) -> HttpResponse:
    """Add a channel by its apprise address, and send a first message at once."""
    form = ChannelForm(posted(request))
    if request.method == "POST" and form.is_valid():
        try:
            channel = api.add_channel(user=request.user, **form.cleaned_data)
        except NotificationError as refused:
            field = "address" if isinstance(refused, AddressRefused) else "name"
            form.add_error(field, str(refused))
        else:
            _try(request, channel)
            return redirect("portal:notification_settings")
    context = {"form": form, "services": _examples()}
    status = 422 if form.is_bound else 200
    return render(request, "portal/notifications/add_channel.html", context, status=status)


def _examples() -> list[dict[str, Any]]:
    services = {service.name: service.example for service in addresses.SERVICES.values()}
    return [{"name": name, "example": example} for name, example in services.items()]


@require_POST
@login_required
def test_channel(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Send a message by the channel now, and say whether it arrived."""
    _try(request, _own_channel(request, uuid))
    return redirect("portal:notification_settings")


def _try(request: SignedInRequest, channel: Channel) -> None:
    try:
        api.send_test(user=request.user, channel=channel)
    except NotificationError as error:
        messages.error(request, f"{channel.name}: {error}")
    else:
        messages.success(request, f"{channel.name}: the message was sent; look whether it arrived.")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def remove_channel(request: SignedInRequest, uuid: UUID) -> HttpResponse:
    """Ask, then forget the channel with its address."""
    channel = _own_channel(request, uuid)
    if channel.is_email:
        raise Http404("The channel to the sign-in's address stays.")
    if request.method == "POST":
        api.remove_channel(user=request.user, channel=channel)
        messages.success(request, f"{channel.name} was removed; its address is deleted.")
        return redirect("portal:notification_settings")
    return render(request, "portal/notifications/remove_channel.html", {"channel": channel})


def _own_channel(request: SignedInRequest, uuid: UUID) -> Channel:
    channel = channel_of(request.user, uuid)
    if channel is None:
        raise Http404("No such channel.")
    return channel
