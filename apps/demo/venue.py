"""The demo's dealings with the paper venue's admin channel: opening accounts, asking for tokens."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.demo.desk import Endpoint
from apps.demo.plan import Account
from apps.papervenue.admin_client import AdminClient, AdminRefused

OWNER = "bellwether"
CLIENT_ID, CLIENT_SECRET = "bellwether", "paper-venue"
CTID = "demo"
_BROUGHT: tuple[dict[str, Any], ...] = (
    {"name": "ctid-eur", "currency": "EUR", "deposit": "12500"},
    {"name": "ctid-usd", "currency": "USD", "deposit": "40000", "live": True},
    {"name": "ctid-netting", "currency": "GBP", "deposit": "8000", "margin_mode": "netting"},
)
_START_S = 20.0


class VenueUnavailable(OSError):
    """The venue's admin channel does not answer, or refuses; the text says what to do."""


@dataclass(frozen=True, slots=True)
class VenueSide:
    """What stands at the venue: address, tokens, and accounts by their key in the plan."""

    host: str
    port: int
    access_token: str
    refresh_token: str
    accounts: Mapping[str, int]
    logins: Mapping[str, int]

    def credentials(self) -> dict[str, str]:
        """What a connection of the product signs in with."""
        return {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
        }

    def endpoint(self) -> Endpoint:
        """What an outside client signs in with."""
        return Endpoint(self.host, self.port, CLIENT_ID, CLIENT_SECRET, self.access_token)


def open_accounts(
    *, host: str, port: int, admin_port: int, accounts: Sequence[Account]
) -> VenueSide:
    """Open those accounts that the venue does not have yet under our owner; all are answered.

    Waits for a venue that is just starting. VenueUnavailable when it does not answer.
    """
    wait_for_venue(admin_port)
    known = {row["name"]: row for row in _ours(admin_port)}
    missing = [_terms(account) for account in accounts if account.key not in known]
    if missing:
        opened = ask(admin_port, "open_accounts", accounts=missing)["accounts"]
        known |= {row["name"]: row for row in opened}
    tokens = ask(admin_port, "tokens", owner=OWNER)["owner"]
    return VenueSide(
        host=host,
        port=port,
        access_token=tokens["access_token"],
        refresh_token=tokens["refresh_token"],
        accounts={account.key: known[account.key]["account"] for account in accounts},
        logins={account.key: known[account.key]["login"] for account in accounts},
    )


def offer_ctid(admin_port: int, password: str) -> None:
    """Have a cTrader ID at the venue with accounts to bring along, demo and real, and a password.

    So that adding a cTrader account can be tried where the venue stands for cTrader.
    """
    held = {row["name"] for row in ask(admin_port, "accounts")["accounts"] if row["owner"] == CTID}
    missing = [terms | {"owner": CTID} for terms in _BROUGHT if terms["name"] not in held]
    if missing:
        ask(admin_port, "open_accounts", accounts=missing)
    ask(admin_port, "set_password", owner=CTID, password=password)


def access_token(admin_port: int) -> str:
    """The token that opens our accounts now; the product may have renewed it."""
    return str(ask(admin_port, "tokens", owner=OWNER)["owner"]["access_token"])


def wait_for_venue(admin_port: int, *, within_s: float = _START_S) -> None:
    """Return when the admin channel answers; VenueUnavailable when it does not in time."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            ask(admin_port, "ping")
        except VenueUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def ask(admin_port: int, do: str, **terms: Any) -> dict[str, Any]:
    """One admin command and its answer. VenueUnavailable says what went wrong."""
    try:
        return AdminClient(admin_port).ask_now(do, **terms)
    except AdminRefused as refused:
        raise VenueUnavailable(f"the paper venue refused {do}: {refused}") from None
    except OSError as error:
        raise VenueUnavailable(
            f"the paper venue does not answer on port {admin_port} ({error}); start it with "
            "`make run` or `manage.py papervenue serve`"
        ) from None


def _ours(admin_port: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ask(admin_port, "accounts")["accounts"]
    return [row for row in rows if row["owner"] == OWNER]


def _terms(account: Account) -> dict[str, object]:
    return {
        "name": account.key,
        "owner": OWNER,
        "currency": account.currency,
        "leverage": 100,
        "margin_mode": account.margin_mode,
        "deposit": str(account.deposit),
    }
