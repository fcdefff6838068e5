"""Checking the settings of followers and subscriptions, with a sentence for whatever is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypedDict

from django.core.exceptions import ValidationError
from django.db import models

from apps.copytrading.domain.limits import BOUNDS
from apps.copytrading.errors import InvalidSettings
from apps.copytrading.models import CopyFollower, CopySubscription
from apps.copytrading.services.symbol_lists import clean_symbols

Mode = CopySubscription.VolumeMode


class GuardValues(TypedDict, total=False):
    """Guards on opens, 0 inherits; what each means stands in docs/settings.md."""

    max_positions: int
    min_equity: Decimal
    max_slippage: Decimal
    max_delay_s: int
    loss_limit: Decimal
    min_margin_level: Decimal


class SubscriptionSettings(GuardValues, total=False):
    """What the owner of a subscription sets; what each means stands in docs/settings.md."""

    enabled: bool
    volume_mode: str
    risk_multiplier: Decimal
    fixed_volume: Decimal
    base_equity: Decimal | None
    allocated_capital: Decimal
    below_minimum: str
    min_volume: Decimal
    max_volume: Decimal
    copy_mode: str
    copy_sl: bool
    copy_tp: bool
    copy_partial_close: bool
    copy_pending_orders: bool
    copy_existing_positions: bool
    reverse_direction: bool
    symbols_mode: str
    symbols: str
    auto_repair: str


class FollowerSettings(GuardValues, total=False):
    """What the owner of an account sets for all of its copies."""

    enabled: bool
    max_master_count: int
    manual_trading_mode: str


FIELDS = frozenset(SubscriptionSettings.__annotations__)
FOLLOWER_FIELDS = frozenset(FollowerSettings.__annotations__)


def apply_settings(subscription: CopySubscription, settings: SubscriptionSettings) -> None:
    """Set and check fields; InvalidSettings names every field that is wrong.

    Symbols end as the master's platform writes them.
    """
    before = subscription.symbols
    _apply(subscription, dict(settings), FIELDS, "a copy")
    errors = _combined_errors(subscription)
    if "symbols" in settings:
        connection_id = subscription.master.account.connection_id
        subscription.symbols, wrong = clean_symbols(connection_id, subscription.symbols, before)
        errors |= {"symbols": wrong} if wrong else {}
    if errors:
        raise InvalidSettings(errors)


def apply_follower_settings(follower: CopyFollower, settings: FollowerSettings) -> None:
    """Set and check fields; InvalidSettings names every field that is wrong."""
    _apply(follower, dict(settings), FOLLOWER_FIELDS, "an account that follows")


def values_of(subscription: CopySubscription) -> dict[str, Any]:
    """The settings as they stand, for the audit trail."""
    return {name: getattr(subscription, name) for name in sorted(FIELDS)}


def follower_values_of(follower: CopyFollower) -> dict[str, Any]:
    """The settings of an account that follows as they stand, for the audit trail."""
    return {name: getattr(follower, name) for name in sorted(FOLLOWER_FIELDS)}


def _apply(
    row: CopySubscription | CopyFollower,
    settings: Mapping[str, Any],
    fields: frozenset[str],
    whose: str,
) -> None:
    unknown = sorted(set(settings) - fields)
    if unknown:
        raise InvalidSettings({name: f"{name} is not a setting of {whose}." for name in unknown})
    errors = {}
    for name, value in settings.items():
        field = row._meta.get_field(name)
        assert isinstance(field, models.Field)
        try:
            cleaned = field.clean(value, row)
        except ValidationError:
            errors[name] = _expected(field)
            continue
        bounds = BOUNDS.get(name)
        if bounds is not None and cleaned is not None and not bounds.holds(cleaned):
            errors[name] = bounds.in_words
        setattr(row, name, cleaned)
    if errors:
        raise InvalidSettings(errors)


def _expected(field: models.Field[Any, Any]) -> str:
    if field.name in BOUNDS:
        return BOUNDS[field.name].in_words
    if field.choices:
        return f"Choose one of {', '.join(value for value, _ in field.flatchoices)}."
    return "Use true or false." if isinstance(field, models.BooleanField) else "Use plain text."


def _combined_errors(s: CopySubscription) -> dict[str, str]:
    errors = _volume_errors(s)
    if s.volume_mode == Mode.EQUITY_BASED and not (s.base_equity and s.base_equity > 0):
        errors["base_equity"] = "Say for how much equity the base volume is meant."
    if s.volume_mode != Mode.FIXED and not s.risk_multiplier > 0:
        errors["risk_multiplier"] = "Use a multiplier above 0; 1 leaves the volume as it is."
    if s.copy_existing_positions and s.copy_mode == CopySubscription.CopyMode.CLOSE_ONLY:
        errors["copy_existing_positions"] = (
            "Where only closes are copied nothing is opened; switch this off, or copy opens too."
        )
    return errors


def _volume_errors(s: CopySubscription) -> dict[str, str]:
    errors = {}
    if s.max_volume > 0 and s.max_volume < s.min_volume:
        errors["max_volume"] = "The maximum volume is below the minimum; raise it or use 0."
    if s.volume_mode != Mode.FIXED:
        return errors
    if not s.fixed_volume > 0:
        errors["fixed_volume"] = "Say how many lots each copied position shall have."
    elif 0 < s.max_volume < s.fixed_volume:
        errors["fixed_volume"] = "The fixed volume is above the maximum volume."
    elif s.fixed_volume < s.min_volume and s.below_minimum == CopySubscription.BelowMinimum.SKIP:
        errors["fixed_volume"] = (
            "The fixed volume is below the minimum volume, so nothing would ever be copied."
        )
    return errors
