"""The staff admin's view of figures: to look at only.

Equity by minute, hour and day has keys of two columns, which the admin cannot show; its curves
stand on the pages of accounts and masters.
"""

from __future__ import annotations

from django.contrib import admin

from apps.accounts.staff_admin import StaffAdmin
from apps.analytics.alarm_models import MasterAlarm, WatchedMaster
from apps.analytics.gap_models import ReleasedPosition, SubscriptionGap, TradeGap
from apps.analytics.margin_models import MarginUse
from apps.analytics.models import (
    AccountFigures,
    FigureBook,
    ImportedRecord,
    ImportedTrade,
    ReturnDay,
    RollUp,
    SubscriptionFigures,
)
from apps.analytics.summary_models import MasterSummary, UsualTrades
from apps.analytics.trade_models import AccountHabits, AccountTrades, DealsSeen, TradeRecord


@admin.register(AccountFigures)
class AccountFiguresAdmin(StaffAdmin):
    list_display = ("account_id", "day", "return_30", "sharpe", "max_drawdown", "risk_score")
    list_filter = ("day",)
    search_fields = ("=account_id",)
    exclude = ("standings",)


@admin.register(FigureBook)
class FigureBookAdmin(StaffAdmin):
    list_display = ("id", "first_day", "last_day", "stale")
    exclude = ("accounts", "accumulator")

    def get_queryset(self, request):  # type: ignore[no-untyped-def]
        return super().get_queryset(request).defer("accounts", "accumulator")


@admin.register(ReturnDay)
class ReturnDayAdmin(StaffAdmin):
    list_display = ("day",)
    exclude = ("returns",)

    def get_queryset(self, request):  # type: ignore[no-untyped-def]
        return super().get_queryset(request).defer("returns")


@admin.register(RollUp)
class RollUpAdmin(StaffAdmin):
    list_display = ("id", "rolled_to")


@admin.register(SubscriptionFigures)
class SubscriptionFiguresAdmin(StaffAdmin):
    list_display = ("subscription_id", "account_id", "realised", "floating", "links", "looked_at")
    search_fields = ("=subscription_id", "=account_id")


@admin.register(SubscriptionGap)
class SubscriptionGapAdmin(StaffAdmin):
    list_display = ("subscription_id", "expected", "actual", "trades", "copied")
    search_fields = ("=subscription_id",)


@admin.register(TradeGap)
class TradeGapAdmin(StaffAdmin):
    list_display = ("id", "subscription_id", "symbol", "side", "expected", "actual", "opened_at")
    list_filter = ("side", "settled")
    search_fields = ("=subscription_id",)


@admin.register(ReleasedPosition)
class ReleasedPositionAdmin(StaffAdmin):
    list_display = ("link_id", "units", "price", "worth", "at")
    search_fields = ("=link_id",)


@admin.register(ImportedRecord)
class ImportedRecordAdmin(StaffAdmin):
    list_display = ("account_id", "format", "file_name", "trades", "result", "uploaded_at")
    list_filter = ("format",)
    search_fields = ("=account_id", "file_name", "source_account")


@admin.register(ImportedTrade)
class ImportedTradeAdmin(StaffAdmin):
    list_display = ("record", "symbol", "side", "volume", "opened_at", "closed_at", "profit")
    list_filter = ("side",)
    list_select_related = ("record",)
    search_fields = ("=symbol",)


@admin.register(MasterSummary)
class MasterSummaryAdmin(StaffAdmin):
    list_display = ("account_id", "platform", "mode", "since", "followers", "following")
    list_filter = ("platform", "mode")
    search_fields = ("=account_id",)


@admin.register(UsualTrades)
class UsualTradesAdmin(StaffAdmin):
    list_display = ("account_id",)
    search_fields = ("=account_id",)


@admin.register(TradeRecord)
class TradeRecordAdmin(StaffAdmin):
    list_display = ("id", "account_id", "side", "units", "opened_at", "closed_at", "result")
    list_filter = ("side",)
    search_fields = ("=account_id",)


@admin.register(AccountTrades)
class AccountTradesAdmin(StaffAdmin):
    list_display = ("account_id", "trades", "wins", "losses", "result", "win_rate", "last_at")
    search_fields = ("=account_id",)


@admin.register(AccountHabits)
class AccountHabitsAdmin(StaffAdmin):
    list_display = ("account_id", "trades", "judged_at")
    search_fields = ("=account_id",)


@admin.register(DealsSeen)
class DealsSeenAdmin(StaffAdmin):
    list_display = ("id", "floor", "mark", "mark_at")


@admin.register(MarginUse)
class MarginUseAdmin(StaffAdmin):
    list_display = ("follower_id", "account_id", "used", "times")
    search_fields = ("=account_id",)


@admin.register(MasterAlarm)
class MasterAlarmAdmin(StaffAdmin):
    list_display = ("kind", "master_id", "text", "raised_at", "acknowledged_at", "cleared_at")
    list_filter = ("kind",)
    search_fields = ("=master_id", "=account_id", "text")
    list_select_related = ("acknowledged_by",)


@admin.register(WatchedMaster)
class WatchedMasterAdmin(StaffAdmin):
    list_display = ("account_id", "trades", "worst", "day")
    search_fields = ("=account_id",)
