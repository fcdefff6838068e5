"""What stands around every page: whose it is, where to go, and the menu of whoever reads it.

Written without a template as the components of ``components.py``: each page has all of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest
from django.urls import reverse

from apps.common.components import Given, Write
from apps.common.markup import escaped
from apps.common.navigation import address

_MARK = (
    '<svg class="brand-mark" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
    'stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" '
    'focusable="false"><path d="M9.4 5.6V4.5a2.6 2.6 0 0 1 5.2 0v1.1" />'
    '<path d="M8 5.8h8a1.4 1.4 0 0 1 1.37 1.1l2.3 10.5a1.2 1.2 0 0 1-1.17 1.45h-13a1.2 1.2 0 0 '
    '1-1.17-1.45l2.3-10.5A1.4 1.4 0 0 1 8 5.8Z" /><path d="m8.3 14.6 2.5-2.9 2.2 1.5 2.8-3.5" />'
    '<circle cx="12" cy="21.3" r="1.7" fill="currentColor" stroke="none" /></svg>'
)
_THEMES = (("auto", "System"), ("light", "Light"), ("dark", "Dark"))
_PLACES = (
    ("portal:security", "Security"),
    ("portal:notification_settings", "Notification settings"),
    ("account_email", "E-mail addresses"),
    ("portal:terms", "Terms"),
)


def brand(given: Given, slot: str) -> str:
    """Logo and name of the ``house``, and of an ``area`` of the product."""
    house = given.get("house")
    name, logo = getattr(house, "name", ""), getattr(house, "logo_mark", "")
    mark = _MARK
    if logo:
        source = reverse("portal:house_logo", args=[logo])
        mark = f'<img class="brand-logo" src="{source}" alt="">'
    area = given.get("area")
    where = f'<span class="brand-area">{escaped(area)}</span>' if area else ""
    return (
        f'<a class="brand" href="{address("portal:home")}">{mark}'
        f'<span class="brand-name">{escaped(name or "Bellwether")}</span>{where}</a>'
    )


def nav(given: Given, slot: str) -> str:
    """The places of ``items`` as a bar with a ``label``."""
    links = "".join(
        f'<li><a href="{item.url}"{_CURRENT if item.current else ""}>{escaped(item.label)}</a></li>'
        for item in given.get("items") or ()
    )
    label = escaped(given.get("label") or "Main")
    return f'<nav class="mainnav" aria-label="{label}"><ul>{links}</ul></nav>'


_CURRENT = ' aria-current="page"'


def account_menu(given: Given, slot: str) -> str:
    """What the reader of a ``request`` sets for all pages; its forms carry the ``token``."""
    request: HttpRequest = given["request"]
    email = escaped(address_of := getattr(request.user, "email", ""))
    token = f'<input type="hidden" name="csrfmiddlewaretoken" value="{escaped(given["token"])}">'
    links = "".join(f'<a href="{address(view)}">{label}</a>' for view, label in _PLACES)
    return (
        '<details class="menu" data-menu><summary><span class="menu-initials" aria-hidden="true">'
        f'{escaped(address_of[:2].upper())}</span><span class="menu-name">Account'
        f'</span><span class="visually-hidden"> menu for {email}</span></summary>'
        f'<div class="menu-panel"><p>{email}</p>{_theme_form(request, token)}{links}'
        f'<form method="post" action="{address("account_logout")}">{token}'
        '<button class="menu-item">Sign out</button></form></div></details>'
    )


def _theme_form(request: HttpRequest, token: str) -> str:
    chosen = request.COOKIES.get("theme") or "auto"
    buttons = "".join(
        f'<button name="theme" value="{theme}" '
        f'aria-pressed="{"true" if theme == chosen else "false"}">{label}</button>'
        for theme, label in _THEMES
    )
    return (
        f'<form method="post" action="{address("portal:theme")}" data-theme-form>{token}'
        f'<input type="hidden" name="next" value="{escaped(request.get_full_path())}">'
        f'<div class="segments" role="group" aria-label="Theme">{buttons}</div></form>'
    )


#: By the name in a template.
WRITTEN: Mapping[str, Write] = {
    "ui.brand": brand,
    "ui.nav": nav,
    "ui.account_menu": account_menu,
}
