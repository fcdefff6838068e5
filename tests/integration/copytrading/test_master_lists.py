"""Masters to choose from."""

from __future__ import annotations

import pytest

from apps.copytrading import master_lists, selectors
from tests.factories.copytrading import MasterFactory

pytestmark = pytest.mark.django_db


def test_the_chosen_master_is_always_among_those_to_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master_lists, "_CHOICES", 2)
    first, *_, last = [MasterFactory() for _ in range(4)]
    found = {choice.uuid for choice in selectors.masters_to_choose()}
    assert first.uuid in found and last.uuid not in found
    chosen = {choice.uuid for choice in selectors.masters_to_choose(str(last.uuid))}
    assert last.uuid in chosen
