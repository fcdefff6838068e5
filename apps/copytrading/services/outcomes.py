"""Writing outcomes: once for each event and subscription, when it is final."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any

import orjson

from apps.common.database import ids_array
from apps.common.events import publish
from apps.copytrading.domain.codes import CHOSEN, OutcomeState
from apps.copytrading.domain.conclude import Conclusion, slippage
from apps.copytrading.domain.events import MasterEvent
from apps.copytrading.domain.link import Link
from apps.copytrading.domain.plan import Ended
from apps.copytrading.services import sql
from apps.execution.selectors import OrderResult
from apps.trading.orders import Leg, Side

_COLUMNS = (
    "event_id", "subscription_id", "master_account_id", "account_id", "link_id", "position_key",
    "event_kind", "symbol", "state", "code", "message", "client_order_id", "trace_id", "side",
    "units", "filled_units", "lot_units", "master_price", "fill_price", "slippage",
    "slippage_money", "numbers", "master_deal_at", "received_at", "planned_at", "sent_at",
    "accepted_at", "filled_at", "final_at",
)  # fmt: skip

_COPY = f"COPY copytrading_outcome ({', '.join(_COLUMNS)}) FROM STDIN"

_THERE = """
    SELECT o.event_id, o.subscription_id FROM copytrading_outcome o
    JOIN unnest(%s::bigint[], %s::bigint[]) AS w (event_id, subscription_id)
        USING (event_id, subscription_id)
"""

Record = dict[str, Any]

#: Published where outcomes are stored that a customer may want to hear of: ``event_ids`` and
#: ``subscription_ids``, side by side.
NOT_COPIED = "copy.not_copied"
_NEWS = frozenset({OutcomeState.REJECTED, OutcomeState.FAILED, OutcomeState.SKIPPED})


def insert_outcomes(records: Sequence[Record]) -> None:
    """Insert outcomes; one that exists stays as it is, and of two for one event the first.

    Whoever works on a master holds its fence, so nobody inserts the same meanwhile.
    """
    if not records:
        return
    events = [record["event_id"] for record in records]
    copies = [record["subscription_id"] for record in records]
    there = set(sql.binary_rows(_THERE, [ids_array(events), ids_array(copies)]))
    fresh: dict[tuple[int, int], Record] = {}
    for key, record in zip(zip(events, copies, strict=True), records, strict=True):
        if key not in there:
            fresh.setdefault(key, record)
    sql.copy_in(_COPY, map(_values, fresh.values()))
    news = [
        key
        for key, record in fresh.items()
        if record["state"] in _NEWS and record["code"] not in CHOSEN
    ]
    if news:
        event_ids, subscription_ids = map(list, zip(*news, strict=True))
        publish(NOT_COPIED, event_ids=event_ids, subscription_ids=subscription_ids)


def _values(record: Record) -> list[Any]:
    values = list(_of_columns(record))
    if not isinstance(record["numbers"], str):
        values[_NUMBERS] = orjson.dumps(record["numbers"], default=sql.plain).decode()
    return values


_of_columns = itemgetter(*_COLUMNS)
_NUMBERS = _COLUMNS.index("numbers")
_NOTHING: Record = dict.fromkeys(_COLUMNS)


def records_of(master_account_id: int, endings: Iterable[Ended], now: datetime) -> list[Record]:
    """Outcomes of events that ended without an order."""
    return [
        _base(master_account_id, ended.row.subscription_id, ended.row.account_id, ending.event)
        | {
            "link_id": (ending.link.link_id or None) if ending.link else None,
            "state": ending.state.value,
            "code": ending.code.value,
            "side": ending.event.order_side.value,
            "lot_units": ending.numbers.get("lot_units") or "1",
            "numbers": ending.numbers,
            "planned_at": now,
            "final_at": now,
        }
        for ended in endings
        for ending in (ended.ending,)
    ]


def record_of_order(
    master_account_id: int,
    event: MasterEvent,
    order: OrderResult,
    link: Link,
    *,
    subscription_id: int,
    conclusion: Conclusion,
    numbers: Mapping[str, Any],
    decided_at: datetime,
    quote_to_account: Decimal | None,
    now: datetime,
    numbers_text: str = "",
) -> Record:
    """The outcome of an event for which an order was sent (or was about to be).

    ``numbers_text`` is ``numbers`` as JSON where that is at hand.
    """
    filled = order.filled_units
    worse = (
        slippage(order.side or _side(order, link), event.price, order.average_price)
        if filled > 0 and order.leg is not Leg.PROTECT
        else None
    )
    money = (
        None
        if worse is None or quote_to_account is None
        else round(worse * filled * quote_to_account, 8)
    )
    return _base(master_account_id, subscription_id, order.account_id, event) | {
        "link_id": link.link_id or None,
        "state": conclusion.state.value,
        "code": conclusion.code.value,
        "message": conclusion.message,
        "client_order_id": order.client_order_id,
        "side": (order.side or _side(order, link)).value,
        "units": order.units,
        "filled_units": filled,
        "lot_units": numbers.get("lot_units") or "1",
        "fill_price": order.average_price if filled > 0 else None,
        "slippage": worse,
        "slippage_money": money,
        "numbers": numbers_text or numbers,
        "planned_at": decided_at,
        "sent_at": order.sent_at,
        "accepted_at": order.accepted_at,
        "filled_at": order.final_at if filled > 0 else None,
        "final_at": now,
    }


def _side(order: OrderResult, link: Link) -> Side:
    return link.side.opposite if order.leg is Leg.CLOSE else link.side


def _base(
    master_account_id: int, subscription_id: int, account_id: int, event: MasterEvent
) -> Record:
    return _NOTHING | {
        "event_id": event.id,
        "subscription_id": subscription_id,
        "master_account_id": master_account_id,
        "account_id": account_id,
        "position_key": event.position_key,
        "event_kind": event.kind.value,
        "symbol": event.symbol,
        "message": "",
        "client_order_id": "",
        "trace_id": event.trace_id,
        "units": "0",
        "filled_units": "0",
        "master_price": event.price,
        "master_deal_at": event.happened_at,
        "received_at": event.received_at,
    }
