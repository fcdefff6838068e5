"""Reading the demo: whether it is one, where its venue is, who trades there."""

from __future__ import annotations

from apps.demo.desk import Endpoint, Seat
from apps.demo.domain.characters import CHARACTERS
from apps.demo.errors import NotADemo
from apps.demo.models import DemoInstallation
from apps.demo.plan import MASTERS


def installation() -> DemoInstallation | None:
    """The marker of a demo installation, or None on a plain one."""
    return DemoInstallation.objects.filter(pk=1).first()


def endpoint() -> Endpoint:
    """Where the demo's venue is. NotADemo on a plain installation."""
    venue = _demo().venue
    return Endpoint(
        host=venue["host"],
        port=venue["port"],
        client_id=venue["client_id"],
        client_secret=venue["client_secret"],
        access_token=venue["access_token"],
    )


def demo_seats() -> list[Seat]:
    """The four characters on their master accounts. NotADemo on a plain installation."""
    accounts = _demo().venue["accounts"]
    return [
        Seat(CHARACTERS[m.character], accounts[m.account.key], m.account.deposit) for m in MASTERS
    ]


def _demo() -> DemoInstallation:
    found = installation()
    if found is None:
        raise NotADemo
    return found
