"""The staff admin's view of masters, copies and outcomes.

Rows are the engine's; actions call the services that the console calls.
"""

from __future__ import annotations

from functools import partial

from django.contrib import admin

from apps.accounts.roles import Permission
from apps.accounts.staff_admin import StaffAdmin, offers, service_action
from apps.copytrading import api
from apps.copytrading.errors import CopyError
from apps.copytrading.models import (
    CopyFollower,
    CopyMaster,
    CopySubscription,
    Decision,
    Drift,
    ExecutionFigures,
    ExecutionRollup,
    LedgerHead,
    LinkCorrection,
    LinkLeg,
    MasterPicture,
    Outcome,
    OutcomeSeal,
    PendingLink,
    SubscriptionVersion,
    SymbolHold,
    SymbolPair,
    TradeLink,
    WaitingEvent,
    WorstOutcome,
)
from apps.copytrading.models.alarms import MarginAlarm
from apps.copytrading.models.master_gates import MasterGate

_STATUS = CopyMaster.Status


def _of_masters(words: str, status: CopyMaster.Status) -> object:
    act = partial(api.set_master_status, status=status)
    return service_action(words, Permission.INTERVENE, act, "master", CopyError)


def _of_copies(words: str, act: object) -> object:
    return service_action(words, Permission.INTERVENE, act, "subscription", CopyError)  # type: ignore[arg-type]


@admin.register(CopyMaster)
@offers(
    _of_masters("Pause masters", _STATUS.PAUSED),
    _of_masters("Activate masters", _STATUS.ACTIVE),
    _of_masters("Deactivate masters", _STATUS.INACTIVE),
)
class CopyMasterAdmin(StaffAdmin):
    list_display = ("strategy_name", "account", "status", "visibility", "created_at")
    list_filter = ("status", "visibility")
    list_select_related = ("account",)
    search_fields = ("strategy_name", "account__login")


@admin.register(CopyFollower)
class CopyFollowerAdmin(StaffAdmin):
    list_display = ("account", "enabled", "manual_trading_mode", "created_at", "archived_at")
    list_filter = ("enabled", "manual_trading_mode")
    list_select_related = ("account",)
    search_fields = ("account__login",)


@admin.register(CopySubscription)
@offers(
    _of_copies("Pause copies", api.pause),
    _of_copies("Resume copies", api.resume),
    _of_copies("Stop copies and keep positions", partial(api.stop, close_positions=False)),
)
class CopySubscriptionAdmin(StaffAdmin):
    list_display = ("id", "master", "follower", "status", "volume_mode", "created_at")
    list_filter = ("status", "volume_mode")
    list_select_related = ("master", "follower__account")
    search_fields = ("master__strategy_name", "follower__account__login")


@admin.register(SymbolPair)
class SymbolPairAdmin(StaffAdmin):
    list_display = ("master_symbol", "follower_symbol", "subscription_id")
    search_fields = ("master_symbol", "follower_symbol")


@admin.register(SubscriptionVersion)
class SubscriptionVersionAdmin(StaffAdmin):
    list_display = ("subscription_id", "number", "at")
    search_fields = ("=subscription_id",)


@admin.register(TradeLink)
class TradeLinkAdmin(StaffAdmin):
    list_display = ("id", "subscription_id", "symbol", "side", "state", "held_units", "ratio")
    list_filter = ("state", "side")
    search_fields = ("=subscription_id", "=master_account_id")


@admin.register(LinkLeg)
class LinkLegAdmin(StaffAdmin):
    list_display = ("link_id", "account_id", "position_id", "opened_at", "closed_at")
    search_fields = ("=link_id", "=account_id")


@admin.register(LinkCorrection)
class LinkCorrectionAdmin(StaffAdmin):
    list_display = ("link_id", "kind", "at", "held_before", "held_after")
    list_filter = ("kind",)
    search_fields = ("=link_id",)


@admin.register(PendingLink)
class PendingLinkAdmin(StaffAdmin):
    list_display = ("id", "subscription_id", "symbol", "side", "type", "state", "opened_at")
    list_filter = ("state", "type")
    search_fields = ("=subscription_id", "=master_account_id")


@admin.register(SymbolHold)
class SymbolHoldAdmin(StaffAdmin):
    list_display = ("account_id", "instrument_id", "subscription_id")
    search_fields = ("=account_id", "=subscription_id")


@admin.register(Drift)
class DriftAdmin(StaffAdmin):
    list_display = ("id", "kind", "account_id", "symbol", "first_seen_at", "resolved_at")
    list_filter = ("kind", "resolution")
    search_fields = ("=account_id", "=subscription_id")


@admin.register(Decision)
class DecisionAdmin(StaffAdmin):
    list_display = ("id", "event_id", "subscription_id", "leg", "units", "decided_at")
    list_filter = ("leg",)
    search_fields = ("=event_id", "=client_order_id")


@admin.register(WaitingEvent)
class WaitingEventAdmin(StaffAdmin):
    list_display = ("event_id", "subscription_id", "master_account_id", "position_key")
    search_fields = ("=event_id", "=master_account_id")


@admin.register(Outcome)
class OutcomeAdmin(StaffAdmin):
    list_display = ("id", "event_id", "subscription_id", "symbol", "state", "code", "final_at")
    list_filter = ("state",)
    search_fields = ("=event_id", "=subscription_id")


@admin.register(OutcomeSeal)
class OutcomeSealAdmin(StaffAdmin):
    list_display = ("outcome_id", "subscription_id", "number", "digest")
    search_fields = ("=outcome_id", "=subscription_id")


@admin.register(LedgerHead)
class LedgerHeadAdmin(StaffAdmin):
    list_display = ("subscription_id", "count", "digest", "sealed_at")
    search_fields = ("=subscription_id",)


@admin.register(ExecutionFigures)
class ExecutionFiguresAdmin(StaffAdmin):
    list_display = ("span", "at", "platform", "symbol", "outcomes", "slippage_bps")
    list_filter = ("span", "platform")
    search_fields = ("symbol",)
    ordering = ("-at",)


@admin.register(WorstOutcome)
class WorstOutcomeAdmin(StaffAdmin):
    list_display = ("day", "kind", "platform", "value", "outcome_id")
    list_filter = ("kind", "platform")
    search_fields = ("=outcome_id",)
    ordering = ("-day", "-value")


@admin.register(ExecutionRollup)
class ExecutionRollupAdmin(StaffAdmin):
    list_display = ("id", "done_to", "seen_to", "seen_at")


@admin.register(MarginAlarm)
class MarginAlarmAdmin(StaffAdmin):
    list_display = ("account_id", "level", "used_percent", "since")
    list_filter = ("level",)
    search_fields = ("=account_id",)


@admin.register(MasterGate)
class MasterGateAdmin(StaffAdmin):
    list_display = ("master", "rule", "value", "most", "began_at", "lifted_at")
    list_filter = ("rule",)
    list_select_related = ("master",)
    search_fields = ("master__strategy_name",)


@admin.register(MasterPicture)
class MasterPictureAdmin(StaffAdmin):
    list_display = ("master", "digest", "at")
    list_select_related = ("master",)
    search_fields = ("master__strategy_name",)
    exclude = ("image",)
