"""How an account's connection stands, in words, with what the customer can do about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from apps.platforms.selectors import StateRow

if TYPE_CHECKING:
    from apps.platforms.models import ConnectionState, TradingAccount

#: A new account is read within seconds; after this something is wrong.
_PATIENCE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Health:
    """``tone`` is good, warn, bad or none; ``advice`` says what helps, '' where nothing is wrong.

    ``renewable``: the customer can give access anew.
    """

    tone: str
    label: str
    advice: str
    last_event_at: datetime | None = None
    reconnects: int = 0
    since: datetime | None = None
    renewable: bool = False


def health_of(account: TradingAccount, state: StateRow | None, now: datetime) -> Health:
    """The health of an account of :func:`apps.platforms.selectors.accounts_of`."""
    connection = account.connection
    seen: ConnectionState | None = getattr(connection, "state", None)
    own = connection.owner_id is not None
    if not connection.enabled:
        return Health("bad", "Switched off", "This connection was switched off; ask our staff.")
    if seen is None or seen.status_at is None:
        return Health("warn", "Connecting", "The connection is taken up within seconds; just wait.")
    tone, label, advice = _words(seen, own)
    if tone == "good" and (state is None or not state.synced):
        tone, label, advice = _unread(account, now)
    return Health(
        tone,
        label,
        advice,
        last_event_at=seen.last_event_at,
        reconnects=seen.reconnects,
        since=seen.status_at,
        renewable=own and tone == "bad",
    )


def _words(seen: ConnectionState, own: bool) -> tuple[str, str, str]:
    if seen.status == "live":
        return "good", "Connected", ""
    if seen.status in ("connecting", "syncing"):
        return "warn", seen.get_status_display(), "Figures are current again in a moment."
    if seen.status == "refused":
        told = f"The platform refuses access: {seen.error[:200]}. " if own and seen.error else ""
        helps = (
            "Give access again, then it goes on where it stopped."
            if own
            else "The platform refuses the sign-in of this site; ask our staff."
        )
        return "bad", "Access refused", f"{told}{helps}"
    return (
        "bad",
        "Disconnected",
        "The platform cannot be reached. The connection is tried again all the time; positions "
        "keep their stops on the platform meanwhile.",
    )


def _unread(account: TradingAccount, now: datetime) -> tuple[str, str, str]:
    if now - account.created_at < _PATIENCE:
        return "warn", "Being read", "Balance and positions are read now; just wait."
    return (
        "bad",
        "No figures",
        "The platform is connected but tells nothing of this account. It may have been closed "
        "there, or access to it withdrawn.",
    )
