"""The run of ``bench_live``, which starts this with a database of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.benchmarks.live_runs import measure
from apps.benchmarks.rig import RigError


class Command(BaseCommand):
    help = "One measured run; called by bench_live."

    def add_arguments(self, parser: CommandParser) -> None:
        for name in ("clients", "customers", "events"):
            parser.add_argument(f"--{name}", type=int, required=True)
        parser.add_argument("--out", type=Path, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        counts = (options["clients"], options["customers"], options["events"])
        try:
            found = measure(*counts, Path(os.environ["VAR_DIR"]), self.stderr.write)
        except RigError as trouble:
            raise CommandError(str(trouble)) from None
        options["out"].write_text(json.dumps(found))
