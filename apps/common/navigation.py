"""Entries of a navigation bar."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.urls import get_script_prefix, reverse


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
    url = address(view_name)
    return NavItem(label, url, path.startswith(url), waiting)


def address(view_name: str) -> str:
    """The address of a view without arguments."""
    return _address(view_name, get_script_prefix())


@cache
def _address(view_name: str, prefix: str) -> str:
    """The address of a view without arguments, which every page asks for again."""
    del prefix  # part of the address
    return reverse(view_name)
