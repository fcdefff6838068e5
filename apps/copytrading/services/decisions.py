"""Storing decisions: that one order was sent for (master event, subscription, leg), and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from apps.copytrading.services import sql
from apps.copytrading.services.notes import Sent


class Decision(NamedTuple):
    """A row of :class:`apps.copytrading.models.Decision`, in the order of ``_COPY``."""

    event_id: int
    subscription_id: int
    leg: str
    master_account_id: int
    account_id: int
    position_key: str
    client_order_id: str
    batch_id: int
    units: Decimal | str
    numbers: str
    decided_at: datetime


_COPY = f"COPY copytrading_decision ({', '.join(Decision._fields)}) FROM STDIN"


def decisions_of(master_account_id: int, sent: Iterable[Sent], now: datetime) -> Iterable[Decision]:
    """The decisions behind orders that were committed."""
    for (row, order, _), link, batch_id in sent:
        yield Decision(
            order.event.id, row.subscription_id, order.leg.value, master_account_id,
            row.account_id, link.position_key, link.in_flight, batch_id, order.units,
            numbers_text(order.numbers), now,
        )  # fmt: skip


def store_decisions(decisions: Sequence[Decision]) -> None:
    """Insert decisions in the running transaction. IntegrityError where one is there already."""
    if decisions:
        sql.copy_in(_COPY, decisions)


def numbers_text(numbers: Mapping[str, Any]) -> str:
    """Numbers of a decision as they are stored."""
    return orjson.dumps(numbers).decode()
