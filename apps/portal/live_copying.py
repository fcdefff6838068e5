"""What the live pages about a customer's copies show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from apps.accounts.models import User
from apps.accounts.selectors import product_config
from apps.analytics.selectors import CopyReturn, copy_returns
from apps.common.live_pages import LivePage, Params, Section, master_group, section
from apps.copytrading.errors import NotFound
from apps.copytrading.margins import margin_warnings
from apps.copytrading.resting import resting_copies
from apps.copytrading.rows import OutcomeRow
from apps.copytrading.selectors import (
    SubscriptionRow,
    master_accounts_of,
    open_copies,
    outcomes_of,
    subscription_by_uuid,
    subscriptions_of,
)
from apps.portal.live import drift_section, is_uuid

OUTCOMES_SHOWN = 25
_ROWS = "portal/copying/rows.html#"


@dataclass(frozen=True, slots=True)
class CurrencyResult:
    """Results of all copies on accounts of one currency."""

    currency: str
    result: Decimal
    floating: Decimal
    open_links: int
    copies: int


@dataclass(frozen=True, slots=True)
class CopyLine:
    """A copy with its return beside its master's, where they are known."""

    row: SubscriptionRow
    record: CopyReturn | None

    @property
    def result(self) -> Decimal:
        """With what positions were worth that left the copy open."""
        return self.row.result + (self.record.released if self.record else 0)


def lines(rows: Sequence[SubscriptionRow]) -> list[CopyLine]:
    """Copies with their returns; one query."""
    found = copy_returns({row.id: row.result for row in rows}) if rows else {}
    return [CopyLine(row, found.get(row.id)) for row in rows]


def results(rows: Iterable[SubscriptionRow]) -> list[CurrencyResult]:
    """Sums by currency, the one with most copies first; money of two is never added."""
    found: dict[str, list[SubscriptionRow]] = {}
    for row in rows:
        found.setdefault(row.currency, []).append(row)
    sums = [
        CurrencyResult(
            currency,
            sum((r.result for r in members), Decimal(0)),
            sum((r.floating for r in members), Decimal(0)),
            sum(r.open_links for r in members),
            len(members),
        )
        for currency, members in found.items()
    ]
    return sorted(sums, key=lambda s: (-s.copies, s.currency))


def _copying_sections(user: User, params: Params) -> Iterable[Section]:
    rows = subscriptions_of(user=user)
    yield section(
        "copying-margin",
        f"{_ROWS}margin",
        margin_warnings(user),
        key=lambda warning: warning.account_id,
        tag="div",
    )
    yield section(
        "copying-results",
        f"{_ROWS}result",
        results(rows),
        key=lambda r: r.currency,
        tag="dl",
    )
    yield section(
        "subscriptions",
        f"{_ROWS}subscription",
        lines(rows),
        key=lambda line: line.row.id,
        empty=f"{_ROWS}no_subscription",
    )
    yield from _copies_and_outcomes(user=user)


def _subscription_sections(user: User, params: Params) -> Iterable[Section]:
    uuid = params["subscription"]
    rows = [row for row in subscriptions_of(user=user) if str(row.uuid) == uuid]
    copy_id = rows[0].id if rows else subscription_by_uuid(uuid, owner=user).pk
    yield from copy_sections(user, copy_id, rows)


def copy_sections(
    user: User,
    copy_id: int,
    rows: Sequence[SubscriptionRow],
    latest: Sequence[OutcomeRow] | None = None,
) -> Iterable[Section]:
    """What is live about a copy: its row, unless it has ended, and its ``latest`` outcomes."""
    shown = lines(rows)
    yield section("copy-figures", f"{_ROWS}figures", shown, key=lambda line: line.row.id, tag="div")
    yield drift_section("copy-drift", user=user, subscription_id=copy_id)
    yield from _copies_and_outcomes(latest, subscription_id=copy_id)


def _copies_and_outcomes(
    latest: Sequence[OutcomeRow] | None = None, **whose: Any
) -> Sequence[Section]:
    if latest is None:
        latest = outcomes_of(**whose, limit=OUTCOMES_SHOWN).rows
    return (
        section(
            "copies",
            f"{_ROWS}copy",
            open_copies(**whose, limit=200),
            key=lambda row: row.link_id,
            empty=f"{_ROWS}no_copy",
        ),
        section(
            "resting",
            f"{_ROWS}resting",
            resting_copies(**whose),
            key=lambda row: row.pending_id,
            empty=f"{_ROWS}no_resting",
        ),
        section(
            "outcomes",
            f"{_ROWS}outcome",
            latest,
            key=lambda row: row.id,
            empty=f"{_ROWS}no_outcome",
        ),
    )


def _copying_is_on(user: User, params: Params) -> bool:
    return product_config().copy_trading_enabled


def _owns_subscription(user: User, params: Params) -> bool:
    uuid = params.get("subscription", "")
    if not (is_uuid(uuid) and product_config().copy_trading_enabled):
        return False
    try:
        subscription_by_uuid(uuid, owner=user)
    except NotFound:
        return False
    return True


def _all_masters(user: User, params: Params) -> Iterable[str]:
    return [master_group(account_id) for account_id in master_accounts_of(user)]


def _its_master(user: User, params: Params) -> Iterable[str]:
    found = subscription_by_uuid(params["subscription"], owner=user)
    return [master_group(found.master.account_id)]


COPYING = LivePage("copying", _copying_is_on, _all_masters, _copying_sections)
SUBSCRIPTION = LivePage("subscription", _owns_subscription, _its_master, _subscription_sections)
