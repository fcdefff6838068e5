"""The venue's memory: one SQLite file in WAL mode.

What happens in a turn of the loop is collected and written in one transaction, which ends
before any answer leaves: what was acknowledged is on the books after a kill. Orders, deals and
cash flows are kept as the protocol's own messages, so that history is answered from them as
they are.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apps.openapi_wire import messages
from apps.openapi_wire.enums import OrderStatus, OrderType
from apps.papervenue import codec
from apps.papervenue.engine.book import Book
from apps.papervenue.engine.records import Account, CashFlow, Deal, Order, Position
from apps.papervenue.owners import Owner

_TABLES = """
CREATE TABLE IF NOT EXISTS owners (name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS accounts (account_id INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS positions (
    position_id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, trail INTEGER NOT NULL,
    protection_id INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS orders (
    order_id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, position_id INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL, live INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS orders_time ON orders (account_id, updated_ms);
CREATE TABLE IF NOT EXISTS deals (
    deal_id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, order_id INTEGER NOT NULL,
    position_id INTEGER NOT NULL, executed_ms INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS deals_time ON deals (account_id, executed_ms);
CREATE TABLE IF NOT EXISTS cash (
    flow_id INTEGER PRIMARY KEY, account_id INTEGER NOT NULL, at_ms INTEGER NOT NULL,
    body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS cash_time ON cash (account_id, at_ms);
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
CHECKPOINT_BYTES = 8 * 1024 * 1024
_COUNTERS = ("account", "cash", "deal", "order", "position")
_ACCOUNT_FIELDS = (
    *("account_id", "login", "owner", "name", "currency", "money_digits", "leverage"),
    *("netting", "opened_ms", "balance", "balance_version", "is_live"),
)


_AT_MARKET = frozenset({OrderType.MARKET, OrderType.MARKET_RANGE})


class Store:
    """Collects what changed; :meth:`commit` makes it durable. ``folder`` None: in memory."""

    def __init__(self, folder: Path | None) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        self._path = None if folder is None else folder / "venue.sqlite3"
        self._db = sqlite3.connect(self._path or ":memory:", isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA wal_autocheckpoint=0")  # not in the middle of a burst
        self._db.execute(f"PRAGMA journal_size_limit={CHECKPOINT_BYTES}")
        self._db.executescript(_TABLES)
        self._orders: dict[int, tuple[Order, bytes]] = {}
        self._positions: dict[int, tuple[Position, bytes]] = {}
        self._deals: list[tuple[Deal, bytes]] = []
        self._cash: list[tuple[CashFlow, bytes]] = []
        self._accounts: dict[int, Account] = {}
        self._owners: dict[str, Owner] = {}
        self._meta: dict[str, int] = {}
        self._book: Book | None = None

    def order(self, order: Order, body: bytes) -> None:
        self._orders[order.order_id] = (order, body)

    def position(self, position: Position, body: bytes) -> None:
        self._positions[position.position_id] = (position, body)

    def deal(self, deal: Deal, body: bytes) -> None:
        self._deals.append((deal, body))
        if deal.close is not None:
            self._accounts[deal.account.account_id] = deal.account

    def cash(self, flow: CashFlow, body: bytes) -> None:
        self._cash.append((flow, body))
        self._accounts[flow.account.account_id] = flow.account

    def account(self, account: Account) -> None:
        self._accounts[account.account_id] = account

    def owner(self, owner: Owner) -> None:
        self._owners[owner.name] = owner

    def meta(self, key: str, value: int) -> None:
        self._meta[key] = value

    @property
    def dirty(self) -> bool:
        return bool(
            self._orders
            or self._positions
            or self._deals
            or self._cash
            or self._accounts
            or self._owners
            or self._meta
        )

    def commit(self) -> None:
        """Write all that was collected, in one transaction."""
        if not self.dirty:
            return
        self._db.execute("BEGIN")
        try:
            self._write()
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def _write(self) -> None:
        run = self._db.executemany
        if self._orders:
            run("INSERT OR REPLACE INTO orders VALUES (?,?,?,?,?,?)", self._order_rows())
            self._orders = {}
        if self._positions:
            self._write_positions()
        if self._deals:
            run("INSERT INTO deals VALUES (?,?,?,?,?,?)", self._deal_rows())
            self._deals = []
        if self._cash:
            run(
                "INSERT INTO cash VALUES (?,?,?,?)",
                [(f.flow_id, f.account.account_id, f.at_ms, body) for f, body in self._cash],
            )
            self._cash = []
        if self._accounts:
            run(
                "INSERT OR REPLACE INTO accounts VALUES (?,?)",
                [(number, _account_json(a)) for number, a in self._accounts.items()],
            )
            self._accounts = {}
        if self._owners:
            run(
                "INSERT OR REPLACE INTO owners VALUES (?,?)",
                [(name, _owner_json(owner)) for name, owner in self._owners.items()],
            )
            self._owners = {}
        if self._book is not None:
            counters = self._book.counters
            self._meta.update((f"next_{name}", getattr(counters, name)) for name in _COUNTERS)
        run("INSERT OR REPLACE INTO meta VALUES (?,?)", list(self._meta.items()))
        self._meta = {}

    def _order_rows(self) -> list[tuple[int, int, int, int, bool, bytes]]:
        accepted = OrderStatus.ORDER_STATUS_ACCEPTED
        return [
            (
                number,
                order.account.account_id,
                order.position_id,
                order.updated_ms,
                order.status == accepted and order.type != OrderType.STOP_LOSS_TAKE_PROFIT,
                body,
            )
            for number, (order, body) in self._orders.items()
        ]

    def _deal_rows(self) -> list[tuple[int, int, int, int, int, bytes]]:
        return [
            (
                deal.deal_id,
                deal.account.account_id,
                deal.order_id,
                deal.position_id,
                deal.executed_ms,
                body,
            )
            for deal, body in self._deals
        ]

    def _write_positions(self) -> None:
        gone = [(number,) for number, (p, _) in self._positions.items() if not p.volume]
        kept = [
            (number, p.account.account_id, p.trail, p.protection_id, body)
            for number, (p, body) in self._positions.items()
            if p.volume
        ]
        self._db.executemany("DELETE FROM positions WHERE position_id=?", gone)
        self._db.executemany("INSERT OR REPLACE INTO positions VALUES (?,?,?,?,?)", kept)
        self._positions = {}

    def load(self, book: Book) -> dict[str, int]:
        """Fill a book from the file; the other numbers that were kept are returned."""
        self._book = book
        meta = dict(self._db.execute("SELECT key, value FROM meta"))
        for name in _COUNTERS:
            setattr(book.counters, name, meta.pop(f"next_{name}", getattr(book.counters, name)))
        for (text,) in self._db.execute("SELECT body FROM accounts"):
            account = Account(**json.loads(text))
            book.accounts[account.account_id] = account
        rows = self._db.execute("SELECT account_id, trail, protection_id, body FROM positions")
        for account_id, trail, protection_id, body in rows:
            account = book.accounts[account_id]
            parsed = messages.ProtoOAPosition.FromString(body)
            position = codec.position_from_message(parsed, account, book, trail, protection_id)
            account.positions[position.position_id] = position
            book.watch_position(position)
        for account_id, body in self._db.execute(
            "SELECT account_id, body FROM orders WHERE live ORDER BY order_id"
        ):
            parsed = messages.ProtoOAOrder.FromString(body)
            order = codec.order_from_message(parsed, book.accounts[account_id], book)
            if order.type in _AT_MARKET:
                self._end(order, parsed)
            else:
                book.watch_order(order)
        return meta

    def _end(self, order: Order, body: Any) -> None:
        """An order at market does not rest: what a killed venue left of it is cancelled."""
        order.status = OrderStatus.ORDER_STATUS_CANCELLED
        body.orderStatus = int(order.status)
        self.order(order, body.SerializeToString())

    def owners(self) -> Iterator[Owner]:
        for (text,) in self._db.execute("SELECT body FROM owners"):
            yield Owner(**json.loads(text))

    def rows(self, query: str, *values: int) -> list[bytes]:
        """Message bodies of a history query, which selects exactly one column."""
        self.commit()  # the answer holds what happened in this turn
        return [row[0] for row in self._db.execute(query, values)]

    @property
    def checkpoint_due(self) -> bool:
        """Whether so much stands in the log that it should be moved into the file."""
        if self._path is None:
            return False
        log = self._path.with_name(self._path.name + "-wal")
        return log.exists() and log.stat().st_size > CHECKPOINT_BYTES

    def checkpoint(self) -> None:
        """Move the log into the file. For another thread: it waits for the disk, we do not."""
        if self._path is not None:
            with contextlib.closing(sqlite3.connect(self._path)) as own:
                own.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        self.commit()
        self._db.close()


def _account_json(account: Account) -> str:
    return json.dumps({name: getattr(account, name) for name in _ACCOUNT_FIELDS})


def _owner_json(owner: Owner) -> str:
    return json.dumps({name: getattr(owner, name) for name in Owner.__slots__})
