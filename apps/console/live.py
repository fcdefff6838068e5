"""What the console's live pages show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.roles import Permission
from apps.accounts.selectors import may, product_config
from apps.common.live_pages import LivePage, Params, Section, section
from apps.console.picture import Picture, picture
from apps.copytrading.topology import flows
from apps.execution.selectors import gateways
from apps.platforms.selectors import account_counts, connections

#: A gateway reports every second; one that was silent for longer than this is gone.
GATEWAY_SILENCE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """A connection to a platform and how it is."""

    uuid: str
    name: str
    platform: str
    server: str
    address: str
    enabled: bool
    status: str
    status_label: str
    status_at: datetime | None
    live_at: datetime | None
    last_event_at: datetime | None
    reconnects: int
    clock_offset_ms: int
    error_code: str
    error: str
    gateway: str
    accounts: int
    busiest: int
    limit: int

    @property
    def used(self) -> int:
        """Percent of the limit that the busiest second of the last minute used."""
        return min(100, round(100 * self.busiest / self.limit)) if self.limit else 0


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """A gateway process and the connections it holds."""

    name: str
    running: bool
    started_at: datetime
    seen_at: datetime
    connections: int
    rss_mb: int


def connection_rows() -> list[ConnectionRow]:
    """All connections by name, two queries."""
    rows = []
    sizes = account_counts()
    for c in connections():
        state = getattr(c, "state", None)
        rows.append(
            ConnectionRow(
                uuid=str(c.uuid),
                name=c.name,
                platform=c.platform,
                server=c.server,
                address=f"{c.host}:{c.port}",
                enabled=c.enabled,
                status=state.status if state else "down",
                status_label=state.get_status_display() if state else "Never connected",
                status_at=state.status_at if state else None,
                live_at=state.live_at if state else None,
                last_event_at=state.last_event_at if state else None,
                reconnects=state.reconnects if state else 0,
                clock_offset_ms=state.clock_offset_ms if state else 0,
                error_code=state.error_code if state else "",
                error=state.error if state else "",
                gateway=state.gateway if state else "",
                accounts=sizes.get(c.pk, 0),
                busiest=state.busiest_second if state else 0,
                limit=c.requests_per_second,
            )
        )
    return rows


def gateway_rows() -> list[GatewayRow]:
    """Gateways that were seen within the last hour, one query."""
    now = timezone.now()
    return [
        GatewayRow(
            name=g.name,
            running=now - g.seen_at < GATEWAY_SILENCE,
            started_at=g.started_at,
            seen_at=g.seen_at,
            connections=len(g.connections),
            rss_mb=g.rss_mb,
        )
        for g in gateways()
        if now - g.seen_at < timedelta(hours=1)
    ]


def _platforms_sections(user: User, params: Params) -> Iterable[Section]:
    yield section(
        "connections",
        "console/platforms.html#connection",
        connection_rows(),
        key=lambda row: row.uuid,
        empty="console/platforms.html#no_connection",
    )
    if product_config().copy_trading_enabled:
        yield section(
            "topology",
            "console/platforms.html#topology",
            topology(),
            key=lambda _: "all",
            empty="console/platforms.html#no_topology",
            tag="div",
        )
    yield section(
        "gateways",
        "console/platforms.html#gateway",
        gateway_rows(),
        key=lambda row: row.name,
        empty="console/platforms.html#no_gateway",
    )


def topology() -> list[Picture]:
    """The picture of running copies between connections; none while nothing is copied."""
    found = flows()
    names = {
        c.pk: (c.name, c.state.status if getattr(c, "state", None) else "down")
        for c in connections()
    }
    return [picture(found, names)] if found else []


def may_look(user: User, params: Params) -> bool:
    """Whether the user is staff."""
    return may(user, Permission.VIEW)


def by_permissions(user: User, params: Params) -> str:
    """Staff who may do the same see the same."""
    may_do = sorted(permission for permission in Permission if may(user, permission))
    return f"staff {' '.join(may_do)}"


def _nothing(user: User, params: Params) -> Iterable[str]:
    return ()


PLATFORMS = LivePage(
    "platforms", may_look, _nothing, _platforms_sections, refresh_s=1.0, audience=by_permissions
)
