"""What a copy will do with settings that are not saved yet, in sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, cast

from django.core.exceptions import ObjectDoesNotExist

from apps.accounts.selectors import product_config
from apps.common.templatetags.figures import lots
from apps.copytrading.domain.explain import money
from apps.copytrading.domain.guards import strictest
from apps.copytrading.domain.limits import BOUNDS
from apps.copytrading.errors import InvalidSettings
from apps.copytrading.models import CopyFollower, CopyMaster, CopySubscription, TradeLink
from apps.copytrading.selectors import sizing_sentence, subscriptions_of
from apps.copytrading.services.following import refusal_of
from apps.copytrading.services.settings import SubscriptionSettings, apply_settings
from apps.copytrading.setting_words import LABELS, MEANINGS
from apps.copytrading.settings_view import Setting, guards_in_effect
from apps.execution.selectors import open_positions
from apps.platforms.models import TradingAccount
from apps.platforms.selectors import account_states

_ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Preview:
    """Sentences about what will happen, guards in effect, warnings, what is wrong by field.

    ``refusal`` says why a new copy could not be made now, ``first`` what happens once it is.
    """

    sentences: list[str]
    guards: list[Setting]
    warnings: list[str]
    errors: dict[str, str]
    refusal: str = ""
    first: str = ""


def preview_new(master: CopyMaster, account: TradingAccount, settings: dict[str, Any]) -> Preview:
    """What a new copy of a master on an account would do, and whether it can be made."""
    copy = new_copy(master, account)
    preview = _preview(copy, settings)
    if preview.errors:
        return preview
    refusal = refusal_of(copy)
    return replace(preview, refusal=refusal, first="" if refusal else first_of(copy))


def first_of(copy: CopySubscription) -> str:
    """What happens first once a new copy is made, in a sentence or two."""
    master, account = copy.master, copy.follower.account
    if copy.copy_mode == "close_only":
        return "Nothing is opened: this copy follows closes only, and holds nothing yet."
    if not (copy.follower.enabled and copy.enabled):
        return f"Nothing yet: copying is switched off for account {account.login}."
    if master.status != "active" or not master.enabled:
        return "Nothing yet: the master is paused. Copying begins when the master goes on."
    at_once = _held_by_master(copy) if copy.copy_existing_positions else 0
    if at_once:
        return f"{_positions(at_once)} of the master {_IS_OPENED[at_once == 1]} at once."
    return "Nothing is opened at once. The first copy is the master's next trade."


_IS_OPENED = {True: "is opened at the current price", False: "are opened at the current price"}


def new_copy(master: CopyMaster, account: TradingAccount) -> CopySubscription:
    """A copy that is not stored, of a master on an account as it stands."""
    follower = CopyFollower.objects.filter(account=account, archived_at=None).first()
    follower = follower or CopyFollower(account=account)
    follower.account = account
    return CopySubscription(master=master, follower=follower)


def preview_changed(copy: CopySubscription, settings: dict[str, Any]) -> Preview:
    """What a copy would do from now on; the instance is changed, and not saved."""
    return _preview(copy, settings)


def _preview(copy: CopySubscription, settings: dict[str, Any]) -> Preview:
    try:
        apply_settings(copy, cast(SubscriptionSettings, settings))
    except InvalidSettings as wrong:
        return Preview([], [], [], wrong.fields)
    return Preview([*_sentences(copy)], _guards(copy), [*warnings_of(copy)], {})


def warnings_of(copy: CopySubscription) -> Iterable[str]:
    """What its owner should know before it surprises."""
    if copy.symbols_mode == "include" and not copy.symbols:
        yield "No symbol is listed, so nothing will be copied."
    if copy.copy_mode == "open_only":
        yield (
            "The master's closes are not followed: copied positions stay open until they are "
            "closed by hand or by their stop."
        )
    if copy.copy_mode == "close_only":
        yield "Nothing new will be opened."
    if copy.copy_mode != "close_only" and copy.auto_repair == "all":
        yield "Repairs open missing positions by themselves, at the price of that moment."
    yield from _breached(copy)


def _breached(copy: CopySubscription) -> Iterable[str]:
    """Guards that act by themselves and have been reached already."""
    account = copy.follower.account
    holds = strictest(product_config(), copy.follower, copy)
    if holds.loss_limit and copy.pk:
        for row in subscriptions_of(subscription_id=copy.pk):
            if row.result <= -holds.loss_limit:
                result = money(row.result, account.currency)
                yield f"The loss limit is reached already, at {result}: all is closed at once."
    if holds.min_equity:
        state = account_states([account.pk]).get(account.pk)
        if state is not None and state.equity < holds.min_equity:
            equity = money(state.equity, account.currency)
            yield f"The account has less than the minimum equity, {equity}: copying pauses at once."


def _sentences(copy: CopySubscription) -> Iterable[str]:
    account = copy.follower.account
    sizing = sizing_sentence(
        copy.volume_mode, copy.risk_multiplier, copy.fixed_volume, copy.base_equity,
        copy.allocated_capital, currency=account.currency,
    )  # fmt: skip
    sizing = f"{sizing[:1].lower()}{sizing[1:]}"
    yield f"{copy.master.strategy_name} is copied to {account.login}: {sizing}."
    example = _example(copy)
    if example is not None:
        yield f"One lot of the master is about {lots(example)} lots here, as both stand now."
    yield _followed(copy)
    if copy.reverse_direction:
        yield "Every trade is taken on the opposite side, with stop loss and take profit swapped."
    if copy.symbols_mode != "all" and copy.symbols:
        yield f"{'Only' if copy.symbols_mode == 'include' else 'All symbols but'} {copy.symbols}."
    if copy.copy_existing_positions:
        yield _existing(copy)


def _followed(copy: CopySubscription) -> str:
    if copy.copy_mode == "close_only":
        return "Only closes of what is held are followed."
    parts = ["opens", "increases"]
    if copy.copy_mode == "sync":
        parts += ["partial closes", "closes"] if copy.copy_partial_close else ["whole closes"]
    for field, words in (
        ("copy_sl", "stop loss"),
        ("copy_tp", "take profit"),
        ("copy_pending_orders", "pending orders"),
    ):
        if getattr(copy, field):
            parts.append(words)
    return f"Followed are {', '.join(parts[:-1])} and {parts[-1]}."


def _guards(copy: CopySubscription) -> list[Setting]:
    currency = copy.follower.account.currency
    guards = guards_in_effect(product_config(), copy.follower, copy, currency=currency)
    return [
        Setting(LABELS[guard.field], guard.sentence, MEANINGS[guard.field])
        for guard in guards.values()
        if guard.source
    ]


def _existing(copy: CopySubscription) -> str:
    held = _held_by_master(copy)
    if not held:
        return "The master holds nothing now that would be copied at once."
    return f"{_positions(held)} that the master holds now will be opened at the current price."


def _held_by_master(copy: CopySubscription) -> int:
    """How many positions the master holds that are not copied yet."""
    account_id = copy.master.account_id
    held = {row.position_id for row in open_positions([account_id]).get(account_id, ())}
    if copy.pk:
        links = TradeLink.objects.filter(subscription_id=copy.pk, state__in=("open", "gone"))
        held -= set(links.values_list("position_key", flat=True))
    return len(held)


def _positions(count: int) -> str:
    return f"{count} position{'s' if count > 1 else ''}"


def _example(copy: CopySubscription) -> Decimal | None:
    """Lots for one lot of the master; None where it is not known, or says nothing."""
    mode, times = copy.volume_mode, copy.risk_multiplier
    if mode == "fixed":
        return None
    if mode == "multiplier":
        return _rounded(times)
    own: Decimal | None
    own, masters = (_funds(a, mode) for a in (copy.follower.account, copy.master.account))
    if copy.allocated_capital:
        own = copy.allocated_capital + copy.result
    if own is None:
        return None
    if mode == "equity_based":
        base = copy.fixed_volume or _ONE
        return _rounded(base * own / (copy.base_equity or _ONE) * times)
    same_money = copy.follower.account.currency == copy.master.account.currency
    return _rounded(own / masters * times) if masters and same_money else None


def _funds(account: TradingAccount, mode: str) -> Decimal | None:
    try:
        state = account.state
    except ObjectDoesNotExist:
        return None
    funds: Decimal = state.balance if mode == "balance_ratio" else state.equity
    return funds


def _rounded(value: Decimal) -> Decimal | None:
    if not BOUNDS["fixed_volume"].holds(value):
        return None
    return value.quantize(Decimal("0.0001")).normalize()
