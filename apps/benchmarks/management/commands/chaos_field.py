"""The accounts of a chaos run; ``chaos_copy`` calls this with its own database and venue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.benchmarks.chaos.field import build


class Command(BaseCommand):
    help = "Open the accounts of a chaos run; called by chaos_copy."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, required=True)
        parser.add_argument("--admin-port", type=int, required=True)
        parser.add_argument("--masters", type=int, required=True)
        parser.add_argument("--subscriptions", type=int, required=True)
        parser.add_argument("--out", type=Path, required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        build(
            options["port"], options["admin_port"], options["masters"], options["subscriptions"]
        ).save(options["out"])
