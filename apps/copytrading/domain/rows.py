"""What planning knows: the market around it, and one row per subscription."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.link import Link
from apps.copytrading.domain.mapping import Symbol
from apps.copytrading.domain.numbers import Numbers
from apps.copytrading.domain.rounding import Limits
from apps.copytrading.domain.volume import Converts, Funds, Sizing
from apps.trading.orders import Side


class Decided(NamedTuple):
    """A decision that an interrupted run has already committed, with the link it made."""

    event_id: int
    link: Link


class Row(NamedTuple):
    """One subscription with its follower account, at the moment of planning.

    ``key`` is the subscription's lasting identity, part of its order ids. ``hold`` is why no
    new volume may be opened, None where it may. ``links`` holds the open links of the
    positions concerned and ``decided`` what an interrupted run left, both by position key.
    """

    subscription_id: int
    key: str
    account_id: int
    platform_account: str
    connection_id: int
    netting: bool
    hold: Code | None
    sizing: Sizing
    round_up: bool
    min_volume: Decimal
    max_volume: Decimal
    copy_sl: bool
    copy_tp: bool
    max_delay: timedelta
    started_after: int
    funds: Funds
    own_result: Decimal
    links: Mapping[str, Link]
    decided: Mapping[str, Decided]


@dataclass(slots=True)
class Market:
    """Everything that the rows of one planning have in common.

    ``symbols`` gives a follower connection's symbol for a master's instrument, None where
    there is none. ``in_use`` names who holds a symbol of a netting account: subscription and
    side by (account, instrument). ``common`` keeps the numbers that many rows share.
    """

    now: datetime
    master: Funds
    stale_after_s: float
    master_symbols: Mapping[str, Symbol]
    symbols: Mapping[tuple[int, str], Symbol | None]
    rates: Converts
    in_use: Mapping[tuple[int, str], tuple[tuple[int, Side], ...]] = field(default_factory=dict)
    common: dict[tuple[object, ...], Numbers] = field(default_factory=dict)
    _limits: dict[tuple[object, ...], Limits] = field(default_factory=dict)

    def limits(self, row: Row, symbol: Symbol) -> Limits:
        """The volume rules of a subscription for a symbol, made once for all alike."""
        key = (
            row.connection_id,
            symbol.instrument_id,
            row.min_volume,
            row.max_volume,
            row.round_up,
        )
        found = self._limits.get(key)
        if found is None:
            found = self._limits[key] = _limits(row, symbol)
        return found


def _limits(row: Row, symbol: Symbol) -> Limits:
    maxima = [m for m in (symbol.max_units, row.max_volume * symbol.lot_units) if m > 0]
    return Limits(
        step=symbol.step_units,
        minimum=symbol.min_units,
        open_minimum=max(symbol.min_units, row.min_volume * symbol.lot_units),
        maximum=min(maxima, default=Decimal(0)),
        round_up=row.round_up,
    )
