"""The staff admin's view of people, the product's configuration and the audit trail."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from apps.accounts import people
from apps.accounts.legal import publish_text
from apps.accounts.models import (
    Acceptance,
    AuditEntry,
    Customer,
    House,
    LegalText,
    MailText,
    SignIn,
    User,
)
from apps.accounts.product_models import ProductConfig
from apps.accounts.roles import Permission
from apps.accounts.selectors import may
from apps.accounts.staff_admin import StaffAdmin, offers, service_action
from apps.common.models import TaskFailure

# Roles are fixed; addresses, second factors and sessions belong to their users.
admin.site.unregister([Group, EmailAddress, Authenticator, UserSession])

_LOCK = service_action("Lock", Permission.MANAGE_CUSTOMERS, people.lock_user, "user")
_UNLOCK = service_action("Unlock", Permission.MANAGE_CUSTOMERS, people.unlock_user, "user")


@admin.register(User)
@offers(_LOCK, _UNLOCK)
class UserAdmin(StaffAdmin):
    list_display = ("email", "first_name", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_active", "groups")
    search_fields = ("email", "first_name", "last_name")
    ordering = ("email",)
    exclude = ("password", "user_permissions", "session_epoch")


@admin.register(Customer)
class CustomerAdmin(StaffAdmin):
    list_display = ("name", "user", "may_copy", "may_be_master", "may_run_bots", "created_at")
    list_filter = ("may_copy", "may_be_master", "may_run_bots")
    list_select_related = ("user",)
    search_fields = ("name", "user__email")


@admin.register(ProductConfig)
class ProductConfigAdmin(StaffAdmin):
    list_display = ("__str__", "copy_trading_enabled", "bot_trading_enabled", "updated_at")


@admin.register(House)
class HouseAdmin(StaffAdmin):
    list_display = ("name", "timezone", "support_email", "updated_at")
    exclude = ("logo",)


@admin.register(MailText)
class MailTextAdmin(StaffAdmin):
    list_display = ("kind", "subject", "updated_at")
    search_fields = ("kind", "subject", "body")


@admin.register(LegalText)
class LegalTextAdmin(StaffAdmin):
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
class AcceptanceAdmin(StaffAdmin):
    list_display = ("user", "text", "at")
    list_select_related = ("user", "text")
    list_filter = ("text__kind", "text__version")
    search_fields = ("user__email",)
    ordering = ("-at", "-id")


@admin.register(SignIn)
class SignInAdmin(StaffAdmin):
    list_display = ("at", "user", "succeeded", "method", "ip", "device", "new_device")
    list_filter = ("succeeded", "method", "new_device")
    list_select_related = ("user",)
    search_fields = ("user__email", "=ip")
    exclude = ("device_mark",)
    ordering = ("-id",)


@admin.register(AuditEntry)
class AuditEntryAdmin(StaffAdmin):
    list_display = ("at", "actor", "action", "object_label", "reason")
    list_filter = ("object_type",)
    search_fields = ("=actor", "=object_id", "=action")
    ordering = ("-at", "-id")


@admin.register(TaskFailure)
class TaskFailureAdmin(StaffAdmin):
    list_display = ("last_at", "task", "error", "count", "message")
    list_filter = ("task",)
    search_fields = ("task", "error", "message")
    ordering = ("-last_at",)
