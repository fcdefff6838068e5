"""The staff admin's view of the demo's marker."""

from __future__ import annotations

from django.contrib import admin

from apps.accounts.staff_admin import StaffAdmin
from apps.demo.models import DemoInstallation


@admin.register(DemoInstallation)
class DemoInstallationAdmin(StaffAdmin):
    list_display = ("__str__", "connection_id", "created_at")
