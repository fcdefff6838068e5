"""The settings of a copy as they stand, in words: what holds, where it comes from, what it does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from apps.common.templatetags.figures import lots, plain
from apps.copytrading.domain.guards import HasGuards, strictest
from apps.copytrading.models import CopyFollower, CopySubscription
from apps.copytrading.setting_words import (
    GUARD_UNITS,
    LABELS,
    MEANINGS,
    choice_meanings,
    label_of,
)


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as it stands, and what that means."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True, slots=True)
class SettingGroup:
    """Settings that belong together."""

    title: str
    settings: list[Setting]


@dataclass(frozen=True, slots=True)
class GuardInEffect:
    """A guard as it holds; ``source`` is 'copy', 'account', 'product', or '' without a limit."""

    field: str
    value: str
    source: str

    @property
    def sentence(self) -> str:
        """What holds and who says so: '10 s, set for this copy'."""
        return f"{self.value}{_SOURCES[self.source]}"


_SOURCES = {
    "": "",
    "copy": ", set for this copy",
    "account": ", set for the account",
    "product": ", by default",
}


def guards_in_effect(
    product: HasGuards,
    follower: HasGuards | None = None,
    subscription: HasGuards | None = None,
    *,
    currency: str,
) -> dict[str, GuardInEffect]:
    """Each guard by its field: the strictest value of those that set it, and which that was."""
    levels = {"copy": subscription, "account": follower, "product": product}
    given = {source: level for source, level in levels.items() if level is not None}
    holds = strictest(product, *given.values())
    found = {}
    for field in GUARD_UNITS:
        value = getattr(holds, field)
        sources = [source for source, level in given.items() if getattr(level, field) == value]
        shown = guard_value(field, value, currency)
        found[field] = GuardInEffect(field, shown, sources[0] if value else "")
    return found


def guard_value(field: str, value: Decimal | int, currency: str) -> str:
    """A guard's value with its unit; 'No limit' where it is not set."""
    if not value:
        return "No limit"
    number = plain(Decimal(value))
    if field == "max_positions":
        return f"{number} position{'' if value == 1 else 's'}"
    unit = GUARD_UNITS[field]
    return f"{number} {currency if unit == 'money' else unit}"


def settings_in_words(copy: CopySubscription, product: HasGuards) -> list[SettingGroup]:
    """All settings that matter in the copy's modes, in the order of the form.

    The copy comes with its follower account, as selectors give it.
    """
    pairs = copy.pairs.count() if copy.has_pairs else 0
    currency = copy.follower.account.currency
    guards = guards_in_effect(product, copy.follower, copy, currency=currency)
    return [
        SettingGroup("Volume", list(_volume(copy, currency))),
        SettingGroup("What is copied", list(_copied(copy))),
        SettingGroup("Symbols", list(_symbols(copy, pairs))),
        SettingGroup(
            "Guards",
            [Setting(LABELS[g.field], g.sentence, MEANINGS[g.field]) for g in guards.values()],
        ),
        SettingGroup("Differences", [_chosen(copy, "auto_repair", "Repair")]),
    ]


def _volume(copy: CopySubscription, currency: str) -> Iterable[Setting]:
    yield _chosen(copy, "volume_mode")
    yield from _sizing(copy, currency)
    yield _limit(copy, "min_volume")
    yield _limit(copy, "max_volume")
    yield _chosen(copy, "below_minimum", "Below the smallest volume")


def _sizing(copy: CopySubscription, currency: str) -> Iterable[Setting]:
    if copy.volume_mode == "fixed":
        yield Setting("Volume", f"{lots(copy.fixed_volume)} lots", MEANINGS["fixed_volume"])
        return
    if copy.volume_mode == "equity_based":
        base = f"{lots(copy.fixed_volume)} lots" if copy.fixed_volume else "The master's lots"
        equity = f"{plain(copy.base_equity or Decimal(0))} {currency}"
        yield Setting("Base volume", base, f"Opened for each {equity} of equity.")
    if copy.risk_multiplier != 1:
        times = f"× {plain(copy.risk_multiplier)}"
        yield Setting(LABELS["risk_multiplier"], times, "Applied to each volume.")
    if copy.volume_mode == "multiplier":
        return
    if copy.allocated_capital:
        capital = f"{plain(copy.allocated_capital)} {currency}"
        meaning = "Sizes as if the account held this, plus what this copy has earned."
    else:
        capital, meaning = "The whole account", "Sizes on all that the account holds."
    yield Setting("Capital", capital, meaning)


def _copied(copy: CopySubscription) -> Iterable[Setting]:
    yield _chosen(copy, "copy_mode")
    if copy.reverse_direction:
        yield Setting("Direction", "Reversed", MEANINGS["reverse_direction"])
    for field, yes in (
        ("copy_sl", "Copied"),
        ("copy_tp", "Copied"),
        ("copy_partial_close", "Copied"),
        ("copy_pending_orders", "Copied"),
        ("copy_existing_positions", "Copied too"),
    ):
        on = getattr(copy, field)
        yield Setting(_SHORT[field], yes if on else "Not copied", MEANINGS[field] if on else "")


_SHORT = {
    "copy_sl": "Stop loss",
    "copy_tp": "Take profit",
    "copy_partial_close": "Partial closes",
    "copy_pending_orders": "Pending orders",
    "copy_existing_positions": "Existing positions",
}


def _symbols(copy: CopySubscription, pairs: int) -> Iterable[Setting]:
    yield _chosen(copy, "symbols_mode")
    if copy.symbols_mode != "all":
        yield Setting(LABELS["symbols"], copy.symbols or "None", "")
    told = f"{pairs} pair{'' if pairs == 1 else 's'}" if pairs else "By name"
    yield Setting("Mapping", told, "The same name first, then pairs.")


def _chosen(copy: CopySubscription | CopyFollower, field: str, name: str = "") -> Setting:
    value = getattr(copy, field)
    return Setting(name or LABELS[field], label_of(field, value), choice_meanings(field)[value])


def _limit(copy: CopySubscription, field: str) -> Setting:
    value = getattr(copy, field)
    shown = f"{lots(value)} lots" if value else "None"
    return Setting(LABELS[field], shown, MEANINGS[field].partition(" 0:")[0])
