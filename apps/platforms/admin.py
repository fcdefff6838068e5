"""The staff admin's view of connections, accounts and symbols; credentials are never shown."""

from __future__ import annotations

from django.contrib import admin

from apps.accounts.staff_admin import StaffAdmin
from apps.platforms.models import (
    AccountGroup,
    AccountState,
    Connection,
    ConnectionState,
    PendingGrant,
    Quote,
    Symbol,
    TradingAccount,
)


@admin.register(AccountGroup)
class AccountGroupAdmin(StaffAdmin):
    list_display = ("name", "mode", "currency", "leverage")
    list_filter = ("mode", "currency")
    search_fields = ("name",)


@admin.register(Connection)
class ConnectionAdmin(StaffAdmin):
    list_display = ("name", "platform", "server", "host", "port", "enabled")
    list_filter = ("platform", "enabled")
    search_fields = ("name", "server", "host")
    exclude = ("credentials",)
    list_select_related = ("owner",)


@admin.register(ConnectionState)
class ConnectionStateAdmin(StaffAdmin):
    list_display = ("connection", "status", "status_at", "reconnects", "error_code", "gateway")
    list_filter = ("status",)
    list_select_related = ("connection",)
    search_fields = ("connection__name", "error_code", "error")


@admin.register(TradingAccount)
class TradingAccountAdmin(StaffAdmin):
    list_display = ("login", "server", "name", "owner", "group", "currency", "margin_mode")
    list_filter = ("platform", "margin_mode", "currency", "group", "active")
    list_select_related = ("owner", "group")
    search_fields = ("login", "name", "owner__email")


@admin.register(AccountState)
class AccountStateAdmin(StaffAdmin):
    list_display = ("account", "balance", "equity", "margin_used", "open_positions", "synced")
    list_filter = ("synced",)
    list_select_related = ("account",)
    search_fields = ("account__login",)


@admin.register(Symbol)
class SymbolAdmin(StaffAdmin):
    list_display = ("name", "folded", "connection", "digits", "lot_units", "min_units", "tradable")
    list_filter = ("connection", "tradable")
    list_select_related = ("connection",)
    search_fields = ("name", "folded", "description")


@admin.register(Quote)
class QuoteAdmin(StaffAdmin):
    list_display = ("instrument_id", "connection", "bid", "ask", "at")
    list_filter = ("connection",)
    list_select_related = ("connection",)
    search_fields = ("=instrument_id",)


@admin.register(PendingGrant)
class PendingGrantAdmin(StaffAdmin):
    list_display = ("owner", "platform", "created_at")
    list_select_related = ("owner",)
    search_fields = ("owner__email",)
    exclude = ("credentials", "accounts")
