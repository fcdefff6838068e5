"""Once a second: equity of accounts, open results and quotes, what has changed of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from apps.execution.gateway.db import Database, as_json
from apps.execution.gateway.records import Record
from apps.execution.gateway.state import Account, Book, Factors, Figures
from apps.execution.gateway.statements import ACCOUNT_STATES, OPEN_RESULTS, QUOTES

#: Accounts computed between two looks at what else there is to do.
_CHUNK = 50
_GIVE_WAY_S = 0.5

GiveWay = Callable[[float], Awaitable[None]]


class FiguresWriter:
    """Writes account states, open results and quotes of one connection."""

    def __init__(
        self, database: Database, connection_id: int, book: Book, give_way: GiveWay
    ) -> None:
        self._database = database
        self._connection_id = connection_id
        self._book = book
        self._give_way = give_way

    async def write(self) -> None:
        """Compute all and store what has changed."""
        factors = self._book.factors()
        fresh, self._book.fresh_quotes = self._book.fresh_quotes, set()
        now = datetime.now(UTC).isoformat()
        states: list[Record] = []
        results: list[Record] = []
        written: list[tuple[Account, Figures, bool]] = []
        for n, account in enumerate(list(self._book.accounts.values())):
            if n % _CHUNK == 0:
                await self._give_way(_GIVE_WAY_S)
                await asyncio.sleep(0)
            if not (fresh or account.dirty):
                continue
            if (figures := self._changed(account, factors, results)) is not None:
                written.append((account, figures, account.synced))
                states.append(_state_record(account, figures, now))
        statements: list[tuple[str, list[object]]] = []
        if states:
            statements.append((ACCOUNT_STATES, [as_json(states)]))
        if results:
            statements.append((OPEN_RESULTS, [as_json(results)]))
        if fresh:
            statements.append((QUOTES, [self._connection_id, as_json(self._quotes(fresh))]))
        if not statements:
            return
        try:
            await self._database.run_all(statements)
        except BaseException:
            self._book.fresh_quotes |= fresh
            for account, _, _ in written:
                account.dirty = True
            raise
        for account, figures, synced in written:
            account.written = (figures, synced)

    def _changed(self, account: Account, factors: Factors, results: list[Record]) -> Figures | None:
        if not account.synced and account.written is None:
            return None
        account.dirty = False
        found = self._book.figures(account, factors)
        if found is None:
            account.dirty = True
            return None
        figures, per_position = found
        account.figures = figures
        for position_id, result in per_position.items():
            if account.results.get(position_id) != result:
                account.results[position_id] = result
                results.append(
                    {
                        "account_id": account.id,
                        "position_id": position_id,
                        "open_result": str(result),
                    }
                )
        return None if account.written == (figures, account.synced) else figures

    def _quotes(self, instrument_ids: set[str]) -> list[Record]:
        quotes = (self._book.quotes[instrument_id] for instrument_id in sorted(instrument_ids))
        return [
            {
                "instrument_id": quote.instrument_id,
                "bid": str(quote.bid),
                "ask": str(quote.ask),
                "at": quote.received_at.isoformat(),
            }
            for quote in quotes
        ]


def _state_record(account: Account, figures: Figures, now: str) -> Record:
    return {
        "account_id": account.id,
        "balance": str(figures.balance),
        "equity": str(figures.equity),
        "margin_used": str(figures.margin_used),
        "open_result": str(figures.open_result),
        "open_positions": figures.open_positions,
        "synced": account.synced,
        "as_of": now,
    }
