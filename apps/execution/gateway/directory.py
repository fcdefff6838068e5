"""Connections, their credentials, accounts and symbols as a session reads and writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.common.fields import decrypt_json, encrypt_json
from apps.execution.gateway.db import Database, as_json
from apps.execution.gateway.state import Account
from apps.execution.gateway.statements import SYMBOLS
from apps.platforms.limits import Limits
from apps.platforms.ports import Connector, Credentials
from apps.platforms.registry import create_connector
from apps.trading.symbols import Instrument, fold

_CONNECTION = """
    SELECT platform, host, port, tls, credentials, requests_per_second, history_per_second,
        symbol_prefixes, symbol_suffixes
    FROM platforms_connection WHERE id = %s
"""

_ACCOUNTS = """
    SELECT id, platform_account_id, currency, leverage, journaled, created_at
    FROM platforms_tradingaccount WHERE connection_id = %s AND active
"""

_SIGNATURE = """
    SELECT md5(c.credentials) || ':' || md5(concat_ws(' ', c.host, c.port, c.tls,
            c.symbol_prefixes, c.symbol_suffixes, c.requests_per_second, c.history_per_second)),
        count(a.id), coalesce(max(a.id), 0),
        count(a.id) FILTER (WHERE a.journaled)
    FROM platforms_connection c
    LEFT JOIN platforms_tradingaccount a ON a.connection_id = c.id AND a.active
    WHERE c.id = %s GROUP BY c.id
"""

_STATE = """
    INSERT INTO platforms_connectionstate (connection_id, status, status_at, live_at,
        last_event_at, reconnects, clock_offset_ms, error_code, error, gateway, busiest_second)
    SELECT id, %s, clock_timestamp(), %s, %s, %s, %s, %s, %s, %s, %s
    FROM platforms_connection WHERE id = %s
    ON CONFLICT (connection_id) DO UPDATE SET status = excluded.status,
        status_at = CASE WHEN platforms_connectionstate.status = excluded.status
            THEN platforms_connectionstate.status_at ELSE excluded.status_at END,
        live_at = coalesce(excluded.live_at, platforms_connectionstate.live_at),
        last_event_at = coalesce(excluded.last_event_at,
            platforms_connectionstate.last_event_at),
        reconnects = platforms_connectionstate.reconnects + excluded.reconnects,
        clock_offset_ms = excluded.clock_offset_ms, error_code = excluded.error_code,
        error = excluded.error, gateway = excluded.gateway,
        busiest_second = excluded.busiest_second
"""


@dataclass(frozen=True, slots=True)
class Signature:
    """Changes when a session must look at its connection or its accounts again."""

    credentials: str
    accounts: tuple[int, int, int]

    @property
    def endpoint(self) -> str:
        """The part of ``credentials`` that only people change."""
        return self.credentials.partition(":")[2]


@dataclass(frozen=True, slots=True)
class StateUpdate:
    """What a session says of itself; ``live_at`` and ``last_event_at`` None: as before."""

    status: str
    gateway: str
    live_at: datetime | None = None
    last_event_at: datetime | None = None
    reconnects: int = 0
    clock_offset_ms: int = 0
    error_code: str = ""
    error: str = ""
    busiest_second: int = 0


class StoredCredentials:
    """Keeps credentials that the platform has replaced, encrypted, before they are used.

    For every connection that shares them: the others' sessions begin anew with them.
    """

    def __init__(self, database: Database, connection_id: int) -> None:
        self._database = database
        self._connection_id = connection_id
        self.saved = ""

    async def save(self, values: dict[str, str]) -> None:
        self.saved = encrypt_json(values)
        await self._database.rows(
            "UPDATE platforms_connection SET credentials = %s WHERE id = %s OR access_grant = "
            "(SELECT access_grant FROM platforms_connection WHERE id = %s)",
            [self.saved, self._connection_id, self._connection_id],
        )


class Directory:
    """Reads and writes the rows of one connection."""

    def __init__(self, database: Database, connection_id: int) -> None:
        self._database = database
        self._connection_id = connection_id
        self._affixes: tuple[list[str], list[str]] = ([], [])
        self.platform = ""
        self._store = StoredCredentials(database, connection_id)

    async def connector(self) -> Connector:
        """A connector for the connection as it stands in the database, not connected yet.

        Raises LookupError when the row is gone or its platform has no adapter, ValueError
        when credentials are missing.
        """
        rows = await self._database.rows(_CONNECTION, [self._connection_id])
        if not rows:
            raise LookupError(f"connection {self._connection_id} does not exist any more")
        platform, host, port, tls, secret, requests, history, prefixes, suffixes = rows[0]
        self.platform = platform
        self._affixes = (prefixes.split(","), suffixes.split(","))
        values = decrypt_json(secret) if secret else {}
        credentials = Credentials(host, port, tls, {k: str(v) for k, v in values.items()})
        limits = Limits.per_second(requests, history)
        return create_connector(platform, credentials, self._store, limits)

    async def own_credentials(self) -> bool:
        """Whether the credentials stand there as this session stored them itself."""
        rows = await self._database.rows(
            "SELECT credentials FROM platforms_connection WHERE id = %s", [self._connection_id]
        )
        return bool(rows) and rows[0][0] == self._store.saved

    async def accounts(self) -> list[Account]:
        rows = await self._database.rows(_ACCOUNTS, [self._connection_id])
        return [Account(*row) for row in rows]

    async def signature(self) -> Signature:
        rows = await self._database.rows(_SIGNATURE, [self._connection_id])
        if not rows:
            return Signature("", (0, 0, 0))
        credentials, *accounts = rows[0]
        return Signature(credentials, (accounts[0], accounts[1], accounts[2]))

    async def write_symbols(self, instruments: Sequence[Instrument]) -> None:
        """Store instruments; a row that has not changed is left alone."""
        rows = [
            {
                "instrument_id": i.instrument_id,
                "name": i.name,
                "folded": fold(i.name, *self._affixes),
                "description": i.description[:128],
                "base": i.base,
                "quote": i.quote,
                "digits": i.digits,
                "pip_digits": i.pip_digits,
                "lot_units": str(i.lot_units),
                "min_units": str(i.min_units),
                "step_units": str(i.step_units),
                "max_units": str(i.max_units),
                "tradable": i.tradable,
                "schedule": i.schedule.as_json(),
            }
            for i in instruments
        ]
        await self._database.rows(SYMBOLS, [self._connection_id, as_json(rows)])

    async def write_state(self, update: StateUpdate) -> None:
        await self._database.rows(
            _STATE,
            [
                update.status,
                update.live_at,
                update.last_event_at,
                update.reconnects,
                update.clock_offset_ms,
                update.error_code[:64],
                update.error[:500],
                update.gateway,
                update.busiest_second,
                self._connection_id,
            ],
        )
