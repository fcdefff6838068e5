"""The settings of a copy with what each of them means there."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from apps.common.templatetags.figures import lots, plain
from apps.copytrading.selectors import SubscriptionRow
from apps.portal.forms import MINIMUM_CHOICES, MINIMUM_HELP, MODE_CHOICES, MODE_HELP


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as it stands, and what that means."""

    name: str
    value: str
    meaning: str


def settings_in_words(row: SubscriptionRow) -> list[Setting]:
    """The settings that matter in the copy's volume mode, in the order of the form."""
    return [
        Setting(
            "How much is copied", dict(MODE_CHOICES)[row.volume_mode], MODE_HELP[row.volume_mode]
        ),
        *_sizing(row),
        Setting("Minimum volume", _limit(row.min_volume), "Smaller copies count as too small."),
        Setting("Maximum volume", _limit(row.max_volume), "No copied position grows beyond it."),
        Setting(
            "Below the smallest volume",
            dict(MINIMUM_CHOICES)[row.below_minimum],
            MINIMUM_HELP[row.below_minimum],
        ),
        Setting(
            "Stop loss",
            "Copied" if row.copy_sl else "Not copied",
            "Your stop stands at the master's price and moves with it."
            if row.copy_sl
            else "Your positions have no stop loss from the master.",
        ),
        Setting(
            "Take profit",
            "Copied" if row.copy_tp else "Not copied",
            "Your target stands at the master's price and moves with it."
            if row.copy_tp
            else "Your positions have no take profit from the master.",
        ),
        Setting(
            "Maximum delay",
            f"{row.max_delay_s} s" if row.max_delay_s else "Default",
            "A trade that could not be sent in time is not opened any more.",
        ),
    ]


def _sizing(row: SubscriptionRow) -> list[Setting]:
    if row.volume_mode == "fixed":
        return [Setting("Volume", f"{lots(row.fixed_volume)} lots", "For every position.")]
    settings = []
    if row.volume_mode == "equity_based":
        base = f"{lots(row.fixed_volume)} lots" if row.fixed_volume else "The master's lots"
        equity = f"{plain(row.base_equity or Decimal(0))} {row.currency}"
        settings.append(Setting("Base volume", base, f"Opened for each {equity} of equity."))
    if row.risk_multiplier != 1:
        settings.append(
            Setting("Multiplier", f"× {plain(row.risk_multiplier)}", "Applied to each volume.")
        )
    if row.volume_mode != "multiplier":
        settings.append(
            Setting("Capital", f"{plain(row.allocated_capital)} {row.currency}", _CAPITAL)
            if row.allocated_capital
            else Setting("Capital", "The whole account", "Sizes on all that the account holds.")
        )
    return settings


_CAPITAL = "Sizes as if the account held this, plus what this copy has earned."


def _limit(volume: Decimal) -> str:
    return f"{lots(volume)} lots" if volume else "None"
