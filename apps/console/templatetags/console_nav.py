"""Where staff can go; the pages of a module that is off are not shown."""

from __future__ import annotations

from typing import Any

from django import template

from apps.accounts.selectors import product_config
from apps.common.navigation import NavItem, nav_item

register = template.Library()


@register.simple_tag(takes_context=True)
def console_nav(context: dict[str, Any]) -> list[NavItem]:
    path = context["request"].path
    places = []
    if product_config().copy_trading_enabled:
        places = [
            ("Live", "console:live"),
            ("Masters", "console:masters"),
            ("Applications", "console:applications"),
            ("Outcomes", "console:outcomes"),
        ]
    places += [
        ("Drift", "console:drift"),
        ("Kill switch", "console:kill_switch"),
        ("Platforms", "console:platforms"),
        ("Product", "console:product"),
    ]
    return [nav_item(label, view, path) for label, view in places]
