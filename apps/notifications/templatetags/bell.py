"""What the top bar asks of notifications."""

from __future__ import annotations

from typing import Any

from django import template

from apps.notifications.selectors import bell_of

register = template.Library()


@register.simple_tag(takes_context=True)
def unread(context: dict[str, Any]) -> int:
    """How many notifications the reader of this page has not read."""
    user = context["request"].user
    return bell_of(user) if user.is_authenticated else 0
