"""How a venue runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from apps.trading.schedule import Schedule

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class VenueConfig:
    """Settings of one venue.

    ``data`` is the folder of its database, None for a venue that forgets. Port 0 takes a free
    one; ``http_port`` None: no pages for giving access and opening accounts. Rate limits are
    requests in a second on one connection, None for none.
    ``hours`` are schedules by symbol, ``*`` first for all; without any a symbol is always open.
    ``prices`` is ``ecb``, ``file`` or ``manual`` (prices are only set by hand).
    """

    host: str = "127.0.0.1"
    port: int = 5035
    admin_port: int = 5036
    http_port: int | None = None
    data: Path | None = None
    client_id: str = "bellwether"
    client_secret: str = field(default="paper-venue", repr=False)
    rate_limit: int | None = 50
    history_rate_limit: int | None = 5
    prices: str = "ecb"
    price_file: Path | None = None
    price_symbol: str = ""
    speed: float = 1.0
    seed: int = 1
    tick_s: float = 0.25
    tls: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    token_lifetime_s: int = 30 * DAY_S
    heartbeat_s: float = 10.0
    silence_s: float = 30.0
    batch: int = 256
    hours: Mapping[str, Schedule] = field(default_factory=dict)


def read_hours(path: Path) -> dict[str, Schedule]:
    """Trading hours from a JSON file: an object of schedules by symbol, ``*`` for all others.

    ValueError says what is wrong with it.
    """
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ValueError(f"the trading hours in {path} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} must hold an object of schedules by symbol")
    for name, value in found.items():
        if not isinstance(value, dict):
            raise ValueError(f"{path}: the hours of {name} must be an object")
    # All symbols first, so that a symbol's own hours replace them.
    names = sorted(found, key=lambda name: name != "*")
    return {name: Schedule.from_json(found[name]) for name in names}
