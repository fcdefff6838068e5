"""Entries of a navigation bar."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse


@dataclass(frozen=True, slots=True)
class NavItem:
    """One place to go; ``current`` is where the reader is, or is below.

    ``waiting`` is how many things wait there for somebody.
    """

    label: str
    url: str
    current: bool
    waiting: int = 0


def nav_item(label: str, view_name: str, path: str, waiting: int = 0) -> NavItem:
    url = reverse(view_name)
    return NavItem(label, url, path.startswith(url), waiting)
