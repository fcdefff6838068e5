"""The staff admin's view of masters, copies and outcomes: to look at only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from apps.copytrading.models import CopyMaster, CopySubscription, Outcome, TradeLink


class _OwnedByEngine(ModelAdmin):
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(CopyMaster)
class CopyMasterAdmin(_OwnedByEngine):
    list_display = ("strategy_name", "account", "status", "visibility", "created_at")
    list_filter = ("status", "visibility")
    list_select_related = ("account",)
    search_fields = ("strategy_name", "account__login")


@admin.register(CopySubscription)
class CopySubscriptionAdmin(_OwnedByEngine):
    list_display = ("id", "master", "follower", "status", "volume_mode", "created_at")
    list_filter = ("status", "volume_mode")
    list_select_related = ("master", "follower__account")
    search_fields = ("master__strategy_name", "follower__account__login")


@admin.register(TradeLink)
class TradeLinkAdmin(_OwnedByEngine):
    list_display = ("id", "subscription_id", "symbol", "side", "state", "held_units", "ratio")
    list_filter = ("state",)
    search_fields = ("position_key",)


@admin.register(Outcome)
class OutcomeAdmin(_OwnedByEngine):
    list_display = ("id", "event_id", "subscription_id", "symbol", "state", "code", "final_at")
    list_filter = ("state", "code")
    search_fields = ("trace_id", "client_order_id")
