"""A process that is started nicer leaves others the processor, also from a session of its own."""

import os
import subprocess
import sys
from pathlib import Path

from apps.common import tether

GROUP = Path("/proc/self/autogroup")


def run(niceness: int, *command: str, session: bool) -> str:
    script = [sys.executable, "-ISs", str(tether.__file__), str(niceness), *command]
    return subprocess.run(
        script, start_new_session=session, capture_output=True, text=True, check=True
    ).stdout


def test_a_command_runs_nicer() -> None:
    asks = (sys.executable, "-c", "import os; print(os.nice(0))")

    assert int(run(3, *asks, session=False)) == os.nice(0) + 3


def test_its_own_session_is_as_nice_and_that_of_others_is_left_alone() -> None:
    shows = ("sh", "-c", f"cat {GROUP} || true")  # not every kernel groups sessions
    before, known = run(0, *shows, session=False), GROUP.exists()

    assert run(3, *shows, session=True).endswith("nice 3\n" if known else "")
    assert run(4, *shows, session=False) == before
