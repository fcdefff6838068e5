"""What copies should hold by their own fills against what is there, on one account.

Nothing is judged while it may still be right in a moment: a position with an order of ours
under way, or one that changed a moment ago, is left undecided.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from apps.trading.orders import Leg, Side
from apps.trading.quantity import ZERO

#: How long a position must have stood still before it is judged.
GRACE = timedelta(seconds=3)


class DriftKind(enum.StrEnum):
    """The ways in which an account can differ from what its copies should hold."""

    MISSING = "missing"  # a copy holds it, the position is gone
    ORPHAN = "orphan"  # an order of ours opened it, or rests there, and no copy holds it
    OVERSIZED = "oversized"
    UNDERSIZED = "undersized"
    WRONG_SIDE = "wrong_side"
    FOREIGN = "foreign"  # opened by hand where that is not wanted
    HELD_CLOSE = "held_close"  # a close that waits at the gateway


class Share(NamedTuple):
    """What one link holds of a position by its own fills; ``moving``: an order is under way.

    ``link_id`` is 0 for a resting order that has filled before its master's: it holds the
    position, and is nobody's to repair. ``owner_closes``: the copy only opens, its owner closes.
    """

    link_id: int
    subscription_id: int
    position_id: str
    instrument_id: str
    side: Side
    units: Decimal
    moving: bool = False
    owner_closes: bool = False


class Place(NamedTuple):
    """A position as the platform showed it last; 0 units: it is gone."""

    position_id: str
    instrument_id: str
    side: Side
    units: Decimal
    changed_at: datetime


class Origin(NamedTuple):
    """How a position came from us. ``released``: it is its owner's now, or another module's."""

    subscription_id: int | None
    released: bool = False
    moving: bool = False


class ByHand(NamedTuple):
    """Units that orders which were not ours added to a position and took from it.

    ``stopped`` of those taken were taken at the position's own stop loss or take profit.
    """

    added: Decimal = ZERO
    taken: Decimal = ZERO
    stopped: Decimal = ZERO


class StrayOrder(NamedTuple):
    """An order of ours that rests although its copy has ended, or never was."""

    platform_order_id: str
    subscription_id: int | None
    instrument_id: str
    side: Side
    units: Decimal


class HeldClose(NamedTuple):
    """A close that is wanted and does not get through, with the reason.

    ``client_order_id`` is that of its order, or names the link whose close is tried again.
    """

    client_order_id: str
    subscription_id: int | None
    position_id: str
    instrument_id: str
    side: Side
    units: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class Holdings:
    """All that is known of one account.

    ``moving`` names positions with an order of ours under way or just ended, ``reported``
    those that stand as wrong or missing already, ``accepted`` the units up to which a person
    let a difference be, by kind and key. Where ``follows_hand`` a copy goes along with what
    its owner does by hand; where ``reports_foreign`` trading by hand is not wanted at all.
    """

    shares: Sequence[Share] = ()
    places: Mapping[str, Place] = field(default_factory=dict)
    origins: Mapping[str, Origin] = field(default_factory=dict)
    by_hand: Mapping[str, ByHand] = field(default_factory=dict)
    moving: frozenset[str] = frozenset()
    reported: frozenset[str] = frozenset()
    accepted: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)
    held_closes: Sequence[HeldClose] = ()
    stray_orders: Sequence[StrayOrder] = ()
    follows_hand: bool = True
    reports_foreign: bool = False


class Difference(NamedTuple):
    """One difference. ``key`` names its place; ``side`` is that of what should be held, or of
    what is there where nothing should be. Units are absolute."""

    kind: DriftKind
    key: str
    link_id: int | None
    subscription_id: int | None
    position_id: str
    instrument_id: str
    side: Side
    expected: Decimal
    actual: Decimal
    note: str = ""

    @property
    def platform_order_id(self) -> str:
        """The platform's id of the order that rests; '' where it is about a position."""
        return order_of(self.key)


class Comparison(NamedTuple):
    """What differs, and which positions and links cannot be judged now."""

    found: tuple[Difference, ...]
    undecided: frozenset[str]
    undecided_links: frozenset[int]


class Remedy(NamedTuple):
    """The order at market, or the cancel, that would end a difference."""

    leg: Leg
    side: Side
    units: Decimal
    position_id: str
    platform_order_id: str = ""


_RESTS = "resting:"


def order_of(key: str) -> str:
    """The platform's id of the resting order of which a difference with this key tells."""
    return key.removeprefix(_RESTS) if key.startswith(_RESTS) else ""


def remedy(found: Difference) -> Remedy | None:
    """What to send against a difference; None where nothing of ours would help."""
    kind, side = found.kind, found.side
    if kind is DriftKind.HELD_CLOSE:
        return None
    if found.platform_order_id:
        return Remedy(Leg.CANCEL, side, found.actual, "", found.platform_order_id)
    if kind is DriftKind.MISSING:
        return Remedy(Leg.OPEN, side, found.expected, "")
    if kind is DriftKind.UNDERSIZED:
        return Remedy(Leg.OPEN, side, found.expected - found.actual, found.position_id)
    if kind is DriftKind.WRONG_SIDE:
        return Remedy(Leg.CLOSE, side, found.actual, found.position_id)
    return Remedy(Leg.CLOSE, side.opposite, found.actual - found.expected, found.position_id)


def compare(holdings: Holdings, now: datetime, grace: timedelta = GRACE) -> Comparison:
    """Compare one account at ``now``; positions younger than ``grace`` are not judged."""
    return _Comparing(holdings, now - grace).result()


class _Comparing:
    """One comparison; collects what it finds."""

    def __init__(self, holdings: Holdings, settled_by: datetime) -> None:
        self._all = holdings
        self._settled_by = settled_by
        self._found: list[Difference] = []
        self._undecided: set[str] = set()
        self._undecided_links: set[int] = set()

    def result(self) -> Comparison:
        groups: dict[str, list[Share]] = defaultdict(list)
        for share in self._all.shares:
            # One whose position is not known shares it with nobody.
            groups[share.position_id or f"link:{share.link_id}"].append(share)
        for shares in groups.values():
            self._held(shares)
        for position_id, place in self._all.places.items():
            if place.units > 0 and position_id not in groups:
                self._unheld(place)
        for order in self._all.stray_orders:
            self._rests(order)
        for close in self._all.held_closes:
            self._held_close(close)
        found = tuple(one for one in self._found if not self._accepted(one))
        return Comparison(found, frozenset(self._undecided), frozenset(self._undecided_links))

    def _accepted(self, one: Difference) -> bool:
        upto = self._all.accepted.get((one.kind.value, one.key))
        return upto is not None and one.actual <= upto

    # --- positions that links hold ---------------------------------------------------------
    def _held(self, shares: Sequence[Share]) -> None:
        position_id = shares[0].position_id
        place = self._all.places.get(position_id) if position_id else None
        if any(share.moving for share in shares) or self._moves(position_id, place):
            self._undecided.update([position_id] if position_id else [])
            self._undecided_links.update(share.link_id for share in shares)
            return
        expected = sum((share.side.sign * share.units for share in shares), ZERO)
        actual = place.side.sign * place.units if place is not None else ZERO
        if place is None or actual == 0:
            self._short(shares, place, ZERO)
        elif expected * actual < 0:
            self._as_a_whole(DriftKind.WRONG_SIDE, shares, abs(expected), place)
        elif abs(actual) > abs(expected):
            self._oversized(shares, abs(expected), place)
        elif abs(actual) < abs(expected):
            self._short(shares, place, abs(actual))

    def _moves(self, position_id: str, place: Place | None) -> bool:
        young = place is not None and place.changed_at > self._settled_by
        return young or position_id in self._all.moving

    def _oversized(self, shares: Sequence[Share], expected: Decimal, place: Place) -> None:
        if self._all.follows_hand:  # what the owner added is the owner's
            added = self._all.by_hand.get(place.position_id, ByHand()).added
            expected += min(added, place.units - expected)
        if place.units > expected:
            self._as_a_whole(DriftKind.OVERSIZED, shares, expected, place)

    def _as_a_whole(
        self, kind: DriftKind, shares: Sequence[Share], expected: Decimal, place: Place
    ) -> None:
        newest = max(shares, key=lambda share: share.link_id)
        side = place.side if kind is DriftKind.OVERSIZED else place.side.opposite
        self._found.append(
            Difference(
                kind, f"position:{place.position_id}", newest.link_id or None,
                newest.subscription_id, place.position_id, place.instrument_id, side,
                expected, place.units,
            )
        )  # fmt: skip

    def _short(self, shares: Sequence[Share], place: Place | None, actual: Decimal) -> None:
        """What is there goes to the oldest links; the others miss theirs."""
        if self._goes_along(shares, place, actual):
            return
        left = actual
        for share in sorted(shares, key=lambda share: share.link_id):
            has = min(share.units, left)
            left -= has
            if has == share.units or not share.link_id:
                continue
            kind = DriftKind.UNDERSIZED if actual > 0 else DriftKind.MISSING
            self._found.append(
                Difference(
                    kind, f"link:{share.link_id}", share.link_id, share.subscription_id,
                    share.position_id, share.instrument_id, share.side, share.units, has,
                )
            )  # fmt: skip

    def _goes_along(self, shares: Sequence[Share], place: Place | None, actual: Decimal) -> bool:
        """Whether the copy shrinks with the position instead of missing what was taken."""
        if place is None:
            return False
        position_id = place.position_id
        if self._all.follows_hand or all(share.owner_closes for share in shares):
            return position_id not in self._all.reported
        short = sum((share.units for share in shares), ZERO) - actual
        return self._all.by_hand.get(position_id, ByHand()).stopped >= short

    # --- positions that nobody holds ---------------------------------------------------------
    def _unheld(self, place: Place) -> None:
        origin = self._all.origins.get(place.position_id)
        if self._moves(place.position_id, place) or (origin is not None and origin.moving):
            self._undecided.add(place.position_id)
        elif origin is None:
            if self._all.reports_foreign:
                self._stray(DriftKind.FOREIGN, place, None)
        elif not origin.released:
            self._stray(DriftKind.ORPHAN, place, origin.subscription_id)

    def _stray(self, kind: DriftKind, place: Place, subscription_id: int | None) -> None:
        self._found.append(
            Difference(
                kind, f"position:{place.position_id}", None, subscription_id, place.position_id,
                place.instrument_id, place.side, ZERO, place.units,
            )
        )  # fmt: skip

    def _rests(self, order: StrayOrder) -> None:
        self._found.append(
            Difference(
                DriftKind.ORPHAN, f"{_RESTS}{order.platform_order_id}", None,
                order.subscription_id, "", order.instrument_id, order.side, ZERO, order.units,
            )
        )  # fmt: skip

    def _held_close(self, close: HeldClose) -> None:
        place = self._all.places.get(close.position_id)
        actual = place.units if place is not None else close.units
        self._found.append(
            Difference(
                DriftKind.HELD_CLOSE, f"order:{close.client_order_id}", None,
                close.subscription_id, close.position_id, close.instrument_id,
                close.side.opposite, max(ZERO, actual - close.units), actual, close.reason,
            )
        )  # fmt: skip
