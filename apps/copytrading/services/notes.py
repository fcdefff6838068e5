"""What an interrupted run goes on from: notes on the orders of a batch, kept with the batch.

A note is the link as its order makes it, and the numbers of the decision. Notes are written in
the hottest moment and read only after a crash, so they are in columns: what all orders have in
common stands once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from apps.common.columns import columns_of, dump_columns, load_rows
from apps.copytrading.domain.link import Link, LinkState
from apps.copytrading.domain.plan import Planned
from apps.trading.orders import Side


class Sent(NamedTuple):
    """An order that is committed, the link with it in flight, and its batch."""

    planned: Planned
    link: Link
    batch_id: int


class Note(NamedTuple):
    """What was noted of one order."""

    client_order_id: str
    event_id: int
    subscription_id: int
    link: Link
    numbers: dict[str, Any]


def dump_notes(made: Iterable[tuple[Planned, Link]]) -> str:
    """Notes on planned orders, each with its link with the order in flight."""
    groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for planned, link in made:
        numbers = planned.order.numbers
        head = (link.in_flight, planned.order.event.id, planned.row.subscription_id)
        groups[tuple(numbers)].append((*head, *link, *numbers.values()))
    texts = [
        [list(keys), dump_columns(columns_of(rows), len(rows))] for keys, rows in groups.items()
    ]
    return orjson.dumps(texts).decode()


def load_notes(text: str) -> list[Note]:
    """The notes that :func:`dump_notes` wrote."""
    return [
        Note(row[0], row[1], row[2], _link(row[_HEAD:_NUMBERS]), _numbers(keys, row[_NUMBERS:]))
        for keys, rows in orjson.loads(text)
        for row in load_rows(rows)
    ]


def _numbers(keys: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(keys, values, strict=True))


def _link(values: list[Any]) -> Link:
    for index in _DECIMALS:
        if values[index] is not None:
            values[index] = Decimal(values[index])
    link = Link(*values)
    return link._replace(side=Side(link.side), state=LinkState(link.state))


_HEAD = 3
_NUMBERS = _HEAD + len(Link._fields)
_DECIMALS = [
    Link._fields.index(name)
    for name in (
        "ratio", "master_units", "target", "held", "stop_loss", "take_profit", "master_price",
        "shown_sl", "shown_tp", "lost",
    )
]  # fmt: skip
