"""Closes that the platform refused because their market was closed: sent again until it opens.

The intention stands and keeps its id; a refused order was never executed. What is waited for is
lost with the process: its successor finds them claimed and asks the platform.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

from apps.execution.gateway.guards import Guards
from apps.execution.gateway.tickets import Ticket, Tickets

_LONGEST_PAUSE_S = 60.0
#: How often it is looked whether one is due, while there are any.
LOOK_S = 0.5


class Retries:
    """The waiting closes of a session; those of the session before are taken up."""

    def __init__(self, tickets: Tickets, guards: Guards) -> None:
        self._guards = guards
        self._waiting: dict[str, tuple[float, Ticket]] = {}
        self._pauses: dict[str, float] = {}
        for ticket in tickets.by_client_id.values():
            if ticket.waits:
                self.add(ticket)

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, ticket: Ticket) -> None:
        """Wait with a refused close: 1 s, then twice as long each time."""
        pause = self._pauses.get(ticket.cid, 1.0)
        self._pauses[ticket.cid] = min(2 * pause, _LONGEST_PAUSE_S)
        self._waiting[ticket.cid] = (time.monotonic() + pause, ticket)

    def due(self) -> list[Ticket]:
        """Those whose pause is over and whose market is open as far as is known."""
        clock = time.monotonic()
        tickets = [ticket for at, ticket in self._waiting.values() if at <= clock]
        if not tickets:
            return []
        closed = self._guards.closed((ticket.row for ticket in tickets), datetime.now(UTC))
        return [ticket for ticket in tickets if ticket.cid not in closed]

    def taken(self, tickets: list[Ticket]) -> None:
        """These are sent again now."""
        for ticket in tickets:
            del self._waiting[ticket.cid]

    def ended(self, ticket: Ticket) -> None:
        """The platform has answered otherwise."""
        self._pauses.pop(ticket.cid, None)
