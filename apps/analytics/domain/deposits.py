"""Deposits and withdrawals, found as what no trade explains of a balance's changes.

A balance is known at every sample, and platforms tell it with every deal that closes something.
Between two samples it changes by what the deals between them booked; the rest came in or went
out. Which deals a sample already holds is told by its balance where that is the one after a deal
of about that time, else by time: samples and deals are stored by different hands, a moment apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple, Protocol

from apps.trading.deals import DealEffect

#: A sample may hold a deal whose time is so much later than its own: clocks differ.
_SLACK = timedelta(seconds=5)
_ZERO = Decimal(0)


class Reading(NamedTuple):
    """A balance: sampled ``at`` a full minute, unchanged since ``known_at``."""

    at: datetime
    known_at: datetime
    balance: Decimal


class Booking(NamedTuple):
    """What a deal changed a balance by, and the balance after it where that is told."""

    at: datetime
    amount: Decimal
    balance: Decimal | None


class AccountDeal(Protocol):
    """The part of a deal that matters here."""

    @property
    def position_id(self) -> str: ...
    @property
    def effect(self) -> DealEffect: ...
    @property
    def units(self) -> Decimal: ...
    @property
    def commission(self) -> Decimal: ...
    @property
    def swap(self) -> Decimal: ...
    @property
    def profit(self) -> Decimal: ...
    @property
    def balance(self) -> Decimal | None: ...
    @property
    def at(self) -> datetime: ...


def bookings(deals: Iterable[AccountDeal]) -> list[Booking]:
    """What the closing deals of one account booked, in their order.

    ``deals`` must hold every deal of each position that appears, oldest first. The commission of
    an opening is booked with the close, in proportion to the volume, as the Open API does.
    """
    held: dict[str, tuple[Decimal, Decimal]] = {}  # units, and commission that is not booked yet
    booked: list[Booking] = []
    for deal in deals:
        units, owed = held.get(deal.position_id, (_ZERO, _ZERO))
        if deal.effect is DealEffect.OPEN:
            held[deal.position_id] = units + deal.units, owed + deal.commission
            continue
        closed = min(units, deal.units) or deal.units
        share = owed * closed / units if units else _ZERO
        own = deal.commission if closed == deal.units else deal.commission * closed / deal.units
        booked.append(Booking(deal.at, deal.profit + deal.swap + own + share, deal.balance))
        left = max(units - closed, _ZERO), owed - share
        turned = deal.units - closed, deal.commission - own
        held[deal.position_id] = turned if deal.effect is DealEffect.REVERSE else left
    return booked


def unexplained(readings: Sequence[Reading], booked: Sequence[Booking]) -> dict[datetime, Decimal]:
    """Deposits (positive) and withdrawals before each reading but the first, by its ``at``.

    Readings and bookings are in order of time. Where nothing came or went there is no entry. A
    difference within the rounding of the deals between two readings is no deposit.
    """
    found: dict[datetime, Decimal] = {}
    if not readings:
        return found
    smallest = _smallest_money([reading.balance for reading in readings])
    place = _place(readings[0], None, booked, 0)
    for before, reading in pairwise(readings):
        after = _place(reading, before, booked, place)
        change = reading.balance - before.balance
        change -= sum((booking.amount for booking in booked[place:after]), _ZERO)
        if abs(change) > smallest * (after - place):
            found[reading.at] = change.quantize(smallest)
        place = after
    return found


def _place(reading: Reading, before: Reading | None, booked: Sequence[Booking], place: int) -> int:
    """How many of the bookings a reading holds, at least ``place``."""
    late = reading.known_at + _SLACK
    for number in range(len(booked), place, -1):
        booking = booked[number - 1]
        if booking.at <= late and booking.balance == reading.balance:
            return number
    if before is not None and before.balance == reading.balance:
        return place
    timely = sum(booking.at <= reading.known_at for booking in booked)
    return max(place, timely)


def _smallest_money(balances: Iterable[Decimal]) -> Decimal:
    """The last digit that these amounts use, at least a cent."""
    digits = [-int(balance.normalize().as_tuple().exponent) for balance in balances]
    return Decimal(1).scaleb(-max(2, *digits, 2))
