"""The accounts and instruments of a session: attached, read, added, refused."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from apps.execution.gateway.db import until_available
from apps.execution.gateway.directory import Directory, Signature
from apps.execution.gateway.state import Account, Book
from apps.execution.gateway.sync import Sync
from apps.platforms.ports import Connector

_log = structlog.get_logger(__name__)


class Roster:
    """Keeps the session's book at what the database names and the platform admits."""

    def __init__(self, connector: Connector, directory: Directory, book: Book, sync: Sync) -> None:
        self._connector = connector
        self._directory = directory
        self._book = book
        self._sync = sync
        self._refused: dict[str, str] = {}
        self._failed: set[str] = set()  # admitted, but could not be read
        self._signature: Signature | None = None

    async def begin(self) -> list[Account]:
        """Attach all accounts of the connection and load its instruments."""
        self._signature = await until_available(self._directory.signature, "accounts")
        accounts = await until_available(self._directory.accounts, "accounts")
        await self.add(accounts)
        return accounts

    async def add(self, accounts: Sequence[Account]) -> None:
        """Attach accounts; instruments are loaded with the first ones."""
        for account in accounts:
            self._book.add(account)
        refused = await self._connector.attach([a.account for a in accounts])
        for account_name, reason in refused.items():
            self.refuse([account_name], reason)
        if not self._book.instruments:
            await self.load_instruments()

    async def read(self, accounts: Sequence[Account]) -> None:
        """Bring accounts up to date; ConnectionError when the session breaks meanwhile."""
        failed = await self._sync.read([a for a in accounts if a.account not in self._refused])
        for account_name, reason in failed.items():
            self.refuse([account_name], reason)
            self._failed.add(account_name)
        await self._subscribe()

    async def load_instruments(self) -> None:
        account = self._any_account()
        if account is None:
            return
        instruments = await self._connector.instruments(account.account)
        self._book.instruments = {i.instrument_id: i for i in instruments}
        await until_available(lambda: self._directory.write_symbols(instruments), "symbols")
        await self._subscribe()

    async def _subscribe(self) -> None:
        account = self._any_account()
        wanted = self._book.wanted_quotes()
        if account is not None and wanted:
            await self._connector.subscribe_quotes(account.account, wanted)

    def _any_account(self) -> Account | None:
        usable = (a for a in self._book.accounts.values() if a.account not in self._refused)
        return next(usable, None)

    # --- changes -----------------------------------------------------------------------------
    def refuse(self, names: Sequence[str], reason: str) -> None:
        """The platform does not admit these accounts (any more)."""
        for name in names:
            self._refused[name] = reason
            if (account := self._book.accounts.get(name)) is not None:
                account.synced, account.dirty = False, True
        _log.warning("accounts are refused", accounts=list(names), reason=reason)

    def again(self, names: Sequence[str]) -> list[Account]:
        """Accounts that must be read anew (no names: all); until then they are not current."""
        chosen = [a for a in self._book.accounts.values() if not names or a.account in names]
        for account in chosen:
            account.synced, account.dirty = False, True
            self._refused.pop(account.account, None)
            self._failed.discard(account.account)
        return chosen

    def unread(self) -> list[str]:
        """Accounts that the platform admits and that are not current: to be read once more."""
        return [
            name
            for name, account in self._book.accounts.items()
            if not account.synced and (name in self._failed or name not in self._refused)
        ]

    def all_synced(self) -> bool:
        return all(a.synced for a in self._book.accounts.values() if a.account not in self._refused)

    async def credentials_replaced(self) -> bool:
        """Whether a person has replaced them, or changed the connection otherwise.

        A refresh by the session itself does not count.
        """
        now = await self._directory.signature()
        before = self._signature
        if before is None or before.credentials == now.credentials:
            return False
        if before.endpoint == now.endpoint and await self._directory.own_credentials():
            self._signature = Signature(now.credentials, before.accounts)
            return False
        return True

    async def changes(self) -> list[Account]:
        """Take removed accounts out; answers those that are new."""
        now = await self._directory.signature()
        if self._signature is None or self._signature.accounts == now.accounts:
            return []
        self._signature = Signature(self._signature.credentials, now.accounts)
        rows = {a.account: a for a in await self._directory.accounts()}
        for account in list(self._book.accounts.values()):
            if account.account in rows:
                watched, account.journaled = account.journaled, rows[account.account].journaled
                if account.journaled and not watched:
                    await self._sync.begin(account)
            else:
                self._book.remove(account)
        return [a for name, a in rows.items() if name not in self._book.accounts]

    def remove(self, accounts: Sequence[Account]) -> None:
        """Accounts that could not be added; they count as new again."""
        for account in accounts:
            self._book.remove(account)
        if self._signature is not None:
            self._signature = Signature(self._signature.credentials, (0, 0, 0))
