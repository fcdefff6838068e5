"""Comparing an account with its copies: nothing where all is right, and remedies that end it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from apps.copytrading.domain.drift import (
    GRACE,
    ByHand,
    Difference,
    DriftKind,
    HeldClose,
    Holdings,
    Origin,
    Place,
    Share,
    compare,
    remedy,
)
from apps.copytrading.models import Drift
from apps.trading.orders import Leg, Side

D = Decimal
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
CALM = NOW - 2 * GRACE

sides = st.sampled_from(list(Side))
units = st.integers(1, 40).map(lambda n: D(n) * 1000)


def share(link: int, side: Side, held: Decimal, position: str, moving: bool = False) -> Share:
    return Share(link, 7, position, "1", side, held, moving)


def place(position: str, side: Side, there: Decimal, changed_at: datetime = CALM) -> Place:
    return Place(position, "1", side, there, changed_at)


@st.composite
def worlds(draw: st.DrawFn) -> Holdings:
    """Links on positions, several of one side sharing one, and positions unlike them."""
    shares: list[Share] = []
    places: dict[str, Place] = {}
    origins: dict[str, Origin] = {}
    for n in range(draw(st.integers(0, 4))):
        position, side = f"p{n}", draw(sides)
        for _ in range(draw(st.integers(1, 3))):
            shares.append(share(len(shares) + 1, side, draw(units), position))
        if draw(st.booleans()):
            places[position] = place(position, draw(sides), draw(units))
    for n in range(draw(st.integers(0, 3))):
        position = f"o{n}"
        places[position] = place(position, draw(sides), draw(units))
        if draw(st.booleans()):
            origins[position] = Origin(7)
    return Holdings(
        shares, places, origins, follows_hand=False, reports_foreign=draw(st.booleans())
    )


def agreeing(world: Holdings) -> Holdings:
    """The same links with exactly the positions that they should have."""
    places: dict[str, Place] = {}
    for held in world.shares:
        before = places.get(held.position_id)
        total = held.units + (before.units if before else D(0))
        places[held.position_id] = place(held.position_id, held.side, total)
    return Holdings(world.shares, places, follows_hand=False, reports_foreign=True)


@given(worlds())
def test_nothing_differs_where_positions_are_what_links_hold(world: Holdings) -> None:
    assert compare(agreeing(world), NOW).found == ()


@given(worlds(), st.data())
def test_nothing_is_said_of_what_moves_or_is_young(world: Holdings, data: st.DataObject) -> None:
    young = {
        pid: p._replace(changed_at=NOW - data.draw(st.floats(0, 2.9)) * timedelta(seconds=1))
        for pid, p in world.places.items()
    }
    moving = [held._replace(moving=True) for held in world.shares]
    seen = compare(Holdings(moving, young, world.origins, reports_foreign=True), NOW)
    assert seen.found == ()
    assert seen.undecided_links == {held.link_id for held in moving}
    named = {position for held in moving if (position := held.position_id)}
    assert named | set(young) <= seen.undecided


def apply(world: Holdings, found: Difference) -> Holdings:
    """The world after the remedy of a difference was filled."""
    order = remedy(found)
    assert order is not None and order.units > 0
    places = dict(world.places)
    shares = list(world.shares)
    if order.leg is Leg.CLOSE:
        before = places[order.position_id]
        assert order.side is before.side.opposite and order.units <= before.units
        places[order.position_id] = before._replace(units=before.units - order.units)
        return Holdings(
            shares, places, world.origins, follows_hand=False,
            reports_foreign=world.reports_foreign,
        )  # fmt: skip
    position = order.position_id or f"new{found.link_id}"
    held = places.get(position)
    there = held.units if held and held.units > 0 else D(0)
    places[position] = place(position, order.side, there + order.units)
    shares = [s._replace(position_id=position) if s.link_id == found.link_id else s for s in shares]
    return Holdings(
        shares, places, world.origins, follows_hand=False, reports_foreign=world.reports_foreign
    )


@given(worlds())
def test_remedies_end_all_differences(world: Holdings) -> None:
    for _ in range(3):  # a wrong side is closed first and then missing
        for found in compare(world, NOW).found:
            world = apply(world, found)
    assert compare(world, NOW).found == ()


@given(worlds())
def test_every_unit_of_a_difference_is_told_once(world: Holdings) -> None:
    found = compare(world, NOW).found
    assert len({(one.kind, one.key) for one in found}) == len(found)
    for position, there in world.places.items():
        held = [s for s in world.shares if s.position_id == position]
        expected = sum((s.side.sign * s.units for s in held), D(0))
        actual = there.side.sign * there.units
        if not held or expected * actual <= 0:
            continue
        of_it = [one for one in found if one.position_id == position]
        told = sum((one.actual - one.expected for one in of_it), D(0))
        assert told == abs(actual) - abs(expected)


def test_a_copy_goes_along_with_its_owner_where_that_is_wanted() -> None:
    held = [share(1, Side.BUY, D(2000), "p")]
    smaller = {"p": place("p", Side.BUY, D(1000))}
    gone = {"p": place("p", Side.BUY, D(0))}
    for places in (smaller, gone):
        assert compare(Holdings(held, places), NOW).found == ()
        assert len(compare(Holdings(held, places, follows_hand=False), NOW).found) == 1
    # A position that was never seen cannot have been closed by hand.
    assert [f.kind for f in compare(Holdings(held), NOW).found] == [DriftKind.MISSING]
    reported = Holdings(held, gone, reported=frozenset({"p"}))
    assert [f.kind for f in compare(reported, NOW).found] == [DriftKind.MISSING]


def test_what_the_position_s_own_stop_took_is_followed_in_every_mode() -> None:
    held = [share(1, Side.BUY, D(2000), "p")]
    gone = {"p": place("p", Side.BUY, D(0))}
    stopped = Holdings(
        held, gone, by_hand={"p": ByHand(taken=D(2000), stopped=D(2000))}, follows_hand=False
    )
    assert compare(stopped, NOW).found == ()


def test_what_the_owner_added_is_not_too_much() -> None:
    held = [share(1, Side.BUY, D(2000), "p")]
    larger = {"p": place("p", Side.BUY, D(5000))}
    by_hand = {"p": ByHand(added=D(1000))}
    (found,) = compare(Holdings(held, larger, by_hand=by_hand), NOW).found
    assert (found.kind, found.expected, found.actual) == (DriftKind.OVERSIZED, D(3000), D(5000))
    (found,) = compare(Holdings(held, larger, by_hand=by_hand, follows_hand=False), NOW).found
    assert found.expected == D(2000)


def test_strays_are_orphans_foreign_or_somebody_s() -> None:
    places = {pid: place(pid, Side.SELL, D(1000)) for pid in ("ours", "bots", "theirs")}
    origins = {"ours": Origin(7), "bots": Origin(None, released=True)}
    lenient = compare(Holdings((), places, origins), NOW).found
    assert [(f.kind, f.key) for f in lenient] == [(DriftKind.ORPHAN, "position:ours")]
    strict = compare(Holdings((), places, origins, reports_foreign=True), NOW).found
    assert {(f.kind, f.key) for f in strict} == {
        (DriftKind.ORPHAN, "position:ours"),
        (DriftKind.FOREIGN, "position:theirs"),
    }


def test_what_was_accepted_is_not_told_again_until_it_grows() -> None:
    places = {"p": place("p", Side.SELL, D(2000))}
    accepted = {("orphan", "position:p"): D(2000)}
    origins = {"p": Origin(7)}
    assert compare(Holdings((), places, origins, accepted=accepted), NOW).found == ()
    grown = {"p": place("p", Side.SELL, D(3000))}
    assert len(compare(Holdings((), grown, origins, accepted=accepted), NOW).found) == 1


def test_a_held_close_says_what_would_be_left() -> None:
    close = HeldClose("c1", 7, "p", "1", Side.SELL, D(1000), "kill switch")
    world = Holdings(
        [share(1, Side.BUY, D(3000), "p", moving=True)],
        {"p": place("p", Side.BUY, D(3000))},
        held_closes=[close],
    )
    (found,) = compare(world, NOW).found
    assert (found.kind, found.side) == (DriftKind.HELD_CLOSE, Side.BUY)
    assert (found.expected, found.actual, found.note) == (D(2000), D(3000), "kill switch")
    assert remedy(found) is None


def test_a_resting_order_that_filled_first_holds_its_position() -> None:
    held = [share(0, Side.BUY, D(1000), "p")]
    places = {"p": place("p", Side.BUY, D(1000))}
    assert compare(Holdings(held, places, {"p": Origin(7)}), NOW).found == ()


def test_stored_kinds_are_these() -> None:
    assert {kind.value for kind in DriftKind} == set(Drift.Kind.values)
