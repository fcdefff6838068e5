"""``manage.py verify_ledger``: check the hash chains over outcomes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.copytrading.errors import NotFound
from apps.copytrading.selectors import subscription_by_uuid
from apps.copytrading.services.verifying import Checked, copies_with_outcomes, verify


class Command(BaseCommand):
    help = (
        "Check the chain of a copy's outcomes, or of all copies: every row, its place and the "
        "count. Ends with exit code 1 where a chain does not hold."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--subscription", metavar="UUID", type=UUID, help="check one copy")
        which.add_argument("--all", action="store_true", help="check every copy")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = None
        if options["subscription"] is not None:
            try:
                wanted = subscription_by_uuid(options["subscription"]).pk
            except NotFound as missing:
                raise CommandError(str(missing)) from None
        copies = copies_with_outcomes(wanted)
        if not copies:
            self.stdout.write("No outcome to check.")
        broken = [uuid for pk, uuid in copies if not self._holds(pk, uuid)]
        if broken:
            raise CommandError(f"{len(broken)} of {len(copies)} chains do not hold.")
        if len(copies) > 1:
            self.stdout.write(self.style.SUCCESS(f"All {len(copies)} chains hold."))

    def _holds(self, pk: int, uuid: str) -> bool:
        last: Checked | None = None
        for last in verify(pk):
            if not last.done:
                self.stdout.write(f"{uuid}: {last.number:,} of {last.total:,} checked")
        assert last is not None
        if last.finding is None:
            self.stdout.write(
                f"{uuid}: {last.total:,} sealed outcomes hold, digest {last.digest or '–'}"
            )
            return True
        number, event_id, why = last.finding
        event = f" (event {event_id})" if event_id else ""
        place = f"number {number:,}{event}" if number else f"event {event_id}"
        self.stdout.write(self.style.ERROR(f"{uuid}: broken at {place}: {why}"))
        return False
