"""The staff admin's view of people, the product's configuration and the audit trail."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.models import Group

from apps.accounts import people
from apps.accounts.models import AuditEntry, Customer, House, MailText, ProductConfig, User
from apps.accounts.roles import Permission
from apps.accounts.staff_admin import StaffAdmin, offers, service_action
from apps.common.models import TaskFailure

# Roles are fixed, and addresses belong to their users; neither is edited here.
admin.site.unregister([Group, EmailAddress])

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
