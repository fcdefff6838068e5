"""The staff admin's view of the journal, orders, deals and positions: to look at only.

Gateways and workers own these rows; changing one by hand would make the record untrue. What is
searched for is compared whole, so that an index answers it.
"""

from __future__ import annotations

from django.contrib import admin

from apps.accounts.staff_admin import StaffAdmin
from apps.execution.models import (
    AccountEvent,
    Batch,
    CloseConfirmation,
    ConnectionLease,
    Deal,
    Fence,
    Gate,
    GatewayProcess,
    Order,
    Position,
    RestingOrder,
    SettleTrouble,
    StrayOrder,
    Withdrawal,
)


@admin.register(AccountEvent)
class AccountEventAdmin(StaffAdmin):
    list_display = ("id", "account_id", "kind", "position_id", "ts_event", "planned_at")
    list_filter = ("kind",)
    search_fields = ("=account_id", "=trace_id", "=position_id")


@admin.register(Batch)
class BatchAdmin(StaffAdmin):
    list_display = ("id", "connection_id", "leg", "size", "claimed", "settled", "created_at")
    list_filter = ("settled", "leg", "source")
    search_fields = ("=connection_id",)


@admin.register(Withdrawal)
class WithdrawalAdmin(StaffAdmin):
    list_display = ("client_order_id", "batch_id", "reason", "at")
    search_fields = ("=client_order_id", "=batch_id")


@admin.register(Order)
class OrderAdmin(StaffAdmin):
    list_display = ("client_order_id", "account_id", "leg", "side", "units", "state", "code")
    list_filter = ("state", "leg", "source")
    search_fields = ("=client_order_id", "=account_id")


@admin.register(Deal)
class DealAdmin(StaffAdmin):
    list_display = ("deal_id", "account_id", "side", "effect", "units", "price", "executed_at")
    list_filter = ("effect",)
    search_fields = ("=account_id", "=deal_id", "=position_id")


@admin.register(Position)
class PositionAdmin(StaffAdmin):
    list_display = ("position_id", "account_id", "side", "units", "price", "closed_at")
    list_filter = ("side", ("closed_at", admin.EmptyFieldListFilter))
    search_fields = ("=account_id", "=position_id")


@admin.register(RestingOrder)
class RestingOrderAdmin(StaffAdmin):
    list_display = ("platform_order_id", "account_id", "side", "type", "units", "state", "ended_at")
    list_filter = ("state", "type")
    search_fields = ("=account_id", "=platform_order_id", "=client_order_id")


@admin.register(StrayOrder)
class StrayOrderAdmin(StaffAdmin):
    list_display = ("platform_order_id", "account_id", "client_order_id", "side", "units")
    list_filter = ("side",)
    search_fields = ("=account_id", "=platform_order_id", "=client_order_id")


@admin.register(Gate)
class GateAdmin(StaffAdmin):
    list_display = ("scope", "key", "state", "actor", "reason", "at")
    list_filter = ("scope", "state")
    search_fields = ("=key", "actor", "reason")


@admin.register(CloseConfirmation)
class CloseConfirmationAdmin(StaffAdmin):
    list_display = ("client_order_id", "actor", "reason", "at")
    search_fields = ("=client_order_id", "actor", "reason")


@admin.register(ConnectionLease)
class ConnectionLeaseAdmin(StaffAdmin):
    list_display = ("connection_id", "holder", "epoch", "expires_at")
    search_fields = ("=connection_id", "holder")


@admin.register(Fence)
class FenceAdmin(StaffAdmin):
    list_display = ("source", "wake_key", "value")
    list_filter = ("source",)
    search_fields = ("=wake_key",)


@admin.register(GatewayProcess)
class GatewayProcessAdmin(StaffAdmin):
    list_display = ("name", "started_at", "seen_at", "rss_mb")
    search_fields = ("name",)


@admin.register(SettleTrouble)
class SettleTroubleAdmin(StaffAdmin):
    list_display = ("client_order_id", "trace_id", "error", "attempts", "retry_at")
    search_fields = ("=client_order_id", "=trace_id", "error")
