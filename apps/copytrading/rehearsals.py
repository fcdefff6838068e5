"""Would it have worked on my account? A master's last trades with settings not saved yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from django.core.cache import cache
from django.core.exceptions import ObjectDoesNotExist

from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.hints import HINTS, SETTINGS
from apps.copytrading.domain.rehearsal import Rehearsal, rehearse
from apps.copytrading.domain.rehearsal_balance import smallest_balance
from apps.copytrading.models import CopyMaster, CopySubscription
from apps.copytrading.services.rehearsing import (
    Material,
    MoneyAt,
    load_material,
    terms_for,
)
from apps.copytrading.services.settings import SubscriptionSettings, apply_settings
from apps.copytrading.setting_words import LABELS
from apps.copytrading.settings_preview import new_copy
from apps.platforms.models import TradingAccount
from apps.trading.errors import NoConversionRate

#: So many of a master's last trades are rehearsed.
LAST_EVENTS = 1_000
#: Fewer positions opened say nothing about money.
FEWEST_OPENS = 20
#: As long as a form is likely to be open.
_KEPT_S = 300


@dataclass(frozen=True, slots=True)
class Reason:
    """Why some of a master's trades were not copied as they are, and what would change it."""

    code: Code
    count: int
    hint: str
    settings: list[tuple[str, str]]

    @property
    def copied(self) -> bool:
        """Whether the trades were copied all the same: rounded up, or capped."""
        return self.code in (Code.ROUNDED_UP, Code.CAPPED)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a copy would have made of a master's last trades; money in ``currency``.

    ``problem`` says why nothing is known, '' where something is. ``telling``: enough was opened
    for its money to mean something. ``smallest`` is the balance that copies at least 95 %.
    ``slippage`` is percent of each price, measured over so many copies (0: assumed).
    """

    currency: str
    problem: str = ""
    made: Rehearsal | None = None
    since: datetime | None = None
    until: datetime | None = None
    trades: int = 0
    equity: Decimal = Decimal(0)
    smallest: Decimal | None = None
    telling: bool = False
    reasons: tuple[Reason, ...] = ()
    slippage: Decimal = Decimal(0)
    measured: int = 0
    commission: Decimal = Decimal(0)
    guessed: int = 0

    @property
    def gain(self) -> Decimal | None:
        """Result as a fraction of the equity with which it began."""
        if self.made is None or self.equity <= 0:
            return None
        return self.made.result / self.equity


def rehearse_new(
    master: CopyMaster,
    account: TradingAccount,
    settings: dict[str, Any],
    *,
    money_at: MoneyAt,
    now: datetime,
) -> Rehearsed:
    """A new copy of a master on an account. InvalidSettings where the settings cannot be."""
    return _rehearse(new_copy(master, account), settings, money_at, now)


def rehearse_changed(
    copy: CopySubscription, settings: dict[str, Any], *, money_at: MoneyAt, now: datetime
) -> Rehearsed:
    """A copy with other settings; the instance is changed, and not saved. InvalidSettings."""
    return _rehearse(copy, settings, money_at, now)


def _rehearse(
    copy: CopySubscription, settings: dict[str, Any], money_at: MoneyAt, now: datetime
) -> Rehearsed:
    apply_settings(copy, cast(SubscriptionSettings, settings))
    account = copy.follower.account
    equity = _equity(account)
    if equity is None or equity <= 0:
        return Rehearsed(account.currency, _NO_MONEY)
    material = _material(copy, money_at, now)
    events = material.events
    if not events:
        return Rehearsed(account.currency, _NO_TRADES)
    terms = terms_for(copy, material, equity)
    try:
        made = rehearse(material.items, terms)
        telling = made.opens >= FEWEST_OPENS
        smallest = smallest_balance(material.items, terms, made=made) if telling else None
    except NoConversionRate as missing:
        return Rehearsed(account.currency, _NO_RATE.format(missing.source, missing.target))
    return Rehearsed(
        currency=account.currency,
        made=made,
        since=events[0].happened_at,
        until=events[-1].happened_at,
        trades=len(events),
        equity=equity,
        smallest=smallest,
        telling=telling,
        reasons=tuple(_reasons(made)),
        slippage=material.friction.slippage,
        measured=material.measured,
        commission=material.friction.commission,
        guessed=material.guessed,
    )


_NO_MONEY = (
    "Nothing is known of this account's money yet, or there is none. As soon as its connection "
    "is live and it holds money, the master's trades are rehearsed here."
)
_NO_TRADES = (
    "This master has not traded yet, so there is nothing to rehearse. Look again when it has a "
    "history, or follow with little money."
)
_NO_RATE = (
    "No price converts {} into {} at the moment, so the result cannot be computed. Try again when "
    "the connection of the account is live."
)


def _reasons(made: Rehearsal) -> Iterable[Reason]:
    told = sorted(made.reasons.items(), key=lambda pair: (-pair[1], pair[0].value))
    for code, count in told:
        if code not in (Code.COPIED, Code.NOTHING_TO_CHANGE, Code.ALREADY_LINKED):
            names = [(name, LABELS[name]) for name in SETTINGS.get(code, ()) if name in LABELS]
            yield Reason(code, count, HINTS[code], names)


def _equity(account: TradingAccount) -> Decimal | None:
    try:
        equity: Decimal = account.state.equity
    except ObjectDoesNotExist:
        return None
    return equity


def _material(copy: CopySubscription, money_at: MoneyAt, now: datetime) -> Material:
    """Loaded once for as long as the form is open, for its owner alone."""
    account = copy.follower.account
    key = (
        f"rehearsal:{account.owner_id}:{account.pk}:{copy.master.account_id}:{copy.pk or 0}:"
        f"{copy.revision}"
    )
    found: Material | None = cache.get(key)
    if found is None:
        found = load_material(copy, money_at, now, LAST_EVENTS)
        cache.set(key, found, _KEPT_S)
    return found
