"""The run of ``bench_pages``, which starts this with a database of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.benchmarks.pages.field import Size, build
from apps.benchmarks.pages.runs import measure
from apps.benchmarks.rig import RigError


class Command(BaseCommand):
    help = "One measured run; called by bench_pages."

    def add_arguments(self, parser: CommandParser) -> None:
        for name in ("masters", "subscriptions", "outcomes", "days", "times"):
            parser.add_argument(f"--{name}", type=int, required=True)
        parser.add_argument("--out", type=Path, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        counts = {n: options[n] for n in ("masters", "subscriptions", "outcomes", "days")}
        Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
        build(Size(**counts), self.stderr.write)
        try:
            measured = measure(options["times"], self.stderr.write)
        except RigError as trouble:
            raise CommandError(str(trouble)) from None
        options["out"].write_text(json.dumps(measured))
