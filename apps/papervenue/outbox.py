"""Where everything that happens on the venue is written down and sent out.

Events go to every session that is authorised for the account; the session whose request
caused them finds its client message id on them. Nothing leaves before the store has committed:
sessions only collect here and are flushed by the server after the commit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from google.protobuf.message import Message

from apps.openapi_wire import encode_payload, messages
from apps.openapi_wire.enums import ExecutionType
from apps.papervenue import codec
from apps.papervenue.engine.records import Account, CashFlow, Deal, Order, Position
from apps.papervenue.faults import Fault, FaultRule
from apps.papervenue.store import Store

_ACCEPTED = ExecutionType.ORDER_ACCEPTED
_POSITION, _ORDER, _DEAL, _CASH, _ERROR = (
    messages.ProtoOAExecutionEvent.DESCRIPTOR.fields_by_name[name].number
    for name in ("position", "order", "deal", "depositWithdraw", "errorCode")
)
_SERVER = messages.ProtoOAExecutionEvent(isServerEvent=True).SerializePartialToString()
_LATE = frozenset({Fault.DELAY_ANSWER, Fault.REORDER})


class Receiver(Protocol):
    """What the outbox needs of a session."""

    def send(self, frame: bytes) -> None: ...


Held = tuple[Receiver, bytes]
"""A frame that a fault keeps back, and whom it is for."""


class Request:
    """The request in hand: who asked, with which id, and the fault that strikes it."""

    __slots__ = ("client_msg_id", "held", "rule", "session")

    def __init__(self, session: Receiver, client_msg_id: str, rule: FaultRule | None) -> None:
        self.session = session
        self.client_msg_id = client_msg_id
        self.rule = rule
        self.held: list[Held] = []


class Outbox:
    """The engine's sink: messages for sessions, rows for the store."""

    def __init__(self, store: Store, asset_id: Callable[[str], int]) -> None:
        self._store = store
        self._asset_id = asset_id
        self.request: Request | None = None
        self.sessions: dict[int, list[Receiver]] = {}
        self._heads: dict[tuple[int, int], bytes] = {}

    def execution(
        self,
        kind: ExecutionType,
        account: Account,
        *,
        order: Order | None = None,
        position: Position | None = None,
        deal: Deal | None = None,
        cash: CashFlow | None = None,
        error: str = "",
        server: bool = False,
    ) -> None:
        store = self._store
        head = self._heads.get((account.account_id, kind))
        payload = self._head(account.account_id, kind) if head is None else head
        if position is not None:
            body = codec.position_message(position).SerializeToString()
            store.position(position, body)
            payload += _part(_POSITION, body)
        elif order is not None and kind == _ACCEPTED and order.position_id:
            payload += _part(_POSITION, codec.created_position_message(order).SerializeToString())
        if order is not None:
            body = codec.order_message(order).SerializeToString()
            store.order(order, body)
            payload += _part(_ORDER, body)
        if deal is not None:
            body = codec.deal_message(deal).SerializeToString()
            store.deal(deal, body)
            payload += _part(_DEAL, body)
        if cash is not None:
            body = codec.cash_message(cash).SerializeToString()
            store.cash(cash, body)
            payload += _part(_CASH, body)
        if error:
            payload += _part(_ERROR, error.encode())
        if server:
            payload += _SERVER
        self._broadcast(account.account_id, messages.ProtoOAExecutionEvent, payload)

    def _head(self, account_id: int, kind: ExecutionType) -> bytes:
        """How events of this kind begin on an account, made once."""
        message = messages.ProtoOAExecutionEvent(ctidTraderAccountId=account_id, executionType=kind)
        head: bytes = message.SerializePartialToString()
        self._heads[account_id, kind] = head
        return head

    def trailing(self, position: Position) -> None:
        self._store.position(position, codec.position_message(position).SerializeToString())
        self.broadcast(
            position.account.account_id,
            messages.ProtoOATrailingSLChangedEvent(
                ctidTraderAccountId=position.account.account_id,
                positionId=position.position_id,
                orderId=position.protection_id,
                stopPrice=codec.price_out(position.stop_loss),
                utcLastUpdateTimestamp=position.updated_ms,
            ),
        )

    def margin(self, position: Position) -> None:
        account = position.account
        self._store.position(position, codec.position_message(position).SerializeToString())
        self.broadcast(
            account.account_id,
            messages.ProtoOAMarginChangedEvent(
                ctidTraderAccountId=account.account_id,
                positionId=position.position_id,
                usedMargin=position.margin,
                moneyDigits=account.money_digits,
            ),
        )

    def trader(self, account: Account) -> None:
        self._store.account(account)
        self.broadcast(
            account.account_id,
            messages.ProtoOATraderUpdatedEvent(
                ctidTraderAccountId=account.account_id,
                trader=codec.trader_message(account, self._asset_id(account.currency)),
            ),
        )

    def record(self, order: Order) -> None:
        self._store.order(order, codec.order_message(order).SerializeToString())

    def broadcast(self, account_id: int, message: Message) -> None:
        """To every session of an account, and with its id to the one that asked."""
        self._broadcast(account_id, type(message), message.SerializeToString())

    def _broadcast(self, account_id: int, cls: type[Message], payload: bytes) -> None:
        sessions = self.sessions.get(account_id)
        if not sessions:
            return
        request = self.request
        for session in sessions:
            mine = request is not None and request.session is session
            tag = request.client_msg_id if mine and request is not None else ""
            self._pass_on(session, encode_payload(cls, payload, tag))

    def reply(self, message: Message) -> None:
        """To the session whose request is in hand alone."""
        request = self.request
        if request is None:
            raise RuntimeError("a reply needs a request in hand")
        frame = encode_payload(type(message), message.SerializeToString(), request.client_msg_id)
        self._pass_on(request.session, frame)

    def _pass_on(self, session: Receiver, frame: bytes) -> None:
        request = self.request
        rule = None if request is None else request.rule
        if rule is None or request is None:
            session.send(frame)
        elif rule.action is Fault.MUTE:
            return
        elif rule.action in _LATE:
            request.held.append((session, frame))
        else:
            session.send(frame)
            if rule.action is Fault.DUPLICATE:
                session.send(frame)


def _part(field: int, body: bytes) -> bytes:
    """A length-delimited field of a message.

    Parts of an execution event are serialised once, for the store and for the wire; put one
    after the other in the order of their numbers they are the event.
    """
    size = len(body)
    tag = bytes((field << 3 | 2,))
    if size < 0x80:
        return tag + bytes((size,)) + body
    return tag + bytes((size & 0x7F | 0x80, size >> 7)) + body
