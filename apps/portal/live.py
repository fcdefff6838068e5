"""What the portal's live pages show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils import timezone

from apps.accounts.models import User
from apps.analytics.domain.curve import CurvePoint
from apps.analytics.selectors import equity_history
from apps.common.live_pages import LivePage, Params, Section, section
from apps.copytrading.drifts import drifts
from apps.execution.selectors import open_positions
from apps.platforms.offers import ways_to_add
from apps.platforms.selectors import accounts_of, state_of, symbols_by_id
from apps.portal.rows import AccountRow, OpenPosition, account_row, totals

if TYPE_CHECKING:
    from apps.platforms.models import TradingAccount

DRIFT_SHOWN = 20


def account_rows(user: User) -> list[AccountRow]:
    """All accounts of a user, three queries for any number of them."""
    accounts = list(accounts_of(user))
    ids = [account.pk for account in accounts]
    positions = open_positions(ids)
    curves = _last_day(ids)
    now = timezone.now()
    return [
        account_row(a, state_of(a), len(positions.get(a.pk, ())), curves.get(a.pk, ()), now=now)
        for a in accounts
    ]


def _last_day(account_ids: Sequence[int]) -> Mapping[int, Sequence[CurvePoint]]:
    """Equity of accounts over the last 24 hours, a point for every half hour."""
    now = timezone.now()
    return equity_history(account_ids, since=now - timedelta(days=1), until=now, points=48)


def day_of(account: TradingAccount) -> Sequence[CurvePoint]:
    """Equity and balance of one account over the last 24 hours, finer than in a list."""
    now = timezone.now()
    found = equity_history([account.pk], since=now - timedelta(days=1), until=now, points=120)
    return found.get(account.pk, ())


def _accounts_sections(user: User, params: Params) -> Iterable[Section]:
    rows = account_rows(user)
    yield section(
        "account-totals",
        "portal/accounts/list.html#total",
        totals(rows),
        key=lambda total: total.currency,
        tag="dl",
    )
    yield drift_section("accounts-drift", user=user)
    yield section(
        "accounts",
        "portal/accounts/list.html#account",
        rows,
        key=lambda row: row.uuid,
        empty="portal/accounts/list.html#none",
        ways=None if rows else ways_to_add(user),
    )


def _account_sections(user: User, params: Params) -> Iterable[Section]:
    account = accounts_of(user).filter(uuid=params["account"]).first()
    if account is None:  # it was removed while its page is open
        return
    yield from account_sections(user, account, day_of(account))


def account_sections(
    user: User, account: TradingAccount, day: Sequence[CurvePoint]
) -> Iterable[Section]:
    """What is live about an account of :func:`accounts_of` with its last 24 hours."""
    positions = _positions(account)
    row = account_row(account, state_of(account), len(positions), day, now=timezone.now())
    yield section(
        "account-health",
        "portal/accounts/detail.html#health",
        [row],
        key=lambda _: "all",
        tag="div",
    )
    yield section(
        "account-figures",
        "portal/accounts/detail.html#figures",
        [row],
        key=lambda _: "all",
        tag="div",
    )
    yield drift_section("account-drift", user=user, account_id=account.pk)
    yield section(
        "positions",
        "portal/accounts/detail.html#position",
        positions,
        key=lambda p: p.position_id,
        empty="portal/accounts/detail.html#none",
        currency=account.currency,
    )


def _positions(account: TradingAccount) -> list[OpenPosition]:
    found = open_positions([account.pk]).get(account.pk, [])
    names = symbols_by_id(account.connection_id)
    positions = []
    for p in found:
        symbol = names.get(p.instrument_id)
        lot = symbol.instrument.lot_units if symbol else 1
        positions.append(
            OpenPosition(
                position_id=p.position_id,
                symbol=symbol.instrument.name if symbol else p.instrument_id,
                digits=symbol.instrument.digits if symbol else None,
                side=p.side.value,
                lots=p.units / lot,
                price=p.price,
                stop_loss=p.stop_loss,
                take_profit=p.take_profit,
                margin=p.margin,
                open_result=p.open_result,
                opened_at=p.opened_at,
            )
        )
    return positions


def drift_section(section_id: str, **whose: Any) -> Section:
    """What differs between a customer's accounts and copies; usually nothing."""
    return section(
        section_id,
        "portal/accounts/drift.html#notice",
        drifts(**whose, limit=DRIFT_SHOWN),
        key=lambda row: row.id,
        tag="div",
    )


def _nobody(user: Any, params: Params) -> Iterable[str]:
    return ()


def owns_account(user: User, params: Params) -> bool:
    """Whether the page's account is the user's own."""
    uuid = params.get("account", "")
    return is_uuid(uuid) and accounts_of(user).filter(uuid=uuid).exists()


def is_uuid(text: str) -> bool:
    """Whether a parameter of an address can be looked up as an id at all."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


ACCOUNTS = LivePage("accounts", lambda user, params: True, _nobody, _accounts_sections)
ACCOUNT = LivePage("account", owns_account, _nobody, _account_sections)
