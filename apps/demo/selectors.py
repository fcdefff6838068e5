"""Reading the demo: whether it is one, where its venue is, who trades there."""

from __future__ import annotations

from decimal import Decimal

from apps.demo.desk import Endpoint, Seat
from apps.demo.domain.characters import CHARACTERS
from apps.demo.errors import NotADemo
from apps.demo.models import DemoInstallation
from apps.demo.plan import MASTERS
from apps.demo.venue import CLIENT_ID, CLIENT_SECRET, access_token


def installation() -> DemoInstallation | None:
    """The marker of a demo installation, or None on a plain one."""
    return DemoInstallation.objects.filter(pk=1).first()


def endpoint() -> Endpoint:
    """Where the demo's venue is and what an outside client signs in with now.

    NotADemo on a plain installation, VenueUnavailable when the venue does not answer.
    """
    venue = _demo().venue
    return Endpoint(
        host=venue["host"],
        port=venue["port"],
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        access_token=access_token(venue["admin_port"]),
    )


def demo_seats() -> list[Seat]:
    """The characters on their master accounts. NotADemo on a plain installation."""
    venue = _demo().venue
    accounts, deposits = venue["accounts"], venue.get("deposits", {})
    return [
        Seat(
            CHARACTERS[master.character],
            accounts[master.account.key],
            Decimal(deposits.get(master.account.key, master.account.deposit)),
        )
        for master in MASTERS
        if master.account.key in accounts  # a demo of an earlier version has fewer
    ]


def _demo() -> DemoInstallation:
    found = installation()
    if found is None:
        raise NotADemo
    return found
