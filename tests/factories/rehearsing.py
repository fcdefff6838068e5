"""Histories of a master for rehearsals: events in order, an hour apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from apps.copytrading.domain.events import EventKind
from apps.copytrading.domain.rehearsal import Heard, Mark, Terms
from apps.copytrading.domain.volume import Funds
from apps.trading.orders import Side
from tests.factories.copying import EURUSD, NOW, RATES, event, funds, row

K = 1_000


class History:
    """A master's events; volumes in thousands of units, position ``key`` held on ``side``."""

    def __init__(self, master: Funds | None = None) -> None:
        self.items: list[Heard | Mark] = []
        self.master = master or funds(10_000)
        self._units: dict[str, int] = {}
        self._sides: dict[str, Side] = {}

    def trade(
        self, key: str, thousands: int, price: str, side: Side = Side.BUY, **changes: Any
    ) -> History:
        """The position is ``thousands`` large from now on; on another side: a reversal."""
        before, held_on = self._units.get(key, 0), self._sides.get(key, side)
        if not before:
            kind = EventKind.OPENED
        elif held_on is not side:
            kind = EventKind.REVERSED
        elif thousands > before:
            kind = EventKind.INCREASED
        else:
            kind = EventKind.REDUCED if thousands else EventKind.CLOSED
        self._units[key], self._sides[key] = thousands, side
        return self.add(
            kind, before * K, thousands * K, key, price=Decimal(price), side=side, **changes
        )

    def add(self, kind: EventKind, before: int, after: int, key: str, **changes: Any) -> History:
        number = len(self.items) + 1
        heard = event(kind, before, after, id=number, position_key=key, **changes)
        at = NOW + timedelta(hours=number)
        moved = replace(heard, ts_event=at, received_at=at, happened_at=at)
        self.items.append(Heard(moved, self.master))
        return self

    def mark(self, price: str, instrument_id: str = "1") -> History:
        at = NOW + timedelta(hours=len(self.items) + 1)
        self.items.append(Mark(at, instrument_id, Decimal(price)))
        return self


def terms(**changes: Any) -> Terms:
    """A one-to-one copy on an account of 10,000 USD with leverage 100; settings as keywords."""
    own: dict[str, Any] = {
        name: changes.pop(name)
        for name in ("symbols", "rates", "friction", "stop_out_level")
        if name in changes
    }
    settings = {"leverage": Decimal(100), "netting": False} | changes
    return Terms(
        **{
            "row": row(**settings),
            "symbols": {"1": EURUSD},
            "master_symbols": {"1": EURUSD},
            "rates": RATES,
        }
        | own
    )
