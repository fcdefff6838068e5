"""Where staff can go; the pages of a module that is off are not shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template

from apps.accounts.roles import Permission
from apps.accounts.selectors import may, product_config
from apps.analytics.follower_list import risk_counts
from apps.common.navigation import NavItem, nav_item
from apps.console.live_alarms import open_count

register = template.Library()


@dataclass(frozen=True, slots=True)
class NavGroup:
    """Places that belong together, under one heading."""

    label: str
    items: tuple[NavItem, ...]


_TRADING = (
    ("Live", "console:live"),
    ("Masters", "console:masters"),
    ("Applications", "console:applications"),
    ("Outcomes", "console:outcomes"),
    ("Execution quality", "console:quality"),
)
_AT_RISK = ("Followers at risk", "console:followers_at_risk")
_GROUPS = (
    (
        "Risk",
        (
            ("Alarms", "console:alarms"),
            ("Drift", "console:drift"),
            ("Kill switch", "console:kill_switch"),
        ),
    ),
    ("People", (("Customers", "console:customers"), ("Staff", "console:staff"))),
    (
        "System",
        (
            ("Platforms", "console:platforms"),
            ("Operations", "console:operations"),
            ("Audit", "console:audit"),
        ),
    ),
    (
        "Settings",
        (
            ("Set-up", "console:setup"),
            ("Product Configs", "console:product"),
            ("Account groups", "console:groups"),
            ("House", "console:house"),
        ),
    ),
)


@register.simple_tag(takes_context=True)
def console_nav(context: dict[str, Any]) -> list[NavGroup]:
    request = context["request"]
    groups = list(_GROUPS)
    hidden = set() if may(request.user, Permission.MANAGE_STAFF) else {"console:staff"}
    waiting: dict[str, int] = {}
    if product_config().copy_trading_enabled:
        groups[0] = ("Risk", (_AT_RISK, *_GROUPS[0][1]))
        groups.insert(0, ("Trading", _TRADING))
        waiting = {_AT_RISK[1]: risk_counts().critical, "console:alarms": open_count()}
    else:
        hidden.add("console:alarms")
    return [
        NavGroup(
            label,
            tuple(
                nav_item(name, view, request.path, waiting.get(view, 0))
                for name, view in places
                if view not in hidden
            ),
        )
        for label, places in groups
    ]


@register.filter
def place(groups: list[NavGroup]) -> str:
    """The name of the page that is shown, for a menu that is folded away."""
    return next((item.label for group in groups for item in group.items if item.current), "Pages")
