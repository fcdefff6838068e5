"""Entries of a navigation bar."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse


@dataclass(frozen=True, slots=True)
class NavItem:
    """One place to go; ``current`` is where the reader is, or is below."""

    label: str
    url: str
    current: bool


def nav_item(label: str, view_name: str, path: str) -> NavItem:
    url = reverse(view_name)
    return NavItem(label, url, path.startswith(url))
