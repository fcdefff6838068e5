"""The benchmark itself: it runs from nothing, and its figures have the promised form."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings

_OURS = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PYTEST_XDIST_WORKER")


def test_a_small_run_has_every_figure_and_nothing_lost(tmp_path: Path) -> None:
    target = tmp_path / "figures.json"
    done = subprocess.run(
        [
            *(sys.executable, "manage.py", "bench_copy", "--followers", "1,3"),
            *("--events", "4", "--warmup", "2", "--no-paced", "--json", str(target)),
            *("--outcomes-stored", "500", "--sustained", "200", "--memory", "200"),
        ],
        cwd=settings.BASE_DIR,
        env={name: value for name, value in os.environ.items() if name not in _OURS},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert "rate limits are off" in done.stdout
    figures = json.loads(target.read_text())
    assert [run["followers"] for run in figures["runs"]] == [1, 3]
    for run in figures["runs"]:
        for name in ("received_to_last_sent_ms", "received_to_last_filled_ms"):
            assert run[name]["p50"] <= run[name]["p95"] <= run[name]["p99"]
        sent, filled = run["received_to_last_sent_ms"], run["received_to_last_filled_ms"]
        assert 0 < sent["p50"] <= filled["p50"]
        assert run["bare_wire_ms"] > 0 and run["naive_loop_ms"] > 0
        assert (run["lost"], run["duplicates"]) == (0, 0)
        assert run["orders_expected"] == run["orders_in_the_venues_books"] == 6 * run["followers"]
        assert set(run["memory_mb"]) == {"venue", "gateway", "worker", "upkeep"}
        assert set(run["cpu_ms_per_event"]) == {*run["memory_mb"], "postgres", "redis"}
        assert run["outcomes_stored"] == 500
    sustained = figures["sustained"]
    assert sustained["copied_trades"] == 200
    assert figures["sustained_per_s"] == sustained["sustained_per_s"] > 0
    assert (sustained["lost"], sustained["duplicates"]) == (0, 0)
    assert [point["copied_trades"] for point in figures["memory"]["points"]] == [200]
    assert set(figures["memory"]["grown_mb_second_half"]) == {"gateway", "worker"}
