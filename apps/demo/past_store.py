"""Storing the demo's past as a real account's would stand there, by COPY.

Deals, positions and the journal of masters come first, so that a subscription that is made now
begins behind them; links and results of copies follow. No outcome is made up: the ledger begins
with what the engine really did. Ids of the past are shorter than those that the venue gives.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils import timezone

from apps.analytics import api as analytics
from apps.analytics import partitions
from apps.copytrading.domain.link import LinkState
from apps.copytrading.models import CopyFollower, CopyMaster, CopySubscription
from apps.demo import plan
from apps.demo.domain.past.book import Fill, Holding, PastBook
from apps.demo.domain.past.mirror import PastCopy
from apps.demo.past import Past
from apps.demo.past_copies import PastCopies
from apps.execution import journal
from apps.execution.intents import client_order_id
from apps.platforms.models import TradingAccount
from apps.trading.deals import DealEffect

_POSITION, _DEAL, _ORDER = 1_000_000, 2_000_000, 3_000_000
_HEARD = timedelta(milliseconds=30)
_PLANNED = timedelta(milliseconds=45)
_EVENTS = (
    "COPY execution_accountevent (id, account_id, connection_id, kind, dedupe_key, position_id, "
    "payload, trace_id, ts_event, received_at, planned_at) FROM STDIN"
)
_DEALS = (
    "COPY execution_deal (account_id, deal_id, platform_order_id, client_order_id, position_id, "
    "instrument_id, side, effect, units, price, commission, swap, profit, balance, executed_at, "
    "received_at) FROM STDIN"
)
_POSITIONS = (
    "COPY execution_position (account_id, position_id, instrument_id, side, units, price, tag, "
    "margin, open_result, changes, opened_at, closed_at, updated_at) FROM STDIN"
)
_LINKS = (
    "COPY copytrading_tradelink (id, subscription_id, master_account_id, account_id, position_key, "
    "symbol, instrument_id, side, state, ratio, grows, master_units, target_units, held_units, "
    "position_id, in_flight, close_cause, master_price, result, opened_event_id, last_event_id, "
    "opened_at, closed_at) FROM STDIN"
)
_LEGS = (
    "COPY copytrading_linkleg (link_id, account_id, position_id, units, opened_units, open_price, "
    "seen_deal_id, opened_at, closed_at) FROM STDIN"
)
_SAMPLES = (
    "COPY analytics_equitysample (account_id, at, known_at, balance, equity, margin_used, "
    "deposits) FROM STDIN"
)

Subscriptions = Mapping[tuple[str, str], CopySubscription]


class PastStore:
    """Writes a past for the accounts ``held`` (by key); in the caller's transaction."""

    def __init__(self, past: Past, held: Mapping[str, TradingAccount]) -> None:
        self._past = past
        self._held = held
        self._masters = {m.character: past.books.get(m.account.key) for m in plan.MASTERS}
        self._keys = {m.character: m.account.key for m in plan.MASTERS}
        self._events: dict[tuple[str, int], int] = {}
        self._numbers: dict[Holding, int] = {}
        self._opened: dict[Holding, Decimal] = {}
        self._before: dict[str, int] = {}  # deals of the accounts before each
        deals = 0
        for key, book in past.books.items():
            self._before[key] = deals
            deals += len(book.fills)
            for holding in book.holdings:
                self._numbers[holding] = len(self._numbers) + 1
                self._opened[holding] = Decimal(0)
            for fill in book.fills:
                if fill.effect is DealEffect.OPEN:
                    self._opened[fill.holding] += fill.units

    def events(self) -> None:
        """What the masters did, planned long ago."""
        told = sorted(
            (fill.at, name, place)
            for name, book in self._books()
            for place, fill in enumerate(book.fills)
        )
        ids = _ids("execution_accountevent", len(told))
        rows = []
        for event_id, (_, name, place) in zip(ids, told, strict=True):
            self._events[name, place] = event_id
            rows.append(self._event(event_id, name, place))
        _copy(_EVENTS, rows)

    def rest(self, made: Subscriptions) -> None:
        """Everything else: deals and positions of all accounts, links and results of copies."""
        deals, positions = [], []
        for key, book in self._past.books.items():
            causes = self._causes(key, made)
            deals += [
                self._deal(key, place, causes.get(place, "")) for place in range(len(book.fills))
            ]
            positions += [self._position(key, holding) for holding in book.holdings]
        _copy(_DEALS, deals)
        _copy(_POSITIONS, positions)
        self._links(made)
        self._samples()
        self._dates(made)
        now = timezone.now()
        analytics.keep_up(now=now)
        masters = {name: book for name, book in self._masters.items() if book is not None}
        copies = PastCopies(self._past, masters, made)
        copies.days(now)
        copies.gaps(self._position_id, now)

    def _books(self) -> Iterator[tuple[str, PastBook]]:
        for name, book in self._masters.items():
            if book is not None:
                yield name, book

    def _event(self, event_id: int, name: str, place: int) -> list[Any]:
        book, account = self._masters[name], self._held[self._keys[name]]
        assert book is not None
        fill = book.fills[place]
        payload = self._payload(book, fill, self._before[self._keys[name]] + place)
        heard = fill.at + _HEARD
        return [
            *(event_id, account.pk, account.connection_id, "deal", f"deal:{payload.deal_id}"),
            *(payload.position_id, journal.dump(payload), _trace(event_id)),
            *(fill.at, heard, fill.at + _PLANNED),
        ]

    def _payload(self, book: PastBook, fill: Fill, number: int) -> journal.DealPayload:
        return journal.DealPayload(
            deal_id=str(_DEAL + number),
            platform_order_id=str(_ORDER + number),
            client_order_id="",
            position_id=self._position_id(fill.holding),
            instrument_id=book.prices.terms[fill.holding.symbol].instrument_id,
            symbol=fill.holding.symbol,
            side=fill.side,
            units=fill.units,
            price=fill.price,
            effect=fill.effect,
            position_units=fill.units_after,
            position_side=fill.holding.side if fill.units_after else None,
            position_price=fill.price_after if fill.units_after else None,
            stop_loss=None,
            take_profit=None,
        )

    def _position_id(self, holding: Holding) -> str:
        return str(_POSITION + self._numbers[holding])

    def _causes(self, key: str, made: Subscriptions) -> dict[int, str]:
        """Our order ids of an account's copied fills, by place."""
        found: dict[int, str] = {}
        book = self._past.books[key]
        for (account, master), copy in self._past.copies.items():
            if account != key:
                continue
            for place, cause in copy.causes.items():
                leg = "open" if book.fills[place].effect is DealEffect.OPEN else "close"
                event = self._events[master, cause]
                found[place] = client_order_id(event, made[account, master].pk, leg)
        return found

    def _deal(self, key: str, place: int, cause: str) -> list[Any]:
        fill, number = self._past.books[key].fills[place], self._before[key] + place
        instrument = self._past.books[key].prices.terms[fill.holding.symbol].instrument_id
        return [
            *(self._held[key].pk, str(_DEAL + number), str(_ORDER + number), cause),
            *(self._position_id(fill.holding), instrument, fill.side.value, fill.effect.value),
            *(fill.units, fill.price, fill.commission, fill.swap, fill.profit, fill.balance),
            *(fill.at, fill.at + _HEARD),
        ]

    def _position(self, key: str, holding: Holding) -> list[Any]:
        instrument = self._past.books[key].prices.terms[holding.symbol].instrument_id
        return [
            *(self._held[key].pk, self._position_id(holding), instrument, holding.side.value),
            *(holding.units, holding.price, "", 0, 0, 0),
            *(holding.opened_at, holding.closed_at, holding.closed_at),
        ]

    def _links(self, made: Subscriptions) -> None:
        copies = self._past.copies.items()
        links = [(key, copy, link) for key, copy in copies for link in copy.links.values()]
        rows, legs = [], []
        ids = _ids("copytrading_tradelink", len(links))
        for link_id, (key, copy, link) in zip(ids, links, strict=True):
            rows.append(self._link(link_id, copy, link, made[key]))
            held = link.held
            leg = [link_id, self._held[key[0]].pk, self._position_id(held), 0, self._opened[held]]
            legs.append([*leg, held.price, 0, held.opened_at, held.closed_at])
        _copy(_LINKS, rows)
        _copy(_LEGS, legs)

    def _link(self, link_id: int, copy: PastCopy, link: Any, made: CopySubscription) -> list[Any]:
        book = self._masters[copy.master]
        assert book is not None
        held, first = link.held, book.fills[link.opened_by]
        return [
            *(link_id, made.pk, self._held[self._keys[copy.master]].pk),
            *(self._held[copy.account].pk, self._position_id(link.copied), held.symbol),
            *(book.prices.terms[held.symbol].instrument_id, held.side.value),
            *(LinkState.CLOSED.value, link.size.ratio, link.size.grows, 0, 0, 0),
            *(self._position_id(held), "", "", first.price, link.result),
            *(self._events[copy.master, link.opened_by], self._events[copy.master, link.last_fill]),
            *(held.opened_at, held.closed_at),
        ]

    def _samples(self) -> None:
        first = min(book.samples[0].at for book in self._past.books.values())
        partitions.ensure(first, timezone.now())
        _copy(
            _SAMPLES,
            (
                [self._held[key].pk, s.at, s.at, s.balance, s.equity, s.margin, s.deposits]
                for key, book in self._past.books.items()
                for s in book.samples
            ),
        )

    def _dates(self, made: Subscriptions) -> None:
        """Everything was made when its past began."""
        for key, book in self._past.books.items():
            began = book.samples[0].at
            account = TradingAccount.objects.filter(pk=self._held[key].pk)
            account.update(created_at=began)
            CopyMaster.objects.filter(account__in=account).update(created_at=began)
            CopyFollower.objects.filter(account__in=account).update(created_at=began)
        for pair, copy in self._past.copies.items():
            at = self._past.calendar.at(copy.first)
            CopySubscription.objects.filter(pk=made[pair].pk).update(
                created_at=at, result=copy.result
            )


def _ids(table: str, count: int) -> list[int]:
    """So many ids of a table, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [table, count],
        )
        return sorted(row[0] for row in cursor.fetchall())


def _copy(statement: str, rows: Iterable[Sequence[Any]]) -> None:
    """COPY rows of numbers, moments and plain words; none holds a tab or a backslash."""
    text = "".join("\t".join([_text(value) for value in row]) + "\n" for row in rows)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(text)


def _text(value: Any) -> str:
    if value is None:
        return "\\N"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _trace(event_id: int) -> str:
    return hashlib.blake2b(f"past {event_id}".encode(), digest_size=16).hexdigest()
