"""Checks of the repository itself: what is promised in one file is kept in the others."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from django.core.management import call_command
from django.template.loader import get_template

from apps.common.embedded import postgres_folder
from apps.common.launcher.programs import COPY_QUEUES, NOTIFY_QUEUES, UPKEEP_QUEUES

ROOT = Path(__file__).resolve().parents[1]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def tracked() -> list[Path]:
    names = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True).split("\0")
    return [path for name in names if name and (path := ROOT / name).is_file()]


def text_of(path: Path) -> str:
    return path.read_text(errors="ignore")


def test_no_file_names_a_folder_of_the_machine_it_was_written_on() -> None:
    machine = re.compile(r"(?<![\w.$}])/(?:work|root|home/[a-z]+)/")

    assert [str(p) for p in tracked() if p.suffix != ".svg" and machine.search(text_of(p))] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_locks_hold_hashes_and_no_address(lock: Path) -> None:
    content = lock.read_text()
    pinned = re.findall(r"^[\w.-]+(?:\[[\w,]+\])?==", content, flags=re.MULTILINE)

    assert pinned
    assert content.count("--hash=sha256:") >= len(pinned)
    assert not re.search(r"://|^--(?:index|extra|find)|^[\w.-]+ @ ", content, flags=re.MULTILINE)


def test_the_front_end_lock_holds_no_address() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]

    assert all("resolved" not in entry for entry in packages.values())
    assert all("integrity" in entry for name, entry in packages.items() if name)


def test_every_dependency_has_its_reason_and_is_locked() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    development = PROJECT["optional-dependencies"]["dev"]
    base, dev = ((ROOT / "requirements" / name).read_text() for name in ("base.txt", "dev.txt"))

    for dependency in PROJECT["dependencies"] + development:
        line = next(line for line in text.splitlines() if f'"{dependency}"' in line)
        assert re.search(r"# \w.{8}", line), f"{dependency} has no reason"
        name = re.match(r"[\w-]+", dependency)
        assert name
        lock = dev if dependency in development else base
        assert re.search(rf"^{name[0]}(\[.*\])?==", lock, re.MULTILINE | re.IGNORECASE), name[0]


def test_every_variable_of_the_environment_is_documented() -> None:
    sources = [*(ROOT / "config" / "settings").glob("*.py"), *(ROOT / "apps/common").rglob("*.py")]
    read = set()
    for source in sources:
        read |= set(
            re.findall(
                r"(?:env(?:\.\w+)?\(|environ\.get\(|environ\[)\"([A-Z_]+)\"", text_of(source)
            )
        )
    read -= {"PYTEST_XDIST_WORKER"}

    manual, example = (text_of(ROOT / n) for n in ("docs/operations.md", ".env.example"))
    assert read
    assert {name for name in read if f"`{name}`" not in manual} == set()
    assert {name for name in read if f"#{name}=" not in example} == set()


def test_containers_run_what_make_run_runs() -> None:
    compose = text_of(ROOT / "compose.yaml")
    version = subprocess.check_output([postgres_folder() / "bin" / "postgres", "-V"], text=True)
    major = re.search(r"\d+", version)

    assert major
    assert f"image: postgres:{major[0]}" in compose
    assert COPY_QUEUES in compose
    assert compose.count("DATABASE_BY_INDEX") == 1  # of the worker that copies
    assert UPKEEP_QUEUES in compose
    assert f"- {NOTIFY_QUEUES}\n" in compose
    assert re.findall(r"^  (\w+):$", compose.partition("\nservices:")[2], re.MULTILINE)[:10] == [
        "postgres", "redis", "migrate", "web", "gateway", "worker", "upkeep", "notifier", "beat",
        "venue",
    ]  # fmt: skip


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for document in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text_of(document)):
            if not (document.parent / target).exists():
                broken.append(f"{document.relative_to(ROOT)}: {target}")
    assert broken == []


def test_calculations_take_time_as_an_argument() -> None:
    clock = re.compile(r"\b(?:now|utcnow|today|monotonic|perf_counter|time_ns)\(\)")
    pure = [*ROOT.glob("apps/*/domain/**/*.py"), *ROOT.glob("apps/trading/**/*.py")]

    assert pure
    assert [str(p.relative_to(ROOT)) for p in pure if clock.search(text_of(p))] == []


@pytest.mark.parametrize(
    "template",
    [str(p.relative_to(ROOT / "templates")) for p in sorted(ROOT.glob("templates/**/*.html"))],
)
def test_every_template_compiles(template: str) -> None:
    get_template(template)


@pytest.mark.django_db
def test_every_model_has_its_migration(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("makemigrations", check=True, dry_run=True)
