"""Every action on copies, followers and masters is told in words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from apps.accounts.api import record_audit
from apps.accounts.selectors import audit_trail
from apps.console.audit_view import changes_of, values_in_words
from apps.console.templatetags.audit_words import WORDS, audit_words
from apps.copytrading.api import APPLICATION_DECIDED, APPLICATION_RECEIVED
from apps.copytrading.models import CopyMaster

APPS = Path(__file__).parents[3] / "apps"
ENGINE = APPS / "copytrading"
_NAMED = re.compile(r'"((?:subscription|follower|master)\.[a-z_]+)"')


def test_every_action_of_the_engine_has_its_words() -> None:
    named = {found for path in ENGINE.rglob("*.py") for found in _NAMED.findall(path.read_text())}
    named |= {f"master.{status}" for status in CopyMaster.Status.values}
    named |= {f"subscription.{word}" for word in ("pause", "resume", "stop", "loss_limit")}
    named |= {"subscription.min_equity"}
    named -= {APPLICATION_DECIDED, APPLICATION_RECEIVED}  # published, not audited
    assert len(named) > 15
    assert named <= WORDS.keys()


def test_every_action_that_any_app_records_has_its_words() -> None:
    recorded = re.compile(r'action="([a-z_]+\.[a-z_]+)"|_audit\(\s*\w+, "([a-z_.]+)"')
    found = {
        name
        for path in APPS.rglob("*.py")
        for match in recorded.findall(path.read_text())
        for name in match
        if "." in name
    }
    assert {"customer.permissions", "defaults.update", "connection.moved"} <= found
    assert found <= WORDS.keys()


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("subscription.update", "Changed settings"),
        ("drift.accept", "Accepted a difference"),
        ("x.y_z", "Y z"),
    ],
)
def test_words(action: str, words: str) -> None:
    assert audit_words(action) == words


@pytest.mark.parametrize(
    ("action", "before", "after", "words"),
    [
        ("update", {"risk_multiplier": "1.0000"}, {"risk_multiplier": "2"}, "1 to 2"),
        ("update", {"reverse_direction": False}, {"reverse_direction": True}, "off to on"),
        ("update", {"copy_mode": "sync"}, {"copy_mode": "open_only"}, "everything to opens only"),
        ("update", {"symbols": ""}, {"symbols": "EURUSD"}, "empty to EURUSD"),
        ("pairs", {"EURUSD": None}, {"EURUSD": ""}, "EURUSD by name to not copied"),
        ("pause", {"status": "active"}, {"status": "paused"}, "Status active to paused"),
    ],
)
def test_values_are_told_as_pages_show_them(
    db: None, action: str, before: dict[str, object], after: dict[str, object], words: str
) -> None:
    record_audit(
        actor=None, action=f"subscription.{action}", object_type="subscription", object_id="1",
        object_label="x", before=before, after=after,
    )  # fmt: skip
    (entry,) = audit_trail(object_type="subscription", object_id="1", limit=1)
    assert values_in_words(entry).endswith(words)


@pytest.mark.django_db
def test_digits_of_names_stay_together_and_those_of_numbers_do_not() -> None:
    after = {"login": "8001056", "port": 44785, "max_positions": 12000}
    record_audit(
        actor=None, action="account.added", object_type="trading_account", object_id="1",
        object_label="8001056", after=after,
    )  # fmt: skip

    shown = {change.name: change.now for change in changes_of(audit_trail(limit=1)[0])}

    assert [shown["Login"], shown["Port"], "12,000" in shown.values()] == ["8001056", "44785", True]
