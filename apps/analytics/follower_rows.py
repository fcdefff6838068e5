"""A follower in a list of staff: how it sizes, what it earned, how much of its equity is bound."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from apps.copytrading.domain.margin import (
    margin_percent,
    room_to_stop_out,
    times_equity,
    used_percent,
)
from apps.copytrading.domain.volume import Funds, Size, Sizing, VolumeMode, sizer
from apps.copytrading.selectors import sizing_sentence
from apps.trading.money import Rates

_PROPORTIONAL = frozenset(
    {VolumeMode.EQUITY_RATIO, VolumeMode.BALANCE_RATIO, VolumeMode.EQUITY_BASED}
)
_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class FollowerRow:
    """A copy and its account; money in ``currency``. ``level`` is '' where nothing is warned of.

    ``running``: its owner has switched neither the copy nor all copies of the account off.
    ``held_ratio`` is what the account holds of the master's open positions, units to units.
    ``growth`` is 1 + the copy's return as a fraction, None where nothing was looked at yet.
    ``current``: equity and margin are those of now. ``master_…`` are the master account's.
    """

    id: int
    uuid: UUID
    status: str
    status_reason: str
    running: bool
    deleted: bool
    created_at: datetime
    volume_mode: str
    risk_multiplier: Decimal
    fixed_volume: Decimal
    base_equity: Decimal | None
    allocated_capital: Decimal
    master_uuid: UUID
    strategy_name: str
    master_status: str
    master_enabled: bool
    login: str
    account_name: str
    currency: str
    platform: str
    account_leverage: Decimal
    customer_uuid: UUID | None
    email: str
    customer_name: str
    equity: Decimal | None
    balance: Decimal | None
    margin_used: Decimal
    current: bool
    level: str
    since: datetime | None
    master_currency: str
    master_equity: Decimal
    master_balance: Decimal
    realised: Decimal
    floating: Decimal
    open_links: int
    held_ratio: Decimal | None
    growth: float | None
    next_ratio: Decimal | None = None

    @property
    def result(self) -> Decimal:
        """Copied P&L: realised, net of costs, and open."""
        return self.realised + self.floating

    @property
    def returned(self) -> float | None:
        """Time-weighted return of the copy since it began, as a fraction."""
        return None if self.growth is None else self.growth - 1

    @property
    def sizing(self) -> str:
        """The kind of sizing as staff call it."""
        if self.volume_mode in _PROPORTIONAL:
            return "Proportional"
        return "Fixed" if self.volume_mode == VolumeMode.FIXED else "Multiplier"

    @property
    def sizing_words(self) -> str:
        """How it sizes, in a sentence."""
        sentence = sizing_sentence(
            self.volume_mode, self.risk_multiplier, self.fixed_volume, self.base_equity,
            self.allocated_capital, currency=self.currency,
        )  # fmt: skip
        return sentence[0].upper() + sentence[1:]

    @property
    def ratio(self) -> Decimal | None:
        """Effective copy ratio, follower units per master unit: of what is open, else of the next
        trade; None where that depends on the master's volume."""
        return self.next_ratio if self.held_ratio is None else self.held_ratio

    @property
    def ratio_shown(self) -> Decimal | None:
        return None if self.ratio is None else round(self.ratio, 4).normalize()

    @property
    def used_percent(self) -> Decimal | None:
        """Used margin as percent of equity."""
        return None if self.equity is None else used_percent(self.margin_used, self.equity)

    @property
    def margin_level(self) -> Decimal | None:
        return None if self.equity is None else margin_percent(self.equity, self.margin_used)

    @property
    def leverage(self) -> Decimal | None:
        """How many times its equity the account holds."""
        if self.equity is None:
            return None
        return times_equity(self.equity, self.margin_used, self.account_leverage)

    @property
    def room(self) -> Decimal | None:
        """What the account may lose until its platform closes positions."""
        return None if self.equity is None else room_to_stop_out(self.equity, self.margin_used)

    @property
    def room_share(self) -> Decimal | None:
        """The same as a fraction of equity."""
        room = self.room
        if room is None or self.equity is None:
            return None
        return room / self.equity if self.equity > 0 else Decimal(0)

    @property
    def may_pause(self) -> bool:
        return self.status == "active" and not self.deleted

    @property
    def may_resume(self) -> bool:
        return self.status == "paused" and not self.deleted

    @property
    def may_stop(self) -> bool:
        return bool(self.open_links) or (self.status != "disabled" and not self.deleted)

    @property
    def held_back(self) -> str:
        """Why nothing is opened although the copy itself is active; '' where something is."""
        if self.status != "active" or self.deleted:
            return ""
        if self.master_status != "active":
            return f"master {self.master_status}"
        if not self.master_enabled:
            return "master switched off"
        return "" if self.running else "switched off by owner"


def ratio_of_settings(row: FollowerRow, rates: Rates) -> Decimal | None:
    """The ratio that the settings give the next trade, None where it has none by itself.

    By the money of now; stale or not, since staff are shown how current it is.
    """
    sizing = Sizing(
        VolumeMode(row.volume_mode), row.risk_multiplier, row.fixed_volume, row.base_equity,
        row.allocated_capital,
    )  # fmt: skip
    sized = sizer(
        sizing,
        units=_ONE,
        lot_units=_ONE,
        master=Funds(row.master_currency, row.master_equity, row.master_balance, 0.0),
        currency=row.currency,
        stale_after_s=1.0,
        rates=rates,
    )(Funds(row.currency, row.equity or Decimal(0), row.balance or Decimal(0), 0.0), row.result)
    return sized.ratio if isinstance(sized, Size) and sized.grows else None
