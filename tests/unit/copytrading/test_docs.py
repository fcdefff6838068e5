"""docs/outcomes.md names every reason code as users read it, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from apps.copytrading.domain.codes import Code, OutcomeState
from apps.copytrading.domain.hints import HINTS, SETTINGS
from apps.copytrading.domain.volume import VolumeMode
from apps.copytrading.models import CopySubscription
from apps.copytrading.services.settings import FIELDS

TEXT = (Path(__file__).parents[3] / "docs" / "outcomes.md").read_text()


def test_every_code_and_state_is_documented() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", TEXT, re.MULTILINE))
    assert rows == {code.value: code.label for code in Code}
    states = set(re.findall(r"^\| `([a-z]+)` \|", TEXT, re.MULTILINE))
    assert states == {state.value for state in OutcomeState}


def test_every_code_has_its_hint_in_the_document() -> None:
    assert set(HINTS) == set(Code)
    for hint in HINTS.values():
        assert hint in TEXT


def test_settings_named_in_the_document_exist() -> None:
    last_column = re.findall(r"\| ([^|]+) \|$", TEXT, re.MULTILINE)
    named = {name for cell in last_column for name in re.findall(r"`([a-z_]+)`", cell)}
    assert named <= FIELDS | {"stale_account_s"}


def test_the_settings_of_a_hint_are_those_of_the_document() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \|.*\| ([^|]+) \|$", TEXT, re.MULTILINE))
    for code, names in SETTINGS.items():
        assert set(names) == set(re.findall(r"`([a-z_]+)`", rows[code])) - {"stale_account_s"}
        assert set(names) <= FIELDS


def test_modes_of_core_and_tables_are_the_same() -> None:
    assert [mode.value for mode in VolumeMode] == CopySubscription.VolumeMode.values
