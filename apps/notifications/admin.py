"""The staff admin's view of notifications: to look at only; addresses of channels stay hidden."""

from __future__ import annotations

from django.contrib import admin

from apps.accounts.staff_admin import StaffAdmin
from apps.notifications.models import (
    Channel,
    ConnectionAlarm,
    Delivery,
    Happening,
    Notification,
    Preference,
)


@admin.register(Happening)
class HappeningAdmin(StaffAdmin):
    list_display = ("id", "topic", "at", "attempts", "not_before", "error")
    list_filter = ("attempts",)
    search_fields = ("=topic",)


@admin.register(Notification)
class NotificationAdmin(StaffAdmin):
    list_display = ("id", "user", "kind", "count", "last_at", "read_at")
    list_filter = ("kind",)
    list_select_related = ("user",)
    search_fields = ("=user__email",)


@admin.register(Channel)
class ChannelAdmin(StaffAdmin):
    list_display = ("user", "type", "name", "service", "delivered_at", "failed_at")
    list_filter = ("type", "service")
    list_select_related = ("user",)
    search_fields = ("=user__email", "name")
    exclude = ("address",)


@admin.register(Preference)
class PreferenceAdmin(StaffAdmin):
    list_display = ("user", "kind", "channel", "wanted")
    list_filter = ("kind", "wanted")
    list_select_related = ("user", "channel")
    search_fields = ("=user__email",)


@admin.register(Delivery)
class DeliveryAdmin(StaffAdmin):
    list_display = ("id", "notification", "channel", "state", "attempts", "sent_at", "error")
    list_filter = ("state",)
    list_select_related = ("notification__user", "channel__user")
    search_fields = ("=notification__user__email",)


@admin.register(ConnectionAlarm)
class ConnectionAlarmAdmin(StaffAdmin):
    list_display = ("connection_id", "since", "seen_at", "refused", "told")
    list_filter = ("refused", "told")
    search_fields = ("=connection_id",)
