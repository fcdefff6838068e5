"""Where a customer can go; what the product's configuration switches off is not shown."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings

from apps.accounts.selectors import is_staff_member, product_config
from apps.common.navigation import NavItem, nav_item
from apps.copytrading.selectors import owns_master
from apps.execution.kill_switch import KillScope, KillState, known_kill_switches
from apps.platforms.registry import CATALOGUE
from apps.platforms.selectors import accounts_of

register = template.Library()


@register.simple_tag(takes_context=True)
def portal_nav(context: dict[str, Any]) -> list[NavItem]:
    """Places of the top bar; ``owns_master`` spares a query where the page knows it already."""
    request = context["request"]
    if not request.user.is_authenticated:
        return []
    places = []
    if product_config().copy_trading_enabled:
        places.append(("Discover", "portal:discover"))
        places.append(("My copying", "portal:copying"))
        leads = context.get("owns_master")
        if owns_master(request.user) if leads is None else leads:
            places.append(("My masters", "portal:masters"))
    places.append(("Accounts", "portal:accounts"))
    if is_staff_member(request.user):
        places.append(("Desk", "console:home"))
    return [nav_item(label, view, request.path) for label, view in places]


@register.simple_tag(takes_context=True)
def halt_notices(context: dict[str, Any]) -> list[str]:
    """What staff hold back on the customer's accounts now, calmly; without their reasons."""
    user = context["request"].user
    if not user.is_authenticated or not (switches := known_kill_switches()):
        return []
    accounts = {str(account.pk): account for account in accounts_of(user)}
    platforms = {account.platform for account in accounts.values()}
    notices: dict[str, None] = {}
    for switch in switches:
        if switch.scope is KillScope.GLOBAL:
            notices[_HALTS[switch.state].format("")] = None
        elif switch.scope is KillScope.PLATFORM and switch.key in platforms:
            name = CATALOGUE[switch.key].name if switch.key in CATALOGUE else switch.key
            notices[_HALTS[switch.state].format(f" on {name}")] = None
        elif switch.scope is KillScope.ACCOUNT and switch.key in accounts:
            login = accounts[switch.key].login
            notices[_HALTS[switch.state].format(f" on account {login}")] = None
    return list(notices)


_HALTS = {
    KillState.REDUCING: (
        "Nothing new is opened{} at the moment. Closes and stop changes go through as always."
    ),
    KillState.HALTED: (
        "Trading{} is halted at the moment. Positions stay as they are, with their stops on the "
        "platform; closes leave as soon as our staff release them."
    ),
}


@register.simple_tag
def signup_is_open() -> bool:
    return bool(settings.SIGNUP_OPEN)
