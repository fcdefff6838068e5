"""One run of ``bench_copy``, which starts this with a database of its own in the environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.benchmarks import endurance, runs
from apps.benchmarks.rig import Rig, RigError

_MEASURES = {
    "copies": runs.copies,
    "paced": runs.paced,
    "sustained": endurance.sustained,
    "memory": endurance.memory,
}


class Command(BaseCommand):
    help = "One measured run; called by bench_copy."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=sorted(_MEASURES))
        parser.add_argument("--followers", type=int, required=True)
        parser.add_argument("--events", type=int, required=True)
        parser.add_argument("--warmup", type=int, required=True)
        parser.add_argument("--outcomes-stored", type=int, default=0)
        parser.add_argument("--folder", type=Path, required=True)
        parser.add_argument("--out", type=Path, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        run = runs.Run(
            options["followers"],
            options["events"],
            options["warmup"],
            options["folder"],
            options["outcomes_stored"],
        )
        try:
            with Rig(run.folder) as rig:
                figures = _MEASURES[options["what"]](run, rig, self.stderr.write)
        except RigError as trouble:
            raise CommandError(str(trouble)) from None
        options["out"].write_text(json.dumps(figures))
