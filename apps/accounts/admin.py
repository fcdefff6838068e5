"""The staff admin's view of people, the product's configuration and the audit trail."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from apps.accounts.legal import publish_text
from apps.accounts.models import (
    Acceptance,
    AuditEntry,
    Customer,
    LegalText,
    ProductConfig,
    User,
)
from apps.accounts.roles import Permission
from apps.accounts.selectors import may

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


@admin.register(LegalText)
class LegalTextAdmin(ReadOnlyAdmin):
    """The house writes new versions; none is ever changed, customers accepted them as they are."""

    list_display = ("__str__", "published_at", "published_by")
    list_filter = ("kind",)
    ordering = ("kind", "-version")
    fields = ("kind", "text")
    view_fields = ("kind", "version", "published_at", "published_by", "text")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj is None else self.view_fields

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request.user, Permission.MANAGE_PRODUCT)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, Permission.MANAGE_PRODUCT)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return may(request.user, Permission.MANAGE_PRODUCT)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        made = publish_text(actor=request.user, kind=obj.kind, text=obj.text)  # type: ignore[arg-type]
        obj.pk, obj.version = made.pk, made.version


@admin.register(Acceptance)
class AcceptanceAdmin(ReadOnlyAdmin):
    list_display = ("user", "text", "at")
    list_select_related = ("user", "text")
    list_filter = ("text__kind", "text__version")
    search_fields = ("user__email",)
    date_hierarchy = "at"


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor", "action", "object_label", "reason")
    list_filter = ("action", "object_type")
    search_fields = ("actor", "object_label", "object_id")
    date_hierarchy = "at"
