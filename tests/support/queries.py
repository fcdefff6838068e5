"""Counting the queries of a page."""

from __future__ import annotations

from contextlib import ExitStack
from math import inf
from unittest import mock

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts import house, selectors
from apps.execution import kill_switch

#: What is read once a second for all pages, however long one of them takes on a busy machine.
_KEPT = (
    (selectors, "_CONFIG_AGE_S"),
    (house, "_AGE_S"),
    (kill_switch, "_KNOWN_AGE_S"),
)


def queries(client: Client, address: str) -> int:
    """Queries of a page, without those for what is read once a second for all of them."""
    with ExitStack() as held:
        for module, name in _KEPT:
            held.enter_context(mock.patch.object(module, name, inf))
        return min(_once(client, address) for _ in range(2))


def _once(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)
