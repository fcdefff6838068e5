"""What a trading platform looks like from inside the house: the Connector protocol.

An adapter holds one session with one platform server and carries any number of accounts on
it. It translates the platform's ids, units and prices into :mod:`apps.trading` words and
back; nothing platform-specific leaves it. ``account`` is always the platform's own account
id as text.

An adapter writes orders at the moment it is asked and never retries one: whoever calls has
committed the intention before, holds the lease of the connection, and has taken the tokens
from :attr:`Connector.limits`.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol, runtime_checkable

from apps.platforms.limits import Limits
from apps.trading.deals import Deal
from apps.trading.orders import Leg, Order, OrderType, TradeRequest
from apps.trading.positions import AccountState, MarginMode, Position
from apps.trading.symbols import Instrument


class StopsOnOpen(enum.StrEnum):
    """How stop loss and take profit can be given with a market order."""

    NONE = "none"
    RELATIVE = "relative"
    ABSOLUTE = "absolute"
    CHILD_ORDERS = "child_orders"


class ClientIds(enum.StrEnum):
    """What the platform does with our order ids."""

    ENFORCED = "enforced"  # a second order with the same id is refused, always
    OPEN_ONLY = "open_only"  # refused while the first one is open
    TAG = "tag"  # kept and shown, not enforced
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter's platform can do for accounts of one margin mode."""

    margin_mode: MarginMode
    stops_on_open: StopsOnOpen
    protects_positions: bool  # stop loss and take profit can be set on a position
    closes_by_position: bool
    adds_to_position: bool  # an order can increase a given position
    client_ids: ClientIds
    client_id_length: int
    pushes_deals: bool
    pushes_positions: bool
    replays_deals: bool
    pending_types: frozenset[OrderType]


class Answer(enum.StrEnum):
    """The three answers to an order."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"  # no answer in time, or the session broke: ask, never guess


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """Answer to one request. ``code`` and ``message`` are the platform's own on rejection."""

    client_order_id: str
    answer: Answer
    platform_order_id: str = ""
    code: str = ""
    message: str = ""
    retryable: bool = False
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccountRef:
    """An account that the session's credentials open; ``server`` '' where it is not told."""

    account: str
    login: str
    is_live: bool
    server: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All of an account at one moment; ``as_of`` is the platform's answer, our clock."""

    account: str
    state: AccountState
    positions: tuple[Position, ...]
    orders: tuple[Order, ...]
    as_of: datetime


class Presence(enum.StrEnum):
    """Whether the platform knows an order of ours."""

    FOUND = "found"
    ABSENT = "absent"  # proven: its complete history since the commit has no trace
    UNKNOWN = "unknown"  # could not be established now


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of asking for a client order id: the order where kept, its deals, its position."""

    presence: Presence
    order: Order | None = None
    deals: tuple[Deal, ...] = ()
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class ConnectionUp:
    """The session stands again; read anew before it counts as live: ``accounts`` (empty: all).

    Not told after connect() itself. Names accounts where the platform had ended these alone.
    """

    received_at: datetime
    accounts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConnectionDown:
    reason: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class AuthLost:
    """The platform no longer accepts these accounts or the whole session (empty: all)."""

    accounts: tuple[str, ...]
    reason: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class DealDone:
    """A deal was executed. ``position`` is the position afterwards, None when it is gone."""

    account: str
    deal: Deal
    position: Position | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """An order changed (placed, amended, cancelled, expired, rejected); ``code`` says why.

    Not told of a market order that was accepted (its deals follow) nor of fills.
    """

    account: str
    order: Order
    code: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class PositionUpdate:
    """A position changed without a deal (stop loss, take profit); ``changed_at`` theirs."""

    account: str
    position: Position
    changed_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class AccountUpdate:
    """Balance or leverage changed outside trading (deposit, withdrawal)."""

    account: str
    state: AccountState
    received_at: datetime


@dataclass(frozen=True, slots=True)
class QuoteUpdate:
    instrument_id: str
    bid: Decimal
    ask: Decimal
    received_at: datetime


@dataclass(frozen=True, slots=True)
class InstrumentsChanged:
    instrument_ids: tuple[str, ...]
    received_at: datetime


Event = (
    ConnectionUp
    | ConnectionDown
    | AuthLost
    | DealDone
    | OrderUpdate
    | PositionUpdate
    | AccountUpdate
    | QuoteUpdate
    | InstrumentsChanged
)


@dataclass(slots=True)
class Credentials:
    """What an adapter signs in with; secrets never appear in ``repr``."""

    host: str
    port: int
    tls: bool = True
    values: dict[str, str] = field(default_factory=dict, repr=False)


class CredentialStore(Protocol):
    """Where an adapter keeps credentials that the platform replaces (one-shot refresh)."""

    async def save(self, values: dict[str, str]) -> None: ...


@runtime_checkable
class Connector(Protocol):
    """One session with a platform server. All methods are for one asyncio loop.

    Queries (accounts, attach, instruments, subscribe_quotes, snapshot, deals_since) wait for
    their turn in ``limits`` themselves and raise ConnectionError where the session is down or
    does not answer (temporary), PlatformError where the platform answers with an error.
    """

    limits: Limits
    clock_offset_ms: int  # platform clock minus ours, measured; 0 until known

    async def connect(self) -> None:
        """Sign in. Raises AuthRefused (permanent) or ConnectionError (temporary)."""

    async def close(self) -> None:
        """Leave in order."""

    def abort(self) -> None:
        """Close the sockets now, without a word: the lease is over."""

    async def accounts(self) -> list[AccountRef]:
        """Accounts that the credentials open."""

    async def attach(self, accounts: Sequence[str]) -> dict[str, str]:
        """Authorise accounts on the session and begin their events.

        Answers a reason per account that was refused; the others are attached. They are
        attached again by the adapter after its own reconnect, before ConnectionUp.
        """

    def capabilities(self, margin_mode: MarginMode) -> Capabilities: ...

    async def instruments(self, account: str) -> list[Instrument]: ...

    async def subscribe_quotes(self, account: str, instrument_ids: Sequence[str]) -> None:
        """Begin quotes of these instruments; kept over reconnects; repeating does no harm."""

    async def snapshot(self, account: str) -> Snapshot: ...

    async def deals_since(self, account: str, since: datetime) -> list[Deal]:
        """All deals executed at or after ``since``, oldest first, complete or an exception."""

    def submit_many(
        self, items: Sequence[tuple[str, TradeRequest]], *, timeout: float = 5.0
    ) -> list[asyncio.Future[SubmitResult]]:
        """Write all requests to the socket now, in order, and answer a future per item.

        Never raises for one item: a request that cannot be expressed is REJECTED, a session
        that is down or breaks is UNKNOWN for what may have left and REJECTED (code
        NOT_CONNECTED) for what certainly did not. A close is by position.
        """

    async def submit(self, account: str, request: TradeRequest) -> SubmitResult:
        """One request, awaited."""

    async def find_by_client_id(
        self, account: str, client_order_id: str, since: datetime, leg: Leg = Leg.OPEN
    ) -> Finding:
        """Look for an order of ours in the platform's orders, positions and history.

        ``since`` is the moment of the commit, ``leg`` what the order was to do. Finds what
        carries the id there: opens always, closes, protects and cancels only where the
        platform lets them carry one; elsewhere they are ABSENT without a question, which
        says nothing: deals and snapshot do. UNKNOWN while its answer may still come. Never
        raises: what could not be asked is UNKNOWN.
        """

    def events(self) -> AsyncIterator[list[Event]]:
        """Everything that happens, in order, in the groups in which it arrived.

        Reconnects by itself with growing pauses: ConnectionDown, then ConnectionUp. Ends
        after close() or abort(), and when the platform refuses the credentials at a
        reconnect (AuthLost without accounts comes first). For one reader.
        """


class PlatformError(Exception):
    """The platform answered a query with an error; ``code`` is its own."""

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description


class AuthRefused(Exception):
    """The platform refuses the credentials; trying again without a change is useless."""
