"""Checking the settings of a subscription, with a sentence for whatever is wrong."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypedDict

from django.core.exceptions import ValidationError

from apps.copytrading.errors import InvalidSettings
from apps.copytrading.models import CopySubscription

Mode = CopySubscription.VolumeMode


class SubscriptionSettings(TypedDict, total=False):
    """What the owner of a subscription sets; what each means stands in docs/copying.md."""

    volume_mode: str
    risk_multiplier: Decimal
    fixed_volume: Decimal
    base_equity: Decimal | None
    allocated_capital: Decimal
    below_minimum: str
    min_volume: Decimal
    max_volume: Decimal
    copy_sl: bool
    copy_tp: bool
    max_delay_s: int
    enabled: bool


FIELDS = frozenset(SubscriptionSettings.__annotations__)


def apply_settings(subscription: CopySubscription, settings: SubscriptionSettings) -> None:
    """Set and check fields; InvalidSettings names every field that is wrong."""
    unknown = sorted(set(settings) - FIELDS)
    if unknown:
        raise InvalidSettings({name: f"{name} is not a setting of a copy." for name in unknown})
    for name, value in settings.items():
        setattr(subscription, name, value)
    errors = _field_errors(subscription) or _combined_errors(subscription)
    if errors:
        raise InvalidSettings(errors)


def values_of(subscription: CopySubscription) -> dict[str, Any]:
    """The settings as they stand, for the audit trail."""
    return {name: getattr(subscription, name) for name in sorted(FIELDS)}


def _field_errors(subscription: CopySubscription) -> dict[str, str]:
    others = {f.name for f in subscription._meta.fields} - FIELDS
    try:
        subscription.clean_fields(exclude=others)
    except ValidationError as error:
        return {name: " ".join(messages) for name, messages in error.message_dict.items()}
    return {}


def _combined_errors(s: CopySubscription) -> dict[str, str]:
    errors = {}
    if s.volume_mode == Mode.FIXED and not s.fixed_volume > 0:
        errors["fixed_volume"] = "Say how many lots each copied position shall have."
    if s.volume_mode == Mode.EQUITY_BASED and not (s.base_equity and s.base_equity > 0):
        errors["base_equity"] = "Say for how much equity the base volume is meant."
    if s.base_equity is not None and s.base_equity < 0:
        errors["base_equity"] = "An equity cannot be negative."
    if s.volume_mode != Mode.FIXED and not s.risk_multiplier > 0:
        errors["risk_multiplier"] = "Use a multiplier above 0; 1 leaves the volume as it is."
    if s.max_volume > 0 and s.max_volume < s.min_volume:
        errors["max_volume"] = "The maximum volume is below the minimum; raise it or use 0."
    if s.volume_mode == Mode.FIXED and 0 < s.max_volume < s.fixed_volume:
        errors["fixed_volume"] = "The fixed volume is above the maximum volume."
    return errors
