"""Measure the server time of every page with very many rows in the database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.benchmarks.pages.runs import BOUND_MS, slow
from apps.benchmarks.rig import RigError
from apps.benchmarks.stage import Stage
from apps.common.embedded import ServerUnavailable


class Command(BaseCommand):
    help = (
        "Fill a PostgreSQL of the benchmark's own with masters, copies and outcomes and measure "
        "every page and fragment of portal and console, as a customer and as staff."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--masters", type=int, default=10_000)
        parser.add_argument("--subscriptions", type=int, default=100_000)
        parser.add_argument("--outcomes", type=int, default=1_000_000)
        parser.add_argument("--days", type=int, default=90, help="of figures of every master")
        parser.add_argument("--times", type=int, default=40, help="measured visits of each page")
        parser.add_argument("--json", type=Path, required=True, help="where the figures go")

    def handle(self, *args: Any, **options: Any) -> None:
        size = {n: options[n] for n in ("masters", "subscriptions", "outcomes", "days", "times")}
        if size["masters"] < 20 or size["subscriptions"] < 2 * size["masters"]:
            raise CommandError("Give at least 20 masters and twice as many subscriptions.")
        if size["outcomes"] < size["subscriptions"] or size["days"] < 25 or size["times"] < 1:
            raise CommandError("Give an outcome a subscription, 25 days and one visit at least.")
        try:
            with Stage(self.stderr.write) as stage:
                measured = stage.pages(size)
        except (ServerUnavailable, RigError) as problem:
            raise CommandError(str(problem)) from None
        figures = {**size, "bound_ms": BOUND_MS, "pages": measured}
        options["json"].parent.mkdir(parents=True, exist_ok=True)
        options["json"].write_text(json.dumps(figures, indent=2) + "\n")
        late = slow(measured)
        self.stdout.write(f"{len(measured)} pages measured, {len(late)} beyond {BOUND_MS:g} ms:")
        for name in late:
            self.stdout.write(f"  {name}")
        self.stdout.write(f"Figures: {options['json']}")
