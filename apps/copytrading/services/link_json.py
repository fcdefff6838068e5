"""A link as JSON inside a decision, to resume an interrupted run from."""

from __future__ import annotations

from decimal import Decimal

import orjson

from apps.copytrading.domain.link import Link, LinkState
from apps.trading.orders import Side


def dump_link(link: Link) -> str:
    """The link as a JSON list in the order of its fields."""
    values: list[object] = list(link)
    for index in _DECIMALS:
        if values[index] is not None:
            values[index] = str(values[index])
    return orjson.dumps(values).decode()


def load_link(text: str) -> Link:
    """The link that :func:`dump_link` wrote."""
    values = orjson.loads(text)
    for index in _DECIMALS:
        if values[index] is not None:
            values[index] = Decimal(values[index])
    link = Link(*values)
    return link._replace(side=Side(link.side), state=LinkState(link.state))


_DECIMALS = [
    Link._fields.index(name)
    for name in (
        "ratio", "master_units", "target", "held", "stop_loss", "take_profit", "master_price",
        "shown_sl", "shown_tp",
    )
]  # fmt: skip
