"""The bell in the top bar: how many notifications are unread, on every page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.template.loader import render_to_string

from apps.common.live_pages import LivePage, Params, Section
from apps.notifications.selectors import bell_of


def _no_group(user: Any, params: Params) -> Iterable[str]:
    return ()


def _no_section(user: Any, params: Params) -> Iterable[Section]:
    return ()


#: For pages that show nothing else that is live.
BELL = LivePage("bell", lambda user, params: True, _no_group, _no_section, refresh_s=300.0)


def said_to(user: Any) -> str:
    """What the page says, so that its socket knows whether that still holds."""
    return str(bell_of(user))


def bell_swap(unread: int) -> str:
    """The message that brings a page's bell up to date."""
    return render_to_string("notifications/bell.html#count", {"unread": unread, "swap": True})
