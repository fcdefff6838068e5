"""Frames that the platform pushes, as events of the port."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.openapi_wire import Frame, PayloadType
from apps.openapi_wire.enums import ExecutionType, OrderType
from apps.openapi_wire.scaling import money_from_wire, time_from_wire, time_to_wire
from apps.platforms.adapters.ctrader.catalogue import Catalogue
from apps.platforms.adapters.ctrader.clock import ClockOffset
from apps.platforms.adapters.ctrader.inbound import (
    DEFAULT_MONEY_DIGITS,
    is_executed,
    own_id,
    read_deal,
    read_order,
    read_position,
    read_trader,
)
from apps.platforms.adapters.ctrader.session import QUERY_MARK
from apps.platforms.ports import (
    AccountUpdate,
    DealDone,
    Event,
    OrderUpdate,
    PositionUpdate,
    QuoteUpdate,
)
from apps.trading.positions import AccountState

_EXECUTION = int(PayloadType.PROTO_OA_EXECUTION_EVENT)
_SPOT = int(PayloadType.PROTO_OA_SPOT_EVENT)
_TRADER = int(PayloadType.PROTO_OA_TRADER_UPDATE_EVENT)
_TRAILING = int(PayloadType.PROTO_OA_TRAILING_SL_CHANGED_EVENT)
_FILLS = frozenset({int(ExecutionType.ORDER_FILLED), int(ExecutionType.ORDER_PARTIAL_FILL)})
_ACCEPTED = int(ExecutionType.ORDER_ACCEPTED)
_SWAP = int(ExecutionType.SWAP)
_CANCEL_REJECTED = int(ExecutionType.ORDER_CANCEL_REJECTED)
_BALANCE = int(ExecutionType.DEPOSIT_WITHDRAW)
_BONUS = int(ExecutionType.BONUS_DEPOSIT_WITHDRAW)
_PROTECTION = int(OrderType.STOP_LOSS_TAKE_PROFIT)
_AT_MARKET = frozenset({int(OrderType.MARKET), int(OrderType.MARKET_RANGE)})


class EventReader:
    """Translates frames; remembers quotes (they come by halves) and account states.

    ``ask_state`` is called with an account whose balance changed before its state was read,
    ``ask_position`` with an account and a position whose stop trails: only its new price was
    told.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        clock: ClockOffset,
        ask_state: Callable[[str], None],
        ask_position: Callable[[str, str], None],
    ) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._ask_state = ask_state
        self._ask_position = ask_position
        self._quotes: dict[int, tuple[int, int]] = {}
        self.states: dict[str, AccountState] = {}

    def read(self, frames: list[Frame], received_at: datetime) -> list[Event]:
        """The events of one group, in the order of the frames."""
        out: list[Event] = []
        for frame in frames:
            kind = frame.payload_type
            if kind == _EXECUTION:
                event = self._execution(frame.message(), frame.client_msg_id, received_at)
            elif kind == _SPOT:
                event = self._spot(frame.message(), received_at)
            elif kind == _TRADER:
                event = self._trader(frame.message(), received_at)
            elif kind == _TRAILING:
                message = frame.message()
                self._ask_position(str(message.ctidTraderAccountId), str(message.positionId))
                continue
            else:
                continue
            if event is not None:
                out.append(event)
        return out

    def _execution(self, message: Any, client_msg_id: str, received_at: datetime) -> Event | None:
        kind = message.executionType
        if kind in _FILLS:
            return self._fill(message, client_msg_id, received_at)
        if kind == _BALANCE:
            return self._balance(message, received_at)
        if kind in (_CANCEL_REJECTED, _BONUS):
            return None
        order = message.order
        if kind == _SWAP or order.orderType == _PROTECTION or not message.HasField("order"):
            return self._protection(message, received_at)
        if kind == _ACCEPTED and order.orderType in _AT_MARKET:
            return None
        return OrderUpdate(
            str(message.ctidTraderAccountId),
            read_order(order, self._catalogue),
            message.errorCode,
            received_at,
        )

    def _fill(self, message: Any, client_msg_id: str, received_at: datetime) -> Event | None:
        deal = message.deal
        if not message.HasField("deal") or not is_executed(deal):
            return None
        self._clock.observe(deal.executionTimestamp, time_to_wire(received_at))
        ours = own_id(message.order) or _own_close(message.order, client_msg_id)
        return DealDone(
            str(message.ctidTraderAccountId),
            read_deal(deal, self._catalogue, ours),
            read_position(message.position, self._catalogue),
            received_at,
        )

    def _protection(self, message: Any, received_at: datetime) -> Event | None:
        position = None
        if message.HasField("position"):
            position = read_position(message.position, self._catalogue)
        if position is None:
            return None
        stamp = message.position.utcLastUpdateTimestamp or message.order.utcLastUpdateTimestamp
        changed_at = time_from_wire(stamp) if stamp else received_at
        return PositionUpdate(str(message.ctidTraderAccountId), position, changed_at, received_at)

    def _balance(self, message: Any, received_at: datetime) -> Event | None:
        account = str(message.ctidTraderAccountId)
        state = self.states.get(account)
        if state is None:
            self._ask_state(account)
            return None
        change = message.depositWithdraw
        digits = change.moneyDigits if change.HasField("moneyDigits") else DEFAULT_MONEY_DIGITS
        balance = money_from_wire(change.balance, digits)
        return self._state(account, replace(state, balance=balance, as_of=received_at))

    def _trader(self, message: Any, received_at: datetime) -> Event | None:
        state = read_trader(message.trader, self._catalogue, received_at)
        return self._state(str(message.ctidTraderAccountId), state)

    def _state(self, account: str, state: AccountState) -> Event:
        self.states[account] = state
        return AccountUpdate(account, state, state.as_of)

    def _spot(self, message: Any, received_at: datetime) -> Event | None:
        symbol_id = message.symbolId
        known = self._quotes.get(symbol_id)
        if known is not None and message.timestamp:
            # The first quote after subscribing may be an old one; the others are fresh.
            self._clock.observe(message.timestamp, time_to_wire(received_at))
        bid, ask = message.bid, message.ask
        if known is not None:
            bid, ask = bid or known[0], ask or known[1]
        self._quotes[symbol_id] = (bid, ask)
        if not bid or not ask:
            return None
        price: Callable[[int, int], Decimal] = self._catalogue.quote
        return QuoteUpdate(
            str(symbol_id), price(symbol_id, bid), price(symbol_id, ask), received_at
        )


def _own_close(order: Any, client_msg_id: str) -> str:
    """The order of a close carries no id of ours, but the session that asked hears it."""
    asked = order.closingOrder and order.orderType != _PROTECTION and not order.isStopOut
    return client_msg_id if asked and not client_msg_id.startswith(QUERY_MARK) else ""
