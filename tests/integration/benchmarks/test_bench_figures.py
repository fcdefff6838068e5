"""The benchmark of figures: it runs from nothing, and says what is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from apps.benchmarks import figure_runs

_OURS = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PYTEST_XDIST_WORKER")


def test_a_small_run_has_exactly_the_four_figures(tmp_path: Path) -> None:
    target = tmp_path / "figures.json"
    done = subprocess.run(
        [
            *(sys.executable, "manage.py", "bench_figures", "--masters", "12"),
            *("--days", "40", "--json", str(target)),
        ],
        cwd=settings.BASE_DIR,
        env={name: value for name, value in os.environ.items() if name not in _OURS},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(target.read_text())
    assert list(figures) == ["full_s", "daily_step_s", "ratio_empyrical", "ratio_quantstats"]
    assert all(value > 0 for value in figures.values())
    for name in figures:
        assert f"{name}  " in done.stdout


def test_what_to_install_is_said_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figure_runs, "find_spec", lambda module: None)
    with pytest.raises(CommandError, match="empyrical-reloaded and quantstats, not installed here"):
        call_command("bench_figures", json=tmp_path / "figures.json")


def test_a_record_too_short_for_ratios_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="at least 1 master and 30 days"):
        call_command("bench_figures", days=29, json=tmp_path / "figures.json")


def test_targets_are_judged() -> None:
    assert figure_runs.judged("full_s", 3.0).endswith("reached")
    assert figure_runs.judged("daily_step_s", 0.51).endswith("MISSED")
    assert figure_runs.judged("ratio_empyrical", 9.9).endswith("MISSED")
    assert figure_runs.judged("ratio_quantstats", 300.0).endswith("reached")
