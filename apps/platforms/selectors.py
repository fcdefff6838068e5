"""Reading connections, accounts, their state, symbols and rates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Length

from apps.accounts.models import User
from apps.common.database import prepared_rows
from apps.platforms.models import (
    AccountGroup,
    Connection,
    ConnectionState,
    Quote,
    Symbol,
    TradingAccount,
)
from apps.trading.money import Rates
from apps.trading.schedule import Schedule
from apps.trading.symbols import Instrument, fold


@dataclass(frozen=True, slots=True)
class StateRow:
    """Money of an account in its currency. ``known_at``: when it was last known to hold."""

    account_id: int
    currency: str
    balance: Decimal
    equity: Decimal
    margin_used: Decimal
    open_result: Decimal
    synced: bool
    known_at: datetime

    def age_s(self, now: datetime) -> float:
        """Seconds since these figures were known to be current."""
        return (now - self.known_at).total_seconds()


@dataclass(frozen=True, slots=True)
class SymbolRow:
    """An instrument of a connection with its name folded for matching."""

    connection_id: int
    folded: str
    instrument: Instrument


def accounts_of(user: User) -> QuerySet[TradingAccount]:
    """Active trading accounts of a user with connection, group and state, by name and login.

    Without what pages never show: credentials, which are deciphered one by one, are read when
    they are asked for.
    """
    return (
        TradingAccount.objects.filter(owner=user, active=True)
        .select_related("connection__state", "group", "state")
        .defer("connection__credentials")
        .order_by("name", "login")
    )


def removed_accounts_of(user: User) -> QuerySet[TradingAccount]:
    """Accounts that a user has removed, the latest first."""
    rows = TradingAccount.objects.filter(owner=user, archived_at__isnull=False)
    return rows.order_by("-archived_at")


def account(account_id: int) -> TradingAccount:
    """One account with its connection; TradingAccount.DoesNotExist when there is none."""
    return TradingAccount.objects.select_related("connection").get(pk=account_id)


def accounts_by_id(account_ids: Iterable[int]) -> dict[int, TradingAccount]:
    """Accounts by their id, whoever owns them; unknown ids are left out."""
    return TradingAccount.objects.in_bulk(list(account_ids))


def account_by_uuid(uuid: UUID) -> TradingAccount | None:
    """An account, whoever owns it; for staff."""
    return TradingAccount.objects.filter(uuid=uuid).first()


def find_accounts(login: str, limit: int = 20) -> list[TradingAccount]:
    """Accounts whose login begins so, whoever owns them, with their owners; for staff."""
    found = TradingAccount.objects.filter(login__istartswith=login).select_related("owner")
    return list(found.order_by("login", "id")[:limit])


def connections() -> QuerySet[Connection]:
    """All connections with their state, by name."""
    return Connection.objects.select_related("state").order_by("name")


def account_states(account_ids: Iterable[int]) -> dict[int, StateRow]:
    """Money and its age by account id; an account that was never read is left out.

    A state holds from its last change to the last moment at which its connection was live,
    as long as it is synced.
    """
    rows = prepared_rows(_STATES, [list(account_ids)])
    return {row[0]: _state_row(row[:7], row[7], row[8]) for row in rows}


_STATES = """
SELECT a.id, a.currency, s.balance, s.equity, s.margin_used, s.open_result, s.synced, s.as_of,
       c.live_at
FROM platforms_accountstate s
JOIN platforms_tradingaccount a ON a.id = s.account_id
LEFT JOIN platforms_connectionstate c ON c.connection_id = a.connection_id
WHERE s.account_id = ANY(%s)
"""


def state_of(account: TradingAccount) -> StateRow | None:
    """The same of an account of :func:`accounts_of`, which was read with it; no query."""
    state, link = getattr(account, "state", None), getattr(account.connection, "state", None)
    if state is None:
        return None
    money = (state.balance, state.equity, state.margin_used, state.open_result, state.synced)
    values = (account.pk, account.currency, *money)
    return _state_row(values, state.as_of, link.live_at if link else None)


def _state_row(values: tuple[Any, ...], as_of: datetime, live_at: datetime | None) -> StateRow:
    account_id, currency, balance, equity, margin_used, open_result, synced = values
    known_at = max(as_of, live_at) if synced and live_at else as_of
    return StateRow(
        account_id, currency, balance, equity, margin_used, open_result, synced, known_at
    )


def symbols_by_folded_name(connection_id: int) -> dict[str, Instrument]:
    """Tradable instruments of a connection by folded name, for mapping."""
    rows = Symbol.objects.filter(connection_id=connection_id, tradable=True).order_by("id")
    found: dict[str, Instrument] = {}
    for symbol in rows:
        found.setdefault(symbol.folded, instrument_of(symbol))
    return found


def symbols_by_id(connection_id: int) -> dict[str, SymbolRow]:
    """All instruments of a connection by the platform's instrument id."""
    return {
        s.instrument_id: SymbolRow(connection_id, s.folded, instrument_of(s))
        for s in Symbol.objects.filter(connection_id=connection_id)
    }


def symbols_named(connection_ids: Sequence[int], folded: str) -> dict[int, Instrument]:
    """The instrument with this folded name on each connection that has a tradable one."""
    rows = Symbol.objects.filter(
        connection_id__in=connection_ids, folded=folded, tradable=True
    ).order_by("-id")
    return {s.connection_id: instrument_of(s) for s in rows}


def symbol_names(connection_id: int) -> list[str]:
    """Names of all symbols of a connection, also of those that cannot be traded now."""
    rows = Symbol.objects.filter(connection_id=connection_id).order_by("name")
    return list(rows.values_list("name", flat=True))


def symbol_listing(connection_ids: Sequence[int]) -> dict[int, list[tuple[str, str, bool]]]:
    """Name, folded name and 'can be traded' of all symbols by connection."""
    rows = Symbol.objects.filter(connection_id__in=connection_ids).order_by("name")
    found: dict[int, list[tuple[str, str, bool]]] = {}
    for values in rows.values_list("connection_id", "name", "folded", "tradable"):
        connection_id, name, folded, tradable = values
        found.setdefault(connection_id, []).append((name, folded, tradable))
    return found


def folded_name(connection: Connection, name: str) -> str:
    """A symbol's name reduced with the connection's prefixes and suffixes."""
    return fold(
        name,
        connection.symbol_prefixes.split(","),
        connection.symbol_suffixes.split(","),
    )


def instrument_of(symbol: Symbol) -> Instrument:
    return Instrument(
        instrument_id=symbol.instrument_id,
        name=symbol.name,
        base=symbol.base,
        quote=symbol.quote,
        digits=symbol.digits,
        pip_digits=symbol.pip_digits,
        lot_units=symbol.lot_units,
        min_units=symbol.min_units,
        step_units=symbol.step_units,
        max_units=symbol.max_units,
        description=symbol.description,
        tradable=symbol.tradable,
        schedule=Schedule.from_json(symbol.schedule),
    )


def quotes(connection_id: int) -> dict[str, tuple[Decimal, Decimal, datetime]]:
    """Bid, ask and time by instrument id, as the gateway wrote them last."""
    rows = Quote.objects.filter(connection_id=connection_id)
    return {q.instrument_id: (q.bid, q.ask, q.at) for q in rows}


def rates(connection_ids: int | Sequence[int]) -> Rates:
    """Conversion rates from the latest quotes of one or several connections."""
    ids = [connection_ids] if isinstance(connection_ids, int) else list(connection_ids)
    pairs: dict[tuple[str, str], Decimal] = {}
    names = {
        (connection, instrument): (base, quote)
        for connection, instrument, base, quote in Symbol.objects.filter(
            connection_id__in=ids
        ).values_list("connection_id", "instrument_id", "base", "quote")
    }
    prices = Quote.objects.filter(connection_id__in=ids).values_list(
        "connection_id", "instrument_id", "bid", "ask"
    )
    for connection_id, instrument_id, bid, ask in prices.order_by("at"):
        pair = names.get((connection_id, instrument_id))
        if pair is not None:
            pairs[pair] = (bid + ask) / 2
    return Rates(pairs)


def currency_rates(currencies: Iterable[str]) -> Rates:
    """Rates between these currencies, crossed through dollar or euro, from the newest quotes.

    For sums that are shown: one query, whatever the number of connections and their symbols.
    """
    wanted = {*currencies, "USD", "EUR"}
    found = prepared_rows(_CURRENCY_RATES, {"currencies": sorted(wanted)})
    return Rates({(base, quote): price for base, quote, price in found})


_CURRENCY_RATES = """
SELECT DISTINCT ON (s.base, s.quote) s.base, s.quote, (q.bid + q.ask) / 2
FROM platforms_symbol s
JOIN platforms_quote q ON q.connection_id = s.connection_id AND q.instrument_id = s.instrument_id
WHERE s.base = ANY(%(currencies)s) AND s.quote = ANY(%(currencies)s)
ORDER BY s.base, s.quote, q.at DESC
"""


def instruments_folded(connection_id: int, folded: Iterable[str]) -> dict[str, Instrument]:
    """Tradable instruments of a connection by folded name, of those that are asked for.

    Of several with one folded name the shortest name wins, then the first by alphabet, as in
    copying.
    """
    rows = Symbol.objects.filter(
        connection_id=connection_id, folded__in=list(folded), tradable=True
    ).order_by("folded", Length("name").desc(), "-name")
    return {symbol.folded: instrument_of(symbol) for symbol in rows}


def connection_state(connection_id: int) -> ConnectionState | None:
    """What the gateway last knew of a connection; None before it was ever taken up."""
    return ConnectionState.objects.filter(connection_id=connection_id).first()


def connection_by_uuid(uuid: UUID) -> Connection | None:
    """A connection with its state; for staff."""
    return Connection.objects.select_related("state").filter(uuid=uuid).first()


def account_groups() -> list[tuple[AccountGroup, int]]:
    """All account groups with the number of their accounts, by name; two queries."""
    found = TradingAccount.objects.order_by().values_list("group_id").annotate(n=Count("*"))
    sizes = dict(found)
    return [(group, sizes.get(group.pk, 0)) for group in groups_by_name()]


def groups_by_name() -> list[AccountGroup]:
    """All account groups, by name; one query."""
    return list(AccountGroup.objects.order_by("name"))


def account_group(group_id: int) -> AccountGroup | None:
    """One account group."""
    return AccountGroup.objects.filter(pk=group_id).first()


def symbols_of(
    connection_id: int, *, text: str = "", after: str = "", limit: int = 100
) -> list[Symbol]:
    """Symbols of a connection by name, from behind ``after`` on; ``text`` is a part of a name."""
    found = Symbol.objects.filter(connection_id=connection_id).order_by("name")
    if text:
        found = found.filter(Q(name__icontains=text) | Q(folded__icontains=text))
    if after:
        found = found.filter(name__gt=after)
    return list(found[:limit])


def account_counts() -> dict[int, int]:
    """Active accounts by connection; one query."""
    found = TradingAccount.objects.filter(active=True).values_list("connection_id")
    return dict(found.annotate(n=Count("*")))


def accounts_with_login(login: str) -> list[TradingAccount]:
    """Active accounts with exactly this login, on whatever server."""
    return list(TradingAccount.objects.filter(login=login, active=True).order_by("id"))


def has_symbols() -> bool:
    """Whether symbols of any connection were read."""
    return Symbol.objects.exists()
