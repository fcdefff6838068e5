"""Fill an empty installation with the demo, and print its sign-ins."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.demo import plan
from apps.demo.passwords import demo_password
from apps.demo.past import YEAR
from apps.demo.seed import fill
from apps.demo.venue import CTID, VenueUnavailable, offer_ctid


def port(name: str) -> int | None:
    value = os.environ.get(name, "")
    return int(value) if value.isdigit() else None


class Command(BaseCommand):
    help = (
        "Make an empty installation a demo: people, accounts at the paper venue, masters and "
        "followers. On a demo that stands nothing changes. Prints the sign-ins."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="of the paper venue")
        parser.add_argument("--port", type=int, default=port("PAPERVENUE_PORT"))
        parser.add_argument(
            "--days", type=int, default=YEAR, help="business days of past to make up, 0 for none"
        )
        parser.add_argument("--admin-port", type=int, default=port("PAPERVENUE_ADMIN_PORT"))

    def handle(self, *args: Any, **options: Any) -> None:
        if options["port"] is None or options["admin_port"] is None:
            raise CommandError(
                "Say where the paper venue is: --port and --admin-port, or start everything "
                "with `make run`."
            )
        try:
            address = {name: options[name] for name in ("host", "port", "admin_port")}
            if fill(**address, days=options["days"]):
                offer_ctid(options["admin_port"], demo_password(CTID))
        except VenueUnavailable as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(sign_ins())


def sign_ins() -> str:
    """Who can sign in, with passwords, as lines for a terminal."""
    people = [*plan.CUSTOMERS, *plan.STAFF]
    rows = [(p.role.capitalize() or "Customer", p.email) for p in people if p.signs_in]
    width = max(len(email) for _, email in rows)
    lines = [f"{who:<10} {email:<{width}}  {demo_password(email)}" for who, email in rows]
    heading = f"Demo sign-ins (cTrader ID to bring along: {CTID}, {demo_password(CTID)}):"
    return "\n".join([heading, *lines])
