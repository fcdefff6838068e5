"""Which pages are found, and that none is left out in silence."""

from __future__ import annotations

import pytest

from apps.benchmarks.pages.catalogue import CATALOGUE, Sample, Visit
from apps.benchmarks.pages.runs import Page, check_catalogue, pages, slow, visits_of
from apps.benchmarks.rig import RigError

NOBODY = object.__new__(Sample)


def test_pages_of_portal_and_console_are_found_by_their_addresses() -> None:
    found = {page.name: page.takes for page in pages()}
    assert found["portal:copying"] == ()
    assert found["portal:change_copy"] == ("uuid", "action")
    assert found["portal:repair_drift"] == ("pk",), "what the address itself gives is not asked"
    assert found["console:live"] == ()
    assert not [name for name in found if name.startswith("admin:")]


def test_every_page_with_arguments_is_in_the_catalogue() -> None:
    assert not [page.name for page in pages() if page.takes and page.name not in CATALOGUE]
    check_catalogue(pages(), CATALOGUE)


def test_a_page_that_nobody_has_named_is_told_by_its_name() -> None:
    with pytest.raises(RigError, match=r"portal:new \(uuid\)"):
        visits_of(Page("portal:new", ("uuid",)), {}, NOBODY)
    assert visits_of(Page("portal:plain", ()), {}, NOBODY) == [Visit()]


def test_an_entry_without_a_page_is_told() -> None:
    with pytest.raises(RigError, match="portal:gone"):
        check_catalogue([], {"portal:gone": lambda sample: []})


def test_slow_pages_are_those_beyond_the_bound() -> None:
    rows = [{"name": "a", "p95_ms": 60.0}, {"name": "b", "p95_ms": 60.1}]
    assert slow(rows) == ["b"]
