"""The venue's own books, read over its admin channel: what really happened there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from apps.benchmarks.rig import Rig
from apps.demo.venue import ask

Books = Mapping[int, Mapping[str, Any]]


def read_books(rig: Rig) -> Books:
    """The books of every account by the venue's account id."""
    return {book["account"]: book for book in ask(rig.admin_port, "books")["books"]}


def filled_orders(books: Books) -> dict[int, list[str]]:
    """Ids of the market orders that were filled, by account.

    An opening order carries the id that its sender gave it. A close by position has none on
    this protocol; it is known by the venue's own number.
    """
    return {
        account: [
            order["client_order_id"] or f"#{order['order_id']}" for order in _filled(book["orders"])
        ]
        for account, book in books.items()
    }


def _filled(orders: Sequence[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    return (
        order
        for order in orders
        if order["type"] == "market" and Decimal(order["executed_units"]) > 0
    )
