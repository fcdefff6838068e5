"""What the venue answers, by payload type.

A handler takes the venue, the session and the parsed request; it answers through the outbox
and raises :class:`~apps.papervenue.engine.records.Refused` where it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from apps.papervenue.requests import access, history, queries, trading

Handler = Callable[[Any, Any, Any], None]

_PARTS = (access.HANDLERS, queries.HANDLERS, history.HANDLERS, trading.HANDLERS)

HANDLERS: Final[Mapping[int, Handler]] = {
    int(kind): handler for part in _PARTS for kind, handler in part.items()
}
