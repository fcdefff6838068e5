"""The staff admin's view of the journal, orders, deals and positions: to look at only.

Gateways and workers own these rows; changing one by hand would make the record untrue.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from apps.execution.models import AccountEvent, Deal, Gate, Order, Position, RestingOrder


class _OwnedByEngine(ModelAdmin):
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(AccountEvent)
class AccountEventAdmin(_OwnedByEngine):
    list_display = ("id", "account_id", "kind", "position_id", "ts_event", "planned_at")
    list_filter = ("kind",)
    search_fields = ("trace_id", "position_id")


@admin.register(Order)
class OrderAdmin(_OwnedByEngine):
    list_display = ("client_order_id", "account_id", "leg", "side", "units", "state", "code")
    list_filter = ("state", "leg", "source")
    search_fields = ("client_order_id", "platform_order_id", "trace_id")


@admin.register(Deal)
class DealAdmin(_OwnedByEngine):
    list_display = ("deal_id", "account_id", "side", "effect", "units", "price", "executed_at")
    list_filter = ("effect",)
    search_fields = ("deal_id", "position_id", "client_order_id")


@admin.register(Position)
class PositionAdmin(_OwnedByEngine):
    list_display = ("position_id", "account_id", "side", "units", "price", "closed_at")
    search_fields = ("position_id", "tag")


@admin.register(RestingOrder)
class RestingOrderAdmin(_OwnedByEngine):
    list_display = ("platform_order_id", "account_id", "side", "type", "units", "state", "ended_at")
    list_filter = ("state", "type")
    search_fields = ("platform_order_id", "client_order_id")


@admin.register(Gate)
class GateAdmin(_OwnedByEngine):
    list_display = ("scope", "key", "state", "actor", "reason", "at")
