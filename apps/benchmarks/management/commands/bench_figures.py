"""Measure how long the figures of thousands of masters take, stored in PostgreSQL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.benchmarks.figure_runs import TARGETS, judged, missing_libraries
from apps.benchmarks.rig import RigError
from apps.benchmarks.stage import Stage
from apps.common.embedded import ServerUnavailable


class Command(BaseCommand):
    help = (
        "Store made-up daily returns in a PostgreSQL of the benchmark's own and measure all "
        "figures of all masters, one more day, and the same figures by empyrical and quantstats."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--masters", type=int, default=10_000)
        parser.add_argument("--days", type=int, default=365, help="calendar days of history")
        parser.add_argument("--json", type=Path, required=True, help="where the figures go")

    def handle(self, *args: Any, **options: Any) -> None:
        if missing := missing_libraries():
            raise CommandError(
                f"This benchmark compares with {' and '.join(missing)}, not installed here: "
                f"run 'make bench-figures', or install {' '.join(missing)} with pip."
            )
        masters, days = options["masters"], options["days"]
        if masters < 1 or days < 30:
            raise CommandError(
                "Give at least 1 master and 30 days: below that there are no ratios."
            )
        try:
            with Stage(self.stderr.write) as stage:
                figures = stage.figures(masters, days)
        except (ServerUnavailable, RigError) as problem:
            raise CommandError(str(problem)) from None
        options["json"].parent.mkdir(parents=True, exist_ok=True)
        options["json"].write_text(json.dumps(figures, indent=2) + "\n")
        self.stdout.write(
            f"All figures of {masters:,} masters with {days} days, from PostgreSQL.\n"
        )
        for name in TARGETS:
            self.stdout.write(f"{name:>16}  {judged(name, figures[name])}")
        self.stdout.write(f"\nFigures: {options['json']}")
