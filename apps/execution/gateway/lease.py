"""Leases: which connections this gateway may speak to, and until when.

The rows are on PostgreSQL's clock. Beside them each lease has a deadline on this process's
monotonic clock, counted from before the query that renewed it, so that a process which was
stopped and continued knows by itself that its time has passed.
"""

from __future__ import annotations

import math
import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass

from apps.execution.gateway.db import Database

LEASE_S = 5.0
#: A successor of a gateway that did not release its lease sends nothing for this long.
TAKEOVER_WAIT_S = LEASE_S + 1.0
TICK_S = 1.0
_SAFETY_S = 0.3
#: A renewal that is not answered by then is tried again on another connection.
_ANSWER_S = 2.0

# Only what is still held here: one whose own deadline has passed must be free for the next.
_RENEW = """
    UPDATE execution_connectionlease SET expires_at = clock_timestamp() + make_interval(secs => %s)
    WHERE holder = %s AND expires_at > clock_timestamp() AND connection_id = ANY(%s)
    RETURNING connection_id, epoch
"""

_SEEN = """
    INSERT INTO execution_gatewayprocess (name, started_at, seen_at, connections, rss_mb)
    VALUES (%s, clock_timestamp(), clock_timestamp(), %s, %s)
    ON CONFLICT (name) DO UPDATE SET seen_at = clock_timestamp(),
        connections = excluded.connections, rss_mb = excluded.rss_mb
"""

_COUNTS = """
    SELECT (SELECT count(*) FROM platforms_connection WHERE enabled),
           (SELECT count(*) FROM execution_gatewayprocess
            WHERE seen_at > clock_timestamp() - make_interval(secs => %s))
"""

_MISSING = """
    INSERT INTO execution_connectionlease (connection_id, holder, epoch)
    SELECT id, '', 0 FROM platforms_connection WHERE enabled
    ON CONFLICT DO NOTHING
"""

_ACQUIRE = """
    WITH free AS (
        SELECT l.connection_id, l.holder FROM execution_connectionlease l
        JOIN platforms_connection c ON c.id = l.connection_id AND c.enabled
        WHERE (l.holder = '' OR l.expires_at IS NULL OR l.expires_at < clock_timestamp())
          AND NOT l.connection_id = ANY(%s)
        ORDER BY l.connection_id LIMIT %s FOR UPDATE OF l SKIP LOCKED
    )
    UPDATE execution_connectionlease l SET holder = %s, epoch = l.epoch + 1,
        expires_at = clock_timestamp() + make_interval(secs => %s)
    FROM free WHERE free.connection_id = l.connection_id
    RETURNING l.connection_id, l.epoch, free.holder = ''
"""

_RELEASE = """
    UPDATE execution_connectionlease SET holder = '', expires_at = NULL
    WHERE connection_id = %s AND holder = %s AND epoch = %s
"""

_DISABLED = "SELECT id FROM platforms_connection WHERE id = ANY(%s) AND NOT enabled"


@dataclass(slots=True, eq=False)
class Lease:
    """The right to speak to one connection while ``valid()``."""

    connection_id: int
    holder: str
    epoch: int
    deadline: float
    send_from: float  # monotonic; nothing is sent or resolved before
    clock: Callable[[], float] = time.monotonic

    def valid(self) -> bool:
        return self.clock() < self.deadline

    def wait_s(self) -> float:
        """Seconds until sending may begin."""
        return max(0.0, self.send_from - self.clock())


class Leases:
    """The leases of this gateway."""

    def __init__(self, database: Database, holder: str) -> None:
        self._database = database
        self.holder = holder
        self.held: dict[int, Lease] = {}

    async def renew(self) -> list[Lease]:
        """Renew all and tell that this gateway lives; answers those that were lost."""
        before = time.monotonic()
        held = sorted(self.held)
        seen = [self.holder, held, _rss_mb()]
        renewed, _ = await self._database.run_all(
            [(_RENEW, [LEASE_S, self.holder, held]), (_SEEN, seen)], _ANSWER_S
        )
        current = {(connection_id, epoch) for connection_id, epoch in renewed}
        lost: list[Lease] = []
        for lease in list(self.held.values()):
            if (lease.connection_id, lease.epoch) in current:
                lease.deadline = before + LEASE_S - _SAFETY_S
            else:
                lost.append(self.held.pop(lease.connection_id))
        return lost

    async def share(self) -> int:
        """How many connections this gateway should hold: a fair part of all."""
        ((connections, gateways),) = await self._database.rows(_COUNTS, [LEASE_S])
        share: int = math.ceil(connections / max(1, gateways))
        return share

    async def acquire(self, up_to: int, without: set[int]) -> list[Lease]:
        """Take at most that many connections that nobody holds."""
        if up_to <= 0:
            return []
        await self._database.rows(_MISSING)
        before = time.monotonic()
        rows = await self._database.rows(
            _ACQUIRE, [sorted(without | set(self.held)), up_to, self.holder, LEASE_S]
        )
        taken = []
        for connection_id, epoch, clean in rows:
            send_from = before if clean else time.monotonic() + TAKEOVER_WAIT_S
            lease = Lease(
                connection_id, self.holder, epoch, before + LEASE_S - _SAFETY_S, send_from
            )
            self.held[connection_id] = lease
            taken.append(lease)
        return taken

    async def release(self, lease: Lease) -> None:
        """Give a connection back whose session has ended in order."""
        self.held.pop(lease.connection_id, None)
        await self._database.rows(_RELEASE, [lease.connection_id, lease.holder, lease.epoch])

    async def disabled(self) -> list[Lease]:
        """Leases of connections that have been switched off."""
        rows = await self._database.rows(_DISABLED, [sorted(self.held)])
        return [self.held[row[0]] for row in rows if row[0] in self.held]

    def expired(self) -> list[Lease]:
        """Take out leases whose own deadline has passed."""
        late = [lease for lease in self.held.values() if not lease.valid()]
        for lease in late:
            del self.held[lease.connection_id]
        return late

    async def leave(self) -> None:
        """This gateway ends: it counts no longer."""
        await self._database.rows(
            "DELETE FROM execution_gatewayprocess WHERE name = %s", [self.holder]
        )


def _rss_mb() -> int:
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 2**20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
