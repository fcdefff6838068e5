"""The staff admin's view of connections, accounts and symbols; credentials are never shown."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from apps.platforms.models import AccountGroup, Connection, Symbol, TradingAccount


class _KeptAdmin(ModelAdmin):
    """Rows that are made by the product's own functions and never deleted by hand."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(AccountGroup)
class AccountGroupAdmin(_KeptAdmin):
    list_display = ("name", "mode", "currency", "leverage")
    readonly_fields = ("mode", "currency", "leverage")


@admin.register(Connection)
class ConnectionAdmin(_KeptAdmin):
    list_display = ("name", "platform", "server", "host", "port", "enabled")
    list_filter = ("platform", "enabled")
    exclude = ("credentials",)
    readonly_fields = ("platform", "server", "owner", "created_at")
    list_select_related = ("owner",)


@admin.register(TradingAccount)
class TradingAccountAdmin(_KeptAdmin):
    list_display = ("login", "server", "name", "owner", "group", "currency", "margin_mode")
    list_filter = ("platform", "margin_mode", "currency", "group")
    list_select_related = ("owner", "group")
    search_fields = ("login", "name", "owner__email")
    fields = ("name", "active", "login", "server", "platform", "currency", "margin_mode", "owner")
    readonly_fields = ("login", "server", "platform", "currency", "margin_mode", "owner")


@admin.register(Symbol)
class SymbolAdmin(_KeptAdmin):
    list_display = ("name", "connection", "digits", "lot_units", "min_units", "tradable")
    list_filter = ("connection", "tradable")
    list_select_related = ("connection",)
    search_fields = ("name", "description")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
