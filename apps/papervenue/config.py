"""How a venue runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class VenueConfig:
    """Settings of one venue.

    ``data`` is the folder of its database, None for a venue that forgets. Port 0 takes a free
    one. Rate limits are requests in a second on one connection, None for none.
    ``prices`` is ``ecb``, ``file`` or ``manual`` (prices are only set by hand).
    """

    host: str = "127.0.0.1"
    port: int = 5035
    admin_port: int = 5036
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
