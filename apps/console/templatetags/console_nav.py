"""Where staff can go; the pages of a module that is off are not shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe

from apps.accounts.roles import Permission
from apps.accounts.selectors import may, product_config
from apps.analytics.follower_list import risk_counts
from apps.common.markup import escaped
from apps.common.navigation import NavItem, nav_item
from apps.console.live_alarms import open_count

register = template.Library()


@dataclass(frozen=True, slots=True)
class NavGroup:
    """Places that belong together, under one heading."""

    label: str
    items: tuple[NavItem, ...]


@dataclass(frozen=True, slots=True)
class Desk:
    """The links of the console, which stand twice in a page, and the place that is shown."""

    links: SafeString
    place: str


_TRADING = (
    ("Live", "console:live"),
    ("Master Traders", "console:masters"),
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
def console_nav(context: dict[str, Any]) -> Desk:
    """Written here rather than by a template, which would cost a tenth of a small page."""
    groups = list(_groups(context["request"]))
    shown = (item.label for group in groups for item in group.items if item.current)
    return Desk(mark_safe("".join(map(_group, groups))), next(shown, "Pages"))


def _groups(request: Any) -> Iterator[NavGroup]:
    groups: list[tuple[str, Iterable[tuple[str, str]]]] = list(_GROUPS)
    hidden = set() if may(request.user, Permission.MANAGE_STAFF) else {"console:staff"}
    waiting: dict[str, int] = {}
    if product_config().copy_trading_enabled:
        groups[0] = ("Risk", (_AT_RISK, *_GROUPS[0][1]))
        groups.insert(0, ("Trading", _TRADING))
        waiting = {_AT_RISK[1]: risk_counts().critical, "console:alarms": open_count()}
    else:
        hidden.add("console:alarms")
    for label, places in groups:
        yield NavGroup(
            label,
            tuple(
                nav_item(name, view, request.path, waiting.get(view, 0))
                for name, view in places
                if view not in hidden
            ),
        )


def _group(group: NavGroup) -> str:
    items = "".join(map(_item, group.items))
    return f'<p class="desk-group">{escaped(group.label)}</p><ul>{items}</ul>'


def _item(item: NavItem) -> str:
    current = ' aria-current="page"' if item.current else ""
    waiting = (
        f'<span class="badge badge-bad desk-count">{item.waiting}'
        '<span class="visually-hidden"> waiting</span></span>'
        if item.waiting
        else ""
    )
    return f'<li><a href="{item.url}"{current}>{escaped(item.label)}{waiting}</a></li>'
