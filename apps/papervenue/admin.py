"""The admin channel: one JSON object a line, on a loopback port of its own.

A request names its ``do`` and that command's terms; the answer is ``{"ok": true, ...}`` or
``{"ok": false, "error": "..."}``. Amounts and prices are text. Whoever reaches this port owns
the venue, so it listens on 127.0.0.1 only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from apps.papervenue import books
from apps.papervenue.engine import Account, Refused, SymbolSpec
from apps.papervenue.engine.specs import PRICE_DIGITS
from apps.papervenue.faults import FaultRule
from apps.papervenue.opening import BadCommand, amount_of, open_account
from apps.papervenue.owners import Owner
from apps.papervenue.venue import Venue
from apps.trading.schedule import Schedule

Json = Mapping[str, Any]
LINE_BYTES = 256 * 1024 * 1024


class AdminServer:
    """Carries out admin commands; each is a method ``do_...`` with the terms by keyword."""

    def __init__(self, venue: Venue, stopping: asyncio.Event) -> None:
        self._venue = venue
        self._stopping = stopping

    async def listen(self, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._client, "127.0.0.1", port, limit=LINE_BYTES)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while line := await reader.readline():
                writer.write(json.dumps(self.answer(line)).encode() + b"\n")
                await writer.drain()
        writer.close()

    def answer(self, line: bytes) -> Json:
        """Carry out one line."""
        try:
            terms = json.loads(line)
            name = terms.pop("do")
        except (ValueError, AttributeError, KeyError):
            return {"ok": False, "error": 'a command is an object like {"do": "accounts"}'}
        command: Callable[..., Json] | None = getattr(self, f"do_{name}", None)
        if command is None:
            known = sorted(n[3:] for n in dir(self) if n.startswith("do_"))
            return {"ok": False, "error": f"no command {name!r}; there are {', '.join(known)}"}
        try:
            result = {"ok": True, **command(**terms)}
        except (BadCommand, Refused, ValueError, TypeError) as error:
            return {"ok": False, "error": str(error)}
        self._venue.settle()
        return result

    def do_ping(self) -> Json:
        venue = self._venue
        return {"accounts": len(venue.engine.book.accounts), "sessions": len(venue.sessions)}

    def do_open_accounts(self, accounts: list[Json]) -> Json:
        """Open accounts; tokens come once for each owner."""
        opened = [open_account(self._venue, **terms) for terms in accounts]
        names = dict.fromkeys(account.owner for account in opened)
        return {
            "accounts": [_account_json(account) for account in opened],
            "owners": {name: self._owner_json(name) for name in names},
        }

    def do_deposit(self, account: int, amount: str | int) -> Json:
        found = self._account(account)
        self._venue.engine.change_balance(
            found, amount_of(amount, found.money_digits), self._venue.now(), "deposit"
        )
        return {"account": _account_json(found)}

    def do_withdraw(self, account: int, amount: str | int) -> Json:
        found = self._account(account)
        self._venue.engine.change_balance(
            found, -amount_of(amount, found.money_digits), self._venue.now(), "withdrawal"
        )
        return {"account": _account_json(found)}

    def do_set_leverage(self, account: int, leverage: int) -> Json:
        found = self._account(account)
        self._venue.engine.change_leverage(found, leverage)
        return {"account": _account_json(found)}

    def do_accounts(self) -> Json:
        return {"accounts": [_account_json(a) for a in self._venue.engine.book.accounts.values()]}

    def do_tokens(self, owner: str) -> Json:
        return {"owner": self._owner_json(owner)}

    def do_set_password(self, owner: str, password: str) -> Json:
        """Let an owner sign in on the venue's page and give access to the accounts."""
        self._venue.owners.set_password(owner, password, self._venue.now())
        return {}

    def do_revoke(self, owner: str) -> Json:
        """End an owner's access token now."""
        if self._venue.owners.revoke(owner) is None:
            raise BadCommand(f"there is no owner {owner!r}")
        self._venue.sweep()
        return {}

    def do_books(self, accounts: list[int] | None = None) -> Json:
        """Everything on the books of some or all accounts, for independent checks."""
        book = self._venue.engine.book
        chosen = book.accounts.values() if accounts is None else map(self._account, accounts)
        return {"books": [books.dump(self._venue.store, account) for account in chosen]}

    def do_faults(self, rules: list[Json]) -> Json:
        """Replace the fault plan."""
        self._venue.faults.set(*(FaultRule.from_json(rule) for rule in rules))
        return {}

    def do_fault_counts(self) -> Json:
        return {"struck": [rule.struck for rule in self._venue.faults.rules]}

    def do_set_price(self, symbol: str, bid: str, ask: str) -> Json:
        spec = self._spec(symbol)
        bid_scaled, ask_scaled = amount_of(bid, PRICE_DIGITS), amount_of(ask, PRICE_DIGITS)
        if not 0 < bid_scaled <= ask_scaled:
            raise BadCommand("the bid is positive and not above the ask")
        self._venue.quotes([(spec.symbol_id, bid_scaled, ask_scaled)])
        self._venue.engine.sweep(self._venue.now())
        return {}

    def do_set_schedule(self, symbol: str, schedule: Json | None = None) -> Json:
        """Give a symbol trading hours until the venue is restarted; without any it is open."""
        if schedule is not None and not isinstance(schedule, Mapping):
            raise BadCommand("a schedule is an object of hours, holidays and zone")
        found = Schedule.from_json(schedule or {})
        self._venue.set_schedule(self._spec(symbol).symbol_id, found)
        return {"schedule": found.as_json()}

    def do_prices(self) -> Json:
        book = self._venue.engine.book
        return {
            "prices": {
                book.specs[number].name: [books.price(bid), books.price(ask)]
                for number, (bid, ask) in book.quotes.items()
            }
        }

    def do_disconnect(self) -> Json:
        """Cut every session, as a broken line does."""
        cut = list(self._venue.sessions)
        for session in cut:
            session.cut()
        return {"sessions": len(cut)}

    def do_shutdown(self) -> Json:
        self._stopping.set()
        return {}

    def _account(self, number: int) -> Account:
        found = self._venue.engine.book.accounts.get(number)
        if found is None:
            raise BadCommand(f"there is no account {number}")
        return found

    def _spec(self, name: str) -> SymbolSpec:
        for spec in self._venue.engine.book.specs.values():
            if spec.name == name:
                return spec
        raise BadCommand(f"there is no symbol {name!r}")

    def _owner_json(self, name: str) -> Json:
        owner: Owner = self._venue.owners.get(name, self._venue.now())
        return {
            "owner": owner.name,
            "access_token": owner.access_token,
            "refresh_token": owner.refresh_token,
            "expires_ms": owner.expires_ms,
        }


def _account_json(account: Account) -> Json:
    return {
        "account": account.account_id,
        "login": account.login,
        "owner": account.owner,
        "name": account.name,
        "currency": account.currency,
        "leverage": account.leverage,
        "margin_mode": "netting" if account.netting else "hedging",
        "balance": str(Decimal(account.balance).scaleb(-account.money_digits)),
    }
