"""Measure how long a master's trade takes to its followers, with real processes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.benchmarks.figures import SUSTAINED_PER_S, table, verdict
from apps.benchmarks.rig import RigError
from apps.benchmarks.stage import Stage
from apps.common.embedded import ServerUnavailable


def counts(text: str) -> list[int]:
    values = [int(part) for part in text.split(",")]
    if not values or min(values) < 1:
        raise ValueError(text)
    return values


class Command(BaseCommand):
    help = (
        "Run venue, gateway, worker, PostgreSQL and Redis of the benchmark's own and measure from "
        "the arrival of a master's deal at the gateway to the last follower's order."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--followers", type=counts, default=counts("1,100,1000"))
        parser.add_argument("--json", type=Path, required=True, help="where the figures go")
        parser.add_argument("--events", type=int, default=40, help="measured events per run")
        parser.add_argument("--warmup", type=int, default=10, help="events before those")
        parser.add_argument("--no-paced", action="store_true", help="leave out the run at 50/s")
        parser.add_argument(
            "--outcomes-stored", type=int, default=0, help="outcomes that are there before a run"
        )
        parser.add_argument(
            "--sustained", type=int, default=0, help="also measure so many copied trades in a row"
        )
        parser.add_argument(
            "--memory", type=int, default=0, help="also watch memory over so many copied trades"
        )
        parser.add_argument("--keep", type=Path, help="folder to keep logs and books in")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with Stage(self.stderr.write, options["keep"]) as stage:
                figures: dict[str, Any] = {
                    "rate_limits": "off",
                    "machine": stage.machine(),
                    "runs": [
                        stage.run(
                            n, options["events"], options["warmup"], options["outcomes_stored"]
                        )
                        for n in options["followers"]
                    ],
                }
                if options["sustained"]:
                    figures["sustained"] = stage.sustained(options["sustained"])
                    figures["sustained_per_s"] = figures["sustained"]["sustained_per_s"]
                if options["memory"]:
                    figures["memory"] = stage.memory(options["memory"])
                if not options["no_paced"]:
                    figures["paced"] = stage.paced()
        except (ServerUnavailable, RigError) as problem:
            raise CommandError(str(problem)) from None
        options["json"].parent.mkdir(parents=True, exist_ok=True)
        options["json"].write_text(json.dumps(figures, indent=2) + "\n")
        self._tell(figures, options["json"])

    def _tell(self, figures: dict[str, Any], path: Path) -> None:
        runs = figures["runs"]
        out = self.stdout.write
        out("From the master's deal at the gateway to the last follower order, milliseconds.")
        out("The venue's rate limits are off in these runs; all processes share this machine.\n")
        out(table(runs))
        for run in runs:
            line = f"{run['followers']:,} followers: {verdict(run) or 'no target'}"
            hops = ", ".join(
                f"{name.replace('_', ' ')} {ms:.1f}" for name, ms in run["hops_p50_ms"].items()
            )
            memory = ", ".join(f"{n} {mb:.0f}" for n, mb in run["memory_mb"].items())
            out(line)
            out(f"  medians after the receipt: {hops}")
            cpu = ", ".join(f"{n} {ms:.0f}" for n, ms in run["cpu_ms_per_event"].items())
            out(f"  processor time per event in ms: {cpu}; memory in MiB: {memory}")
        if sustained := figures.get("sustained"):
            out("\n" + sustained_text(sustained))
        if watched := figures.get("memory"):
            out("\n" + memory_text(watched))
        if paced := figures.get("paced"):
            out("\n" + paced_text(paced))
        out(f"\nFigures: {path}")


def sustained_text(sustained: dict[str, Any]) -> str:
    """Many copied trades in a row, in a sentence."""
    rate = sustained["sustained_per_s"]
    word = "reached" if rate >= SUSTAINED_PER_S else "MISSED"
    return (
        f"{sustained['copied_trades']:,} copied trades in a row took {sustained['seconds']:.2f} s, "
        f"{rate:,.0f} a second of at least {SUSTAINED_PER_S:,.0f}: {word}. "
        f"Lost {sustained['lost']}, double {sustained['duplicates']}."
    )


def memory_text(memory: dict[str, Any]) -> str:
    """Memory over many copied trades, in a sentence."""
    grown = ", ".join(f"{name} {mb:+.1f}" for name, mb in memory["grown_mb_second_half"].items())
    return (
        f"Memory over {memory['copied_trades']:,} copied trades: in the second half it changed "
        f"by MiB: {grown}. Lost {memory['lost']}, double {memory['duplicates']}."
    )


def paced_text(paced: dict[str, Any]) -> str:
    """The run under the rate limit in sentences."""
    return (
        f"At {paced['requests_per_second']} requests a second with {paced['followers']} followers: "
        f"{paced['opens_sent']} opens and {paced['closes_sent']} closes sent, at most "
        f"{paced['most_sent_per_second']} within a second.\n"
        f"Closes that arrived while opens waited were all sent within "
        f"{paced['last_close_sent_after_s']} s; {paced['opens_overtaking_closes']} opens went "
        f"out meanwhile.\n"
        f"Opened later than allowed ({paced['max_delay_s']} s): {paced['opened_late']}; "
        f"given up as too late: {paced['opens_expired']}."
    )
