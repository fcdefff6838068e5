"""Prepared rows for pages and the API: plain, frozen values, nothing left to query.

Volumes are lots of the follower's platform unless named otherwise, money is in ``currency``,
the follower account's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from apps.copytrading.domain.codes import Code, OutcomeState
from apps.copytrading.domain.explain import Facts, explain, hint, sentences


@dataclass(frozen=True, slots=True)
class MasterRow:
    """A master with how many copy it now. ``open_links`` are copied positions.

    ``min_investment`` is in its account's currency; 0, also of ``max_followers``, is no limit.
    """

    id: int
    uuid: UUID
    strategy_name: str
    description: str
    status: str
    status_reason: str
    enabled: bool
    visibility: str
    account_id: int
    account_uuid: UUID
    account_login: str
    currency: str
    mode: str
    connection_id: int
    owner_id: int | None
    equity: Decimal | None
    followers: int
    open_links: int
    created_at: datetime
    min_investment: Decimal
    max_followers: int
    allowed_follower_modes: str


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """A copy with its settings and result; ``result`` is realised plus floating.

    ``copying`` says whether the next open would be copied, ``sizing`` how in one sentence.
    ``deleted``: it is shown only as long as it holds something.
    """

    id: int
    uuid: UUID
    master_id: int
    master_uuid: UUID
    master_account_id: int
    strategy_name: str
    master_status: str
    account_id: int
    account_uuid: UUID
    account_name: str
    account_login: str
    currency: str
    owner_id: int | None
    status: str
    status_reason: str
    enabled: bool
    copying: bool
    sizing: str
    volume_mode: str
    risk_multiplier: Decimal
    fixed_volume: Decimal
    base_equity: Decimal | None
    allocated_capital: Decimal
    below_minimum: str
    min_volume: Decimal
    max_volume: Decimal
    copy_sl: bool
    copy_tp: bool
    max_delay_s: int
    realised: Decimal
    floating: Decimal
    open_links: int
    created_at: datetime
    deleted: bool

    @property
    def result(self) -> Decimal:
        return self.realised + self.floating


@dataclass(frozen=True, slots=True)
class OpenCopy:
    """A copied position beside the master's; ``master_lots`` in lots of the master's platform.

    ``target_lots`` is what should be held, exact. ``floating`` is None while the position is
    not there (yet). ``moving`` says that an order is under way.
    """

    link_id: int
    subscription_id: int
    subscription_uuid: UUID
    strategy_name: str
    account_name: str
    account_login: str
    currency: str
    symbol: str
    digits: int
    side: str
    lots: Decimal
    target_lots: Decimal
    open_price: Decimal | None
    stop_loss: Decimal | None
    take_profit: Decimal | None
    floating: Decimal | None
    realised: Decimal
    master_lots: Decimal
    master_price: Decimal | None
    position_id: str
    moving: bool
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """What became of one event for one subscription; durations in ms since it was received."""

    id: int
    event_id: int
    subscription_id: int
    subscription_uuid: UUID
    strategy_name: str
    account_name: str
    account_login: str
    currency: str
    link_id: int | None
    kind: str
    symbol: str
    state: str
    code: str
    message: str
    side: str
    units: Decimal
    filled_units: Decimal
    lot_units: Decimal
    master_price: Decimal | None
    fill_price: Decimal | None
    slippage: Decimal | None
    slippage_money: Decimal | None
    numbers: dict[str, Any]
    trace_id: str
    client_order_id: str
    master_deal_at: datetime
    received_at: datetime
    planned_at: datetime | None
    sent_at: datetime | None
    accepted_at: datetime | None
    filled_at: datetime | None
    final_at: datetime
    position_key: str
    account_uuid: UUID
    master_uuid: UUID

    @property
    def state_label(self) -> str:
        return STATE_LABELS.get(self.state, self.state)

    @property
    def reason_code(self) -> Code:
        return Code[self.code]

    @property
    def reason(self) -> str:
        """The reason code in words."""
        return self.reason_code.label

    @property
    def lots(self) -> Decimal:
        return self.units / self.lot_units

    @property
    def filled_lots(self) -> Decimal:
        return self.filled_units / self.lot_units

    @property
    def to_planned_ms(self) -> float | None:
        return self._since_received(self.planned_at)

    @property
    def to_sent_ms(self) -> float | None:
        return self._since_received(self.sent_at)

    @property
    def to_accepted_ms(self) -> float | None:
        return self._since_received(self.accepted_at)

    @property
    def to_filled_ms(self) -> float | None:
        return self._since_received(self.filled_at)

    @property
    def story(self) -> str:
        """The sentence that users read."""
        return explain(self._facts())

    @property
    def sentences(self) -> list[str]:
        """The story, a sentence for each step."""
        return sentences(self._facts())

    @property
    def hint(self) -> str:
        """What would have changed it; '' where nothing would."""
        return hint(self.code)

    def _facts(self) -> Facts:
        return Facts(
            kind=self.kind,
            symbol=self.symbol,
            state=self.state,
            code=self.code,
            message=self.message,
            side=self.side,
            units=self.units,
            filled_units=self.filled_units,
            lot_units=self.lot_units,
            currency=self.currency,
            master_price=self.master_price,
            fill_price=self.fill_price,
            slippage=self.slippage,
            slippage_money=self.slippage_money,
            numbers=self.numbers,
            to_sent_ms=self.to_sent_ms,
        )

    def _since_received(self, at: datetime | None) -> float | None:
        return None if at is None else (at - self.received_at).total_seconds() * 1000


@dataclass(frozen=True, slots=True)
class OutcomePage:
    """A page of outcomes, newest first; ``next_cursor`` asks for the older ones.

    ``looked_back_to`` is set where a search was ended before the page was full: when the event
    was received down to which it has looked.
    """

    rows: list[OutcomeRow]
    next_cursor: str | None
    looked_back_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """A master's event and what became of it; durations in ms since it was received.

    ``counts`` gives outcomes by state, ``moving`` the orders under way or waiting.
    """

    event_id: int
    master_account_id: int
    master_uuid: UUID
    strategy_name: str
    kind: str
    symbol: str
    digits: int
    side: str
    lots: Decimal
    price: Decimal | None
    master_deal_at: datetime
    received_at: datetime
    counts: dict[str, int]
    moving: int
    to_planned_ms: float | None
    to_sent_ms: float | None
    to_filled_ms: float | None

    @property
    def total(self) -> int:
        return sum(self.counts.values()) + self.moving


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Milliseconds; None while nothing was measured."""

    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class LatencyFigures:
    """Of the last ``count`` orders sent, each since the master's event was received."""

    count: int
    planned: Quantiles
    sent: Quantiles
    accepted: Quantiles
    filled: Quantiles


STATE_LABELS = {state.value: state.label for state in OutcomeState}
