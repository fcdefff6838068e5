"""``manage.py replay``: recorded events and settings through the planning code again."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.copytrading.domain.explain import lots
from apps.copytrading.domain.replay_items import Result
from apps.copytrading.errors import CopyError
from apps.copytrading.models import CopySubscription
from apps.copytrading.selectors import master_by_uuid, subscription_by_uuid
from apps.copytrading.services.replay import Line, Replayed, replay_subscription, settings_from


class Command(BaseCommand):
    help = (
        "Put recorded events through the planning code again. With the recorded settings every "
        "outcome must be the same (exit code 1 where one is not); with --set it shows what "
        "would have been."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--subscription", metavar="UUID", type=UUID, help="one copy")
        which.add_argument("--master", metavar="UUID", type=UUID, help="all copies of a master")
        parser.add_argument("--from", metavar="EVENT", type=int, dest="first", help="tell from")
        parser.add_argument("--to", metavar="EVENT", type=int, dest="last", help="tell up to")
        parser.add_argument(
            "--set", metavar="NAME=VALUE", action="append", default=[], dest="changes",
            help="a setting of the copy as it might have been; may be repeated",
        )  # fmt: skip
        parser.add_argument("--json", metavar="FILE", type=Path, help="write all of it there")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            settings = settings_from(options["changes"])
            copies = _copies(options["subscription"], options["master"])
        except CopyError as refusal:
            raise CommandError(str(refusal)) from None
        told: list[dict[str, Any]] = []
        differing = 0
        for pk, uuid in copies:
            found = replay_subscription(
                pk, settings=settings, first=options["first"], last=options["last"]
            )
            self._tell(uuid, found, what_if=bool(settings))
            differing += len(found.differing)
            told.append(_as_json(uuid, found))
        if options["json"] is not None:
            self._write(options["json"], options["changes"], told)
        if differing and not settings:
            raise CommandError(f"{differing} outcomes differ from what was recorded.")

    def _tell(self, uuid: str, found: Replayed, *, what_if: bool) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(f"copy {uuid}"))
        shown = found.lines if what_if else found.differing
        for line in shown:
            self.stdout.write(f"  {_sentence(line, found)}")
        same = len(found.lines) - len(found.differing)
        if not what_if and not found.differing:
            self.stdout.write(self.style.SUCCESS(f"  identical: all {same} outcomes"))
        else:
            self.stdout.write(f"  {same} of {len(found.lines)} outcomes are the same")
        if what_if:
            self.stdout.write(f"  recorded: {_totals([x.recorded for x in found.lines], found)}")
            self.stdout.write(
                f"  would be: {_totals([x.replayed for x in found.lines if x.replayed], found)}"
            )
        for note in _notes(found):
            self.stdout.write(f"  {note}")

    def _write(self, path: Path, settings: list[str], told: list[dict[str, Any]]) -> None:
        try:
            path.write_text(json.dumps({"set": settings, "copies": told}, indent=1))
        except OSError as problem:
            raise CommandError(f"{path} cannot be written: {problem.strerror}.") from None
        self.stdout.write(f"written to {path}")


def _copies(subscription: UUID | None, master: UUID | None) -> list[tuple[int, str]]:
    if subscription is not None:
        return [(subscription_by_uuid(subscription).pk, str(subscription))]
    found = CopySubscription.objects.filter(master=master_by_uuid(str(master))).order_by("id")
    return [(pk, str(uuid)) for pk, uuid in found.values_list("pk", "uuid")]


def _sentence(line: Line, found: Replayed) -> str:
    event = line.event
    what = f"event {event.id}, {event.kind.value} {event.symbol}"
    recorded = _outcome(line.recorded, found)
    if line.replayed is None:
        return f"{what}: {recorded}; would not be final"
    if line.same:
        return f"{what}: {recorded}; the same"
    return f"{what}: {recorded}; would be {_outcome(line.replayed, found)}"


def _outcome(result: Result, found: Replayed) -> str:
    text = f"{result.state.value} {result.code.value}"
    if result.units:
        text += f" {lots(result.units, found.lot_units)}{'' if found.lot_units == 1 else ' lots'}"
    if result.filled != result.units:
        text += f", filled {lots(result.filled, found.lot_units)}"
    return text + (" (filled at the master's price)" if result.assumed else "")


def _totals(results: list[Result], found: Replayed) -> str:
    states = Counter(result.state.value for result in results)
    counts = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    ordered = sum((result.filled for result in results), start=0 * found.lot_units)
    unit = "units" if found.lot_units == 1 else "lots"
    return f"{counts or 'nothing'}; {lots(ordered, found.lot_units)} {unit} traded"


def _notes(found: Replayed) -> list[str]:
    notes = []
    if found.left_out:
        notes.append(
            f"{found.left_out} outcomes are not replayed, since their events are not in the journal"
        )
    if any(line.replayed and line.replayed.assumed for line in found.lines):
        notes.append("orders that were never sent are taken to be filled at the master's price")
    if found.guessed:
        notes.append(
            f"at {found.guessed} moments the record does not say how the accounts stood; what was "
            "known last was taken"
        )
    return notes


def _as_json(uuid: str, found: Replayed) -> dict[str, Any]:
    return {
        "subscription": uuid,
        "events": len(found.lines),
        "identical": len(found.lines) - len(found.differing),
        "left_out": found.left_out,
        "lines": [
            {
                "event": line.event.id,
                "kind": line.event.kind.value,
                "symbol": line.event.symbol,
                "same": line.same,
                "recorded": _plain(line.recorded),
                "replayed": None if line.replayed is None else _plain(line.replayed),
            }
            for line in found.lines
        ],
    }


def _plain(result: Result) -> dict[str, Any]:
    return {
        "state": result.state.value,
        "code": result.code.value,
        "units": f"{result.units.normalize():f}",
        "filled_units": f"{result.filled.normalize():f}",
        "price": None if result.price is None else f"{result.price.normalize():f}",
        "assumed": result.assumed,
    }
