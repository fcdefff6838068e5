"""What is known of the trades of masters and their copies, read for many copies at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

import orjson
from django.db import connection

from apps.analytics import gap_sql as sql
from apps.analytics.domain.rounds import Fill, Round, rounds
from apps.platforms import selectors as platforms
from apps.trading.deals import DealEffect
from apps.trading.orders import Side
from apps.trading.quantity import ZERO


class Place(NamedTuple):
    """A master's position as one copy sees it."""

    subscription_id: int
    position_key: str


class CopyTerms(NamedTuple):
    """A copy's settings as far as they size what it skipped; money in its account's currency."""

    subscription_id: int
    created_at: datetime
    account_id: int
    connection_id: int
    currency: str
    equity: Decimal | None
    reverse: bool
    mode: str
    multiplier: Decimal
    fixed_volume: Decimal
    allocated: Decimal
    master_account_id: int
    master_connection_id: int
    master_currency: str
    master_equity: Decimal | None


class CloseFill(NamedTuple):
    """Units of a link that were closed; ``cause`` is that of our order, '' for others' deals."""

    units: Decimal
    price: Decimal
    cause: str


@dataclass(slots=True)
class LinkFacts:
    """A trade link and the follower's deals. Money in the account's currency.

    ``floating`` and ``mark`` are open result and price now of what it holds, or of what it held
    when it left its copy.
    """

    id: int
    state: str
    side: Side
    symbol: str
    instrument_id: str
    ratio: Decimal
    grows: bool
    held: Decimal
    stop_loss: Decimal | None
    take_profit: Decimal | None
    result: Decimal
    opened_event_id: int
    opened_at: datetime
    closed_at: datetime | None
    units: Decimal
    entry: Decimal
    floating: Decimal
    mark: Decimal | None
    costs: Decimal = ZERO
    closes: list[CloseFill] = field(default_factory=list)


class Answer(NamedTuple):
    """What became of one opening event of the master for one copy."""

    state: str
    code: str
    units: Decimal
    filled: Decimal
    numbers: Mapping[str, Any]


class Converts(Protocol):
    """Exchange rates of one moment; NoConversionRate where there is none."""

    def rate(self, source: str, target: str) -> Decimal: ...


@dataclass(slots=True)
class Facts:
    """Everything that the gaps of some places are computed from."""

    copies: dict[int, CopyTerms]
    rounds: dict[tuple[int, str], list[Round]]
    instruments: dict[tuple[int, str], str]
    events: dict[tuple[int, str], int]
    links: dict[Place, list[LinkFacts]]
    answers: dict[tuple[int, int], Answer]
    symbols: dict[tuple[int, str], tuple[str, str, Decimal]]
    marks: dict[tuple[int, str], tuple[Decimal, Decimal]]
    ratios: dict[int, Decimal]
    rates: Converts


def load_facts(places: Collection[Place]) -> Facts:
    """All that is known of these places: a query for each kind of thing, whatever their number."""
    copies = {
        row[0]: CopyTerms(*row)
        for row in _rows(sql.COPIES, [sorted({place.subscription_id for place in places})])
    }
    known = [place for place in places if place.subscription_id in copies]
    positions = {(copies[p.subscription_id].master_account_id, p.position_key) for p in known}
    made, instruments = _rounds(positions)
    events = _events(made)
    links = _links(known, copies)
    symbols, marks = _symbols(copies.values(), instruments, links)
    connections = {c.connection_id for c in copies.values()}
    connections |= {c.master_connection_id for c in copies.values()}
    return Facts(
        copies=copies,
        rounds=made,
        instruments=instruments,
        events=events,
        links=links,
        answers=_answers(made, events, copies),
        symbols=symbols,
        marks=marks,
        ratios=dict(_rows(sql.RATIOS, [sorted(copies)])),
        rates=platforms.rates(sorted(connections)),
    )


def _rounds(
    positions: Collection[tuple[int, str]],
) -> tuple[dict[tuple[int, str], list[Round]], dict[tuple[int, str], str]]:
    fills: dict[tuple[int, str], list[Fill]] = defaultdict(list)
    instruments: dict[tuple[int, str], str] = {}
    for account_id, position_id, instrument_id, deal_id, at, side, effect, *rest in _rows(
        sql.DEALS, _columns(positions, 2)
    ):
        place = (account_id, position_id)
        instruments[place] = instrument_id
        fills[place].append(Fill(deal_id, at, Side(side), DealEffect(effect), *rest))
    return {place: rounds(some) for place, some in fills.items()}, instruments


def _events(made: Mapping[tuple[int, str], Sequence[Round]]) -> dict[tuple[int, str], int]:
    """Journaled events by account and deal."""
    wanted = [
        (account_id, f"deal:{deal_id}")
        for (account_id, _), some in made.items()
        for one in some
        for deal_id in one.deal_ids()
    ]
    return {
        (account_id, key.removeprefix("deal:")): pk
        for account_id, key, pk in _rows(sql.EVENTS, _columns(wanted, 2))
    }


def _links(
    places: Sequence[Place], copies: Mapping[int, CopyTerms]
) -> dict[Place, list[LinkFacts]]:
    found: dict[Place, list[LinkFacts]] = defaultdict(list)
    by_id: dict[int, LinkFacts] = {}
    wanted = [
        (copies[p.subscription_id].master_account_id, p.position_key, p.subscription_id)
        for p in places
    ]
    for subscription_id, position_key, pk, state, side, *rest in _rows(
        sql.LINKS, _columns(wanted, 3)
    ):
        link = by_id[pk] = LinkFacts(pk, state, Side(side), *rest)
        found[Place(subscription_id, position_key)].append(link)
    opened: dict[int, Decimal] = defaultdict(Decimal)
    for link_id, effect, units, price, costs, cause in _rows(sql.LINK_DEALS, [sorted(by_id)]):
        link = by_id[link_id]
        link.costs += costs
        if effect == DealEffect.OPEN:
            opened[link_id] += units
        else:
            link.closes.append(CloseFill(units, price, cause))
    for link_id, units in opened.items():
        _own_share(by_id[link_id], units)
    return found


def _own_share(link: LinkFacts, opened: Decimal) -> None:
    """Of a position that others have a share in: what of it is the link's."""
    if opened <= 0 or link.units >= opened:
        return
    share = link.units / opened
    link.costs *= share
    link.closes = [close._replace(units=close.units * share) for close in link.closes]


def _answers(
    made: Mapping[tuple[int, str], Sequence[Round]],
    events: Mapping[tuple[int, str], int],
    copies: Mapping[int, CopyTerms],
) -> dict[tuple[int, int], Answer]:
    opening = [
        events[account_id, part.deal_id]
        for (account_id, _), some in made.items()
        for one in some
        for part in one.entries
        if (account_id, part.deal_id) in events
    ]
    return {
        (event_id, subscription_id): Answer(state, code, units, filled, orjson.loads(numbers))
        for event_id, subscription_id, state, code, units, filled, numbers in _rows(
            sql.ANSWERS, [opening, sorted(copies)]
        )
    }


def _symbols(
    copies: Iterable[CopyTerms],
    instruments: Mapping[tuple[int, str], str],
    links: Mapping[Place, Sequence[LinkFacts]],
) -> tuple[
    dict[tuple[int, str], tuple[str, str, Decimal]], dict[tuple[int, str], tuple[Decimal, Decimal]]
]:
    by_id = {copy.subscription_id: copy for copy in copies}
    masters = {copy.master_account_id: copy.master_connection_id for copy in by_id.values()}
    wanted = {(masters[account], name) for (account, _), name in instruments.items()}
    wanted |= {
        (by_id[place.subscription_id].connection_id, link.instrument_id)
        for place, some in links.items()
        for link in some
    }
    symbols, marks = {}, {}
    for connection_id, instrument_id, name, quote, lot, bid, ask in _rows(
        sql.SYMBOLS, _columns(wanted, 2)
    ):
        symbols[connection_id, instrument_id] = (name, quote, lot)
        if bid is not None:
            marks[connection_id, instrument_id] = (bid, ask)
    return symbols, marks


def _columns(records: Collection[tuple[Any, ...]], width: int) -> list[list[Any]]:
    if not records:
        return [[] for _ in range(width)]
    return [list(column) for column in zip(*records, strict=True)]


def _rows(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())
