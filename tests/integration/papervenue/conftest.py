"""The oracle: an environment of its own with the official Open API classes and client."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from django.conf import settings

# The official wheel pins versions that cannot live beside ours; these work with its classes.
ORACLE = (
    "ctrader-open-api==0.9.2",
    "protobuf>=6,<8",
    "twisted",
    "pyopenssl",
    "service-identity",
    "requests",
    "inputimeout",
)


@pytest.fixture(scope="session")
def oracle_python() -> Path:
    """Python of the oracle's environment; made once and kept between runs."""
    folder = Path(settings.BASE_DIR) / "var" / "oracle"
    folder.parent.mkdir(exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # workers that run at once share the one environment
        return _made(folder)


def _made(folder: Path) -> Path:
    python, ready = folder / "bin" / "python", folder / "ready"
    wanted = "\n".join((sys.version, *ORACLE))
    if not (ready.exists() and ready.read_text() == wanted):
        venv.create(folder, clear=True, with_pip=True)
        install = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        official, *others = ORACLE
        subprocess.run([*install, *others], check=True)
        subprocess.run([*install, "--no-deps", official], check=True)
        ready.write_text(wanted)
    return python
