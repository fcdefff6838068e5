"""Break the product on purpose, with real processes, and audit what is left."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.benchmarks.chaos.run import Plan, run
from apps.benchmarks.chaos.stage import temporary_folder
from apps.benchmarks.rig import RigError
from apps.common.embedded import ServerUnavailable

_WRONG = ("lost", "duplicates", "unresolved", "drift")
_START_S, _KILL_S = 360, 12


class Command(BaseCommand):
    help = (
        "Trade many masters at once while worker, gateway, Redis, PostgreSQL and the venue are "
        "killed at random and the venue loses, delays, doubles and refuses orders; then compare "
        "the venue's own books with what every copy should hold."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--kills", type=int, default=60)
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--json", type=Path, required=True, help="where the figures go")
        parser.add_argument("--masters", type=int, default=20)
        parser.add_argument("--subscriptions", type=int, default=500)
        parser.add_argument("--rate", type=float, default=10.0, help="master trades in a second")
        parser.add_argument(
            "--settle", type=float, default=90.0, help="seconds to wait for rest at most"
        )
        parser.add_argument("--keep", type=Path, help="folder to keep logs and books in")

    def handle(self, *args: Any, **options: Any) -> None:
        plan = Plan(
            kills=options["kills"],
            seed=options["seed"],
            masters=options["masters"],
            subscriptions=options["subscriptions"],
            per_second=options["rate"],
            settle_s=options["settle"],
        )
        target, keep = options["json"].absolute(), options["keep"]
        try:
            with temporary_folder() as name, _limited(_START_S + _KILL_S * plan.kills):
                try:
                    figures = run(plan, Path(name), self.stderr.write)
                finally:
                    if keep is not None:
                        shutil.copytree(Path(name) / "run", keep, dirs_exist_ok=True)
        except (ServerUnavailable, RigError, _Ended) as problem:
            raise CommandError(str(problem)) from None
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(figures, indent=2) + "\n")
        self._tell(figures, target)

    def _tell(self, figures: dict[str, Any], target: Path) -> None:
        for line in figures["details"]:
            self.stdout.write(line)
        self.stdout.write(
            f"{figures['events']:,} events for {figures['subscriptions']} subscriptions under "
            f"{figures['kills']} kills: "
            + ", ".join(f"{name} {figures[name]}" for name in _WRONG)
            + f"; converged after {figures['converged_after_s']} s. Figures: {target}"
        )
        if figures["converged_after_s"] is None or any(figures[name] for name in _WRONG):
            raise CommandError("the copies are not what they should be; see above")


class _Ended(Exception):
    """Somebody ended the run, or its time was up."""


@contextlib.contextmanager
def _limited(seconds: int) -> Iterator[None]:
    """End by itself after so long, and in order when it is asked to end."""

    def over(number: int, frame: FrameType | None) -> None:
        timed_out = number == signal.SIGALRM
        raise _Ended(f"not done after {seconds} s" if timed_out else "ended by a signal")

    before = {n: signal.signal(n, over) for n in (signal.SIGALRM, signal.SIGTERM)}
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)
