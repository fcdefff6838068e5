"""A small storm: ten kills, a few masters, and books that are right in the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from django.conf import settings

_OURS = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PYTEST_XDIST_WORKER")
_KEYS = (
    *("kills", "events", "subscriptions", "lost", "duplicates", "unresolved", "drift"),
    "converged_after_s",
)


def test_ten_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    done = subprocess.run(
        [
            *(sys.executable, str(settings.BASE_DIR / "manage.py"), "chaos_copy"),
            *("--kills", "10", "--seed", "11", "--masters", "4", "--subscriptions", "40"),
            *("--rate", "6", "--settle", "45", "--json", figures.name),
        ],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name not in _OURS},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    found = json.loads(figures.read_text())
    assert set(_KEYS) <= set(found)
    assert (found["kills"], found["subscriptions"]) == (10, 40)
    assert found["events"] > 40, "the storm was a breeze"
    wrong = {name: found[name] for name in ("lost", "duplicates", "unresolved", "drift")}
    assert wrong == dict.fromkeys(wrong, 0), found["details"]
    assert found["codes"]["COPIED"] > 100
    assert found["converged_after_s"] is not None
    assert processes_in(found["folder"]) == []


def processes_in(folder: str) -> list[str]:
    """Processes that were started for a folder and still run, by what the kernel shows."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if folder.encode() in told:
            found.append(process.name)
    return found
