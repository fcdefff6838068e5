"""A secret is made once, whoever comes first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from apps.common.keyfile import read_or_create


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "var" / "key"

    first = read_or_create(path, lambda: "one")
    second = read_or_create(path, lambda: "two")

    assert (first, second) == ("one", "one")
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_all_who_come_at_once_get_the_same_key(tmp_path: Path) -> None:
    numbers = count()
    with ThreadPoolExecutor(8) as pool:
        keys = list(
            pool.map(
                lambda _: read_or_create(tmp_path / "key", lambda: str(next(numbers))), range(8)
            )
        )

    assert len(set(keys)) == 1
