"""Where a customer can go; what the product's configuration switches off is not shown."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings

from apps.accounts.selectors import is_staff_member, product_config
from apps.common.navigation import NavItem, nav_item

register = template.Library()


@register.simple_tag(takes_context=True)
def portal_nav(context: dict[str, Any]) -> list[NavItem]:
    request = context["request"]
    if not request.user.is_authenticated:
        return []
    places = []
    if product_config().copy_trading_enabled:
        places.append(("My copying", "portal:copying"))
    places.append(("Accounts", "portal:accounts"))
    if is_staff_member(request.user):
        places.append(("Desk", "console:home"))
    return [nav_item(label, view, request.path) for label, view in places]


@register.simple_tag
def signup_is_open() -> bool:
    return bool(settings.SIGNUP_OPEN)
