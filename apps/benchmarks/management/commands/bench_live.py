"""Measure how soon an outcome reaches very many open pages."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.benchmarks.live_runs import BOUND_MS
from apps.benchmarks.rig import RigError
from apps.benchmarks.stage import Stage
from apps.common.embedded import ServerUnavailable

#: Files that a process needs besides its sockets.
_BESIDES = 200


class Command(BaseCommand):
    help = (
        "Open pages over WebSockets on a web process of the benchmark's own, let outcomes happen, "
        "and measure when they arrive at all pages that show them."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--clients", type=int, default=1_000, help="open pages")
        parser.add_argument(
            "--customers", type=int, default=10, help="of them with My copying of another customer"
        )
        parser.add_argument("--events", type=int, default=30)
        parser.add_argument("--json", type=Path, required=True, help="where the figures go")

    def handle(self, *args: Any, **options: Any) -> None:
        counts = {name: options[name] for name in ("clients", "customers", "events")}
        if not 1 <= counts["customers"] <= counts["clients"] or counts["events"] < 1:
            raise CommandError("Give at least one event and one customer, and as many clients.")
        _allow_files(counts["clients"] + _BESIDES)
        try:
            with Stage(self.stderr.write) as stage:
                figures = stage.live(counts)
        except (ServerUnavailable, RigError) as problem:
            raise CommandError(str(problem)) from None
        options["json"].parent.mkdir(parents=True, exist_ok=True)
        options["json"].write_text(json.dumps(figures, indent=2) + "\n")
        reached = figures["missed"] == 0 and (figures["p99_ms"] or 0) <= BOUND_MS
        self.stdout.write(
            f"{figures['clients']:,} clients: p50 {figures['p50_ms']} ms, p99 {figures['p99_ms']} "
            f"ms of at most {BOUND_MS:g}, {figures['missed']} missed: "
            f"{'reached' if reached else 'MISSED'}\nFigures: {options['json']}"
        )


def _allow_files(count: int) -> None:
    """Let this process and its children open so many files. CommandError where they may not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise CommandError(
            f"Only {hard:,} files may be open at once, {count:,} are needed: raise `ulimit -n`."
        )
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
