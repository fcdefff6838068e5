"""Intentions: what is committed before it is sent, and how it travels.

An :class:`Intent` is immutable. It is stored in :class:`apps.execution.models.Batch` in columns
of JSON, travels to the gateway in a Redis stream as the same bytes, and becomes a request of
:mod:`apps.trading.orders` at the moment of sending.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from apps.common.columns import columns_of, dump_columns, load_rows
from apps.trading.orders import (
    AmendRequest,
    CancelRequest,
    CloseRequest,
    Leg,
    OrderRequest,
    OrderType,
    ProtectRequest,
    Side,
    TimeInForce,
    TradeRequest,
)


def client_order_id(*parts: object) -> str:
    """Our id of an order: 'c' and 24 hexadecimal digits of a hash of what it is for.

    The same parts always give the same id, so a crash between commit and send cannot give
    an intention a second identity. 25 characters fit every platform's limit.
    """
    text = "|".join(map(str, parts))
    return "c" + hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


class SendGuards(NamedTuple):
    """What an open must still satisfy at the moment it is sent.

    ``limit_price`` is the worst price at which it may leave, compared with the quote of the
    side that it would trade at (None: any). ``min_equity`` is in the account's currency,
    ``min_margin_level`` the percent of equity over used margin that must remain after the
    open. ``max_positions`` is how many positions the relation may hold with this one,
    ``loss_limit`` the loss of the relation, realised and open, at which it opens nothing any
    more, in the account's currency; both need :mod:`apps.execution.standings`. 0 is no limit.
    A symbol's trading hours are judged for every open with guards.
    """

    limit_price: Decimal | None = None
    min_equity: Decimal = Decimal(0)
    min_margin_level: Decimal = Decimal(0)
    max_positions: int = 0
    loss_limit: Decimal = Decimal(0)

    @property
    def of_relation(self) -> bool:
        """Whether it is to be judged how the relation stands."""
        return bool(self.max_positions or self.loss_limit)


class Intent(NamedTuple):
    """One order that is wanted on one account.

    ``account_id`` is ours, ``platform_account`` the platform's. ``not_after`` is the moment
    after which an open must not be sent any more (None: whenever). ``units`` are already on
    the instrument's step. What ``source``, ``relation``, ``wake_key`` and ``cause`` mean
    stands at :class:`apps.execution.models.Order`.

    An open of type LIMIT, STOP or STOP_LIMIT makes a resting order with ``price``,
    ``stop_price`` and ``expires_at``; its stops are absolute and ``reference_price`` is not
    sent. A protect with ``platform_order_id`` and no ``position_id`` gives a resting order new
    terms, see :class:`apps.trading.orders.AmendRequest`.

    ``guards`` of an open are judged once more when it is sent; None: nothing is judged.
    """

    client_order_id: str
    account_id: int
    platform_account: str
    leg: Leg
    source: str
    relation: str = ""
    wake_key: int = 0
    cause: str = ""
    trace_id: str = ""
    instrument_id: str = ""
    side: Side | None = None
    units: Decimal = Decimal(0)
    position_id: str = ""
    platform_order_id: str = ""
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    reference_price: Decimal | None = None
    not_after: datetime | None = None
    type: OrderType = OrderType.MARKET
    price: Decimal | None = None
    stop_price: Decimal | None = None
    expires_at: datetime | None = None
    guards: SendGuards | None = None

    def request(self) -> TradeRequest:
        """The request a connector takes."""
        if self.leg is Leg.CLOSE:
            return CloseRequest(self.client_order_id, self.position_id, self.units)
        if self.leg is Leg.PROTECT:
            if self.platform_order_id and not self.position_id:
                return self._amendment()
            return ProtectRequest(
                self.client_order_id, self.position_id, self.stop_loss, self.take_profit
            )
        if self.leg is Leg.CANCEL:
            return CancelRequest(self.client_order_id, self.platform_order_id)
        if self.side is None:
            raise ValueError(f"open {self.client_order_id} has no side")
        at_market = self.type is OrderType.MARKET
        return OrderRequest(
            client_order_id=self.client_order_id,
            instrument_id=self.instrument_id,
            side=self.side,
            units=self.units,
            type=self.type,
            price=self.price,
            stop_price=self.stop_price,
            stop_loss=self.stop_loss,
            take_profit=self.take_profit,
            base_price=self.reference_price if at_market else None,
            time_in_force=TimeInForce.GTC if self.expires_at is None else TimeInForce.GTD,
            expires_at=self.expires_at,
            position_id=self.position_id or None,
        )

    def _amendment(self) -> AmendRequest:
        return AmendRequest(
            client_order_id=self.client_order_id,
            platform_order_id=self.platform_order_id,
            instrument_id=self.instrument_id,
            units=self.units,
            price=self.price,
            stop_price=self.stop_price,
            stop_loss=self.stop_loss,
            take_profit=self.take_profit,
            expires_at=self.expires_at,
        )


def dump(intents: Sequence[Intent]) -> str:
    """Intents as JSON, in columns in the order of :class:`Intent`'s fields; at least one."""
    columns = columns_of(intents)
    for index in (Col.NOT_AFTER, Col.EXPIRES_AT):
        columns[index] = [_seconds(moment) for moment in columns[index]]
    columns[Col.GUARDS] = [None if g is None else _plain(g) for g in columns[Col.GUARDS]]
    return dump_columns(columns, len(intents))


def load(text: str | bytes) -> list[Intent]:
    """The intents that :func:`dump` wrote."""
    return [_intent(row) for row in rows_of(text)]


_SIDES = {side.value: side for side in Side}


class Col(enum.IntEnum):
    """Positions in a row, for code that reads thousands of them and needs few fields."""

    CLIENT_ORDER_ID = 0
    ACCOUNT_ID = 1
    PLATFORM_ACCOUNT = 2
    LEG = 3
    SOURCE = 4
    RELATION = 5
    WAKE_KEY = 6
    CAUSE = 7
    TRACE_ID = 8
    INSTRUMENT_ID = 9
    SIDE = 10
    UNITS = 11
    POSITION_ID = 12
    PLATFORM_ORDER_ID = 13
    STOP_LOSS = 14
    TAKE_PROFIT = 15
    REFERENCE_PRICE = 16
    NOT_AFTER = 17
    TYPE = 18
    PRICE = 19
    STOP_PRICE = 20
    EXPIRES_AT = 21
    GUARDS = 22


def type_of(row: list[Any]) -> str:
    """The order type of a row."""
    return str(row[18])


def guards_of(row: list[Any]) -> SendGuards | None:
    """The guards of a row, None where nothing is judged."""
    return _guards(row[22])


def limits_relation(row: list[Any]) -> bool:
    """Whether a row's guards ask how its relation stands."""
    return row[22] is not None and len(row[22]) == _WITH_RELATION


def request_of(row: list[Any]) -> TradeRequest:
    """The request of a row, without the detour over an :class:`Intent`."""
    leg = row[3]
    if leg == "open" and row[18] == "market":
        sl, tp, reference = row[14], row[15], row[16]
        return OrderRequest(
            client_order_id=row[0],
            instrument_id=row[9],
            side=_SIDES[row[10]],
            units=Decimal(row[11]),
            stop_loss=None if sl is None else Decimal(sl),
            take_profit=None if tp is None else Decimal(tp),
            base_price=None if reference is None else Decimal(reference),
            position_id=row[12] or None,
        )
    return _intent(row).request()


def rows_of(text: str | bytes) -> list[list[Any]]:
    """What :func:`dump` or :func:`dump_rows` wrote as plain rows, see :class:`Col`."""
    return load_rows(text)


def dump_rows(rows: Sequence[list[Any]]) -> str:
    """Rows of :func:`rows_of` as text again; at least one."""
    return dump_columns([list(column) for column in zip(*rows, strict=True)], len(rows))


def ids_of(text: str | bytes) -> list[str]:
    """The client order ids of the intents in a text, in order."""
    ids: list[str] = orjson.loads(text)["columns"][Col.CLIENT_ORDER_ID]
    return ids


def _intent(row: list[Any]) -> Intent:
    (
        cid,
        account,
        platform_account,
        leg,
        source,
        relation,
        wake,
        cause,
        trace,
        *rest,
    ) = row
    (instrument, side, units, position, order, sl, tp, reference, not_after, *resting) = rest
    kind, price, stop_price, expires_at, guards = resting
    return Intent(
        str(cid),
        int(account or 0),
        str(platform_account),
        Leg(str(leg)),
        str(source),
        str(relation),
        int(wake or 0),
        str(cause),
        str(trace),
        str(instrument),
        Side(str(side)) if side else None,
        Decimal(str(units)),
        str(position),
        str(order),
        _decimal(sl),
        _decimal(tp),
        _decimal(reference),
        _moment(not_after),
        OrderType(str(kind)),
        _decimal(price),
        _decimal(stop_price),
        _moment(expires_at),
        _guards(guards),
    )


def _guards(value: Any) -> SendGuards | None:
    if value is None:
        return None
    limit, equity, level, *of_relation = value
    guards = SendGuards(_decimal(limit), Decimal(equity), Decimal(level))
    if not of_relation:
        return guards
    return guards._replace(max_positions=int(of_relation[0]), loss_limit=Decimal(of_relation[1]))


#: Length of the guards in a row that have limits of the relation.
_WITH_RELATION = 5


def _plain(guards: SendGuards) -> list[Any]:
    """Guards as they travel: what only few have stands at the end, and only where it is set."""
    return list(guards if guards.of_relation else guards[:3])


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _moment(value: str | int | float | None) -> datetime | None:
    return datetime.fromtimestamp(value, UTC) if isinstance(value, float | int) else None


def _decimal(value: str | int | float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))
