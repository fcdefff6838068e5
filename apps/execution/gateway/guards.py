"""What orders must still satisfy when they leave, judged from the book in memory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from apps.execution.gateway.claims import Hold
from apps.execution.gateway.state import Account, Book, Factors, Figures
from apps.execution.gateway.tickets import Ticket, Tickets
from apps.execution.intents import Col, SendGuards, guards_of, type_of
from apps.trading.margin import used_margin
from apps.trading.orders import Side
from apps.trading.symbols import Instrument

ZERO = Decimal(0)
_CENT = Decimal("0.01")
_HUNDRED = Decimal(100)
#: A price that has changed within this time is one at which somebody trades.
_MOVES = timedelta(seconds=60)

Reason = tuple[Hold, str]


class Guards:
    """Judges what leaves a session. What it does not know (a price, an account that was not
    read yet) it does not judge: planning has."""

    def __init__(self, book: Book, tickets: Tickets) -> None:
        self._book = book
        self._tickets = tickets

    def sending(self, now: datetime) -> Sending:
        """For the opens of one sending; what they have in common is judged once."""
        return Sending(self._book, self._tickets, now)

    def closed(self, rows: Iterable[list[Any]], now: datetime) -> set[str]:
        """The client order ids of closes whose symbol is not traded at the moment.

        Hours that a platform tells may be wrong. Where the price moves they are not believed:
        a close that comes at a bad moment after all is refused, and sent again.
        """
        instruments, moved_at = self._book.instruments, self._book.moved_at
        found: dict[str, bool] = {}
        ids: set[str] = set()
        for row in rows:
            key = row[Col.INSTRUMENT_ID]
            if key not in found:
                instrument = instruments.get(key)
                shut = instrument is not None and not instrument.schedule.is_open(now)
                moved = moved_at.get(key)
                found[key] = shut and (moved is None or now - moved > _MOVES)
            if found[key]:
                ids.add(row[0])
        return ids


class Sending:
    """One judging of opens that leave together."""

    def __init__(self, book: Book, tickets: Tickets, now: datetime) -> None:
        self._book = book
        self._tickets = tickets
        self._now = now
        self._guards: dict[tuple[Any, ...], SendGuards | None] = {}
        self._markets: dict[tuple[Any, ...], Reason | None] = {}
        self._figures: dict[int, Figures | None] = {}
        self._factors: Factors | None = None

    def judge(self, ticket: Ticket) -> Reason | None:
        """Why an open must not leave, None where it may.

        The ticket is among the session's tickets already; those of its account that were let
        pass before count as margin in use.
        """
        row = ticket.row
        raw = row[Col.GUARDS]
        if raw is None:
            return None
        key = tuple(raw)
        if key not in self._guards:
            self._guards[key] = guards_of(row)
        guards = self._guards[key]
        if guards is None or type_of(row) != "market":
            return None if guards is None else self._money(ticket, guards)
        market = (row[Col.INSTRUMENT_ID], row[Col.SIDE], raw[0])
        if market not in self._markets:
            self._markets[market] = self._market(market[0], Side(market[1]), guards.limit_price)
        return self._markets[market] or self._money(ticket, guards)

    # --- the market --------------------------------------------------------------------------
    def _market(self, instrument_id: str, side: Side, limit: Decimal | None) -> Reason | None:
        instrument = self._book.instruments.get(instrument_id)
        if instrument is not None and not instrument.schedule.is_open(self._now):
            return Hold.MARKET_CLOSED, self._closed(instrument)
        quote = self._book.quotes.get(instrument_id)
        if limit is None or quote is None:
            return None
        price = quote.ask if side is Side.BUY else quote.bid
        if (price - limit) * side.sign <= 0:
            return None
        name = instrument.name if instrument else instrument_id
        bought, worse = ("bought", "above") if side is Side.BUY else ("sold", "below")
        message = f"{name} would be {bought} at {price}, {worse} the limit of {limit}"
        return Hold.SLIPPAGE, message

    def _closed(self, instrument: Instrument) -> str:
        opens = instrument.schedule.next_open(self._now)
        when = f"until {opens:%Y-%m-%d %H:%M} UTC" if opens else "with no opening in sight"
        return f"{instrument.name} is closed {when}"

    # --- the account -------------------------------------------------------------------------
    def _money(self, ticket: Ticket, guards: SendGuards) -> Reason | None:
        account = self._book.accounts.get(ticket.account)
        if account is None or not (guards.min_equity or guards.min_margin_level):
            return None
        if self._clearly_enough(ticket, account, guards):
            return None
        figures = self._known(account)
        if figures is None:
            return None
        if figures.equity < guards.min_equity:
            return Hold.MIN_EQUITY, (
                f"equity is {figures.equity} {account.currency}, below the minimum of "
                f"{guards.min_equity.normalize():f}"
            )
        return self._margin(ticket, account, figures, guards.min_margin_level)

    def _clearly_enough(self, ticket: Ticket, account: Account, guards: SendGuards) -> bool:
        """Whether half of the equity of at most a second ago would do.

        Most accounts are far from their limits, and a thousand of them are judged at once; only
        the others are computed anew. Not where a deal or another open has come since.
        """
        figures = account.figures
        if account.dirty or figures is None or not account.synced:
            return False
        if len(self._tickets.opens.get(account.account, ())) > 1:
            return False
        half = figures.equity / 2
        own = self._needs(ticket, account, ticket.units)
        if own is None or half < guards.min_equity:
            return False
        return half * _HUNDRED >= guards.min_margin_level * (figures.margin_used + own)

    def _margin(
        self, ticket: Ticket, account: Account, figures: Figures, minimum: Decimal
    ) -> Reason | None:
        if not minimum:
            return None
        own = self._needs(ticket, account, ticket.units)
        if own is None:
            return None
        used = figures.margin_used + self._reserved(ticket, account) + own
        if used <= 0 or figures.equity * _HUNDRED >= minimum * used:
            return None
        level = (figures.equity * _HUNDRED / used).quantize(_CENT, ROUND_DOWN)
        return Hold.MARGIN, (
            f"the margin level would be {level} %, below {minimum.normalize():f} % (equity "
            f"{figures.equity}, margin {used.quantize(_CENT)} {account.currency})"
        )

    def _reserved(self, ticket: Ticket, account: Account) -> Decimal:
        """Margin of opens of the account that were sent and do not show in the book yet."""
        total = ZERO
        for other in self._tickets.opens.get(account.account, {}).values():
            if other is ticket or other.final:
                continue
            # While the account is being read its own deals wait to be applied.
            filled = other.filled if account.synced else ZERO
            total += self._needs(other, account, other.units - filled) or ZERO
        return total

    def _needs(self, ticket: Ticket, account: Account, units: Decimal) -> Decimal | None:
        factor = self._conversion().of(ticket.row[Col.INSTRUMENT_ID], account.currency)
        if factor is None:
            return None
        return used_margin(units, factor[0], account.leverage or Decimal(1))

    def _known(self, account: Account) -> Figures | None:
        if account.id not in self._figures:
            found = self._book.figures(account, self._conversion()) if account.read else None
            self._figures[account.id] = found[0] if found else None
        return self._figures[account.id]

    def _conversion(self) -> Factors:
        if self._factors is None:
            self._factors = self._book.factors()
        return self._factors
