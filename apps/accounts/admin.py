"""The staff admin's view of people, the product's configuration and the audit trail."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from apps.accounts.models import AuditEntry, Customer, ProductConfig, User

# Roles are fixed, and addresses belong to their users; neither is edited here.
admin.site.unregister([Group, EmailAddress])


class ReadOnlyAdmin(ModelAdmin):
    """Rows that are written by the product's own functions, to look at."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("email", "first_name", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_active", "groups")
    search_fields = ("email", "first_name", "last_name")
    ordering = ("email",)
    exclude = ("password",)


@admin.register(Customer)
class CustomerAdmin(ReadOnlyAdmin):
    list_display = ("name", "user", "timezone", "created_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__email")


@admin.register(ProductConfig)
class ProductConfigAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "copy_trading_enabled", "max_delay_s", "stale_account_s")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor", "action", "object_label", "reason")
    list_filter = ("action", "object_type")
    search_fields = ("actor", "object_label", "object_id")
    date_hierarchy = "at"
