"""What orders must still satisfy when they leave, judged from the book in memory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from apps.execution.gateway.claims import Hold
from apps.execution.gateway.state import Account, Book, Computed, Factors, Figures
from apps.execution.gateway.tickets import Ticket, Tickets
from apps.execution.intents import Col, SendGuards, guards_of, type_of
from apps.execution.standings import Standing, Standings
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

    def sending(self, now: datetime, standings: Standings | None = None) -> Sending:
        """For the opens of one sending; what they have in common is judged once.

        ``standings`` say how the relations stand that have limits of their own.
        """
        return Sending(self._book, self._tickets, now, standings or {})

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

    def __init__(self, book: Book, tickets: Tickets, now: datetime, standings: Standings) -> None:
        self._book = book
        self._tickets = tickets
        self._now = now
        self._standings = standings
        self._guards: dict[tuple[Any, ...], SendGuards | None] = {}
        self._markets: dict[tuple[Any, ...], Reason | None] = {}
        self._computed: dict[int, Computed | None] = {}
        self._factors: Factors | None = None

    def judge(self, ticket: Ticket) -> Reason | None:
        """Why an open must not leave, None where it may.

        The ticket is among the session's tickets already; those of its account that were let
        pass before count as margin in use, and as positions of their relations.
        """
        row = ticket.row
        raw = row[Col.GUARDS]
        if raw is None:
            return None
        key = tuple(raw)
        if key not in self._guards:
            self._guards[key] = guards_of(row)
        guards = self._guards[key]
        if guards is None:
            return None
        if type_of(row) == "market":
            market = (row[Col.INSTRUMENT_ID], row[Col.SIDE], raw[0])
            if market not in self._markets:
                self._markets[market] = self._market(market[0], Side(market[1]), guards.limit_price)
            if (reason := self._markets[market]) is not None:
                return reason
        if guards.of_relation and (reason := self._relation(ticket, guards)) is not None:
            return reason
        return self._money(ticket, guards)

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

    # --- the relation ------------------------------------------------------------------------
    def _relation(self, ticket: Ticket, guards: SendGuards) -> Reason | None:
        standing = self._standings.get(ticket.row[Col.RELATION])
        if standing is None:
            return None
        return self._loss(ticket, standing, guards) or self._count(ticket, standing, guards)

    def _count(self, ticket: Ticket, standing: Standing, guards: SendGuards) -> Reason | None:
        """Whether it would be one position too many. One that adds to a position is none more."""
        most = guards.max_positions
        if not most or ticket.row[Col.POSITION_ID]:
            return None
        others = [cid for cid in standing.orders if cid != ticket.cid]
        # What was sent a moment ago may not be noted as a position of the relation yet.
        known = {ticket.cid, *others}
        taken = len(others) + sum(cid not in known for cid in self._beginning(ticket))
        if taken < most:
            return None
        return Hold.MAX_POSITIONS, f"{taken} of {most} positions are open or on their way"

    def _beginning(self, ticket: Ticket) -> list[str]:
        """Opens of its relation on their way that make positions of their own."""
        relation = ticket.row[Col.RELATION]
        return [
            other.cid
            for other in self._tickets.opens.get(ticket.account, {}).values()
            if other.row[Col.RELATION] == relation and not other.row[Col.POSITION_ID]
            if other.filled or not other.final
        ]

    def _loss(self, ticket: Ticket, standing: Standing, guards: SendGuards) -> Reason | None:
        """Whether its relation has lost as much as it may, by the prices of this moment.

        What is realised counts whatever else is known.
        """
        most, account = guards.loss_limit, self._book.accounts.get(ticket.account)
        if not most or account is None:
            return None
        open_result = self._open_result(account, standing)
        total = standing.realised + (open_result or ZERO)
        if total > -most:
            return None
        return Hold.LOSS_LIMIT, (
            f"the result is {total.quantize(_CENT)} {account.currency}, the limit is a loss of "
            f"{most.normalize():f}"
        )

    def _open_result(self, account: Account, standing: Standing) -> Decimal | None:
        """Its share of the open result of positions that it holds; None while not known."""
        if not standing.position_ids:
            return ZERO
        computed = self._now_of(account)
        if computed is None:
            return None
        total = ZERO
        for position_id, units in zip(standing.position_ids, standing.units, strict=True):
            position = account.positions.get(position_id)
            if position is not None and position.units > 0:
                share = min(Decimal(1), units / position.units)
                total += computed[1][position_id] * share
        return total

    # --- the account -------------------------------------------------------------------------
    def _money(self, ticket: Ticket, guards: SendGuards) -> Reason | None:
        account = self._book.accounts.get(ticket.account)
        if account is None or not (guards.min_equity or guards.min_margin_level):
            return None
        if self._clearly_enough(ticket, account, guards):
            return None
        computed = self._now_of(account)
        if computed is None:
            return None
        figures = computed[0]
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

    def _now_of(self, account: Account) -> Computed | None:
        """Its figures of this moment, with the result of each position; None while not known."""
        if account.id not in self._computed:
            known = self._book.figures(account, self._conversion()) if account.read else None
            self._computed[account.id] = known
        return self._computed[account.id]

    def _conversion(self) -> Factors:
        if self._factors is None:
            self._factors = self._book.factors()
        return self._factors
