"""The run of ``bench_figures``, which starts this with a database of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.benchmarks import figure_runs
from apps.benchmarks.rig import RigError


class Command(BaseCommand):
    help = "One measured run; called by bench_figures."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--masters", type=int, required=True)
        parser.add_argument("--days", type=int, required=True)
        parser.add_argument("--out", type=Path, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            figures = figure_runs.measure(options["masters"], options["days"], self.stderr.write)
        except RigError as trouble:
            raise CommandError(str(trouble)) from None
        options["out"].write_text(json.dumps(figures))
