"""Counting the queries of a page."""

from __future__ import annotations

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext


def queries(client: Client, address: str) -> int:
    """Queries of a page, without those for what is read once a second for all of them."""
    return min(_once(client, address) for _ in range(3))


def _once(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)
