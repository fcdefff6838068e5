"""The staff admin's view of figures: to look at only.

Equity by minute, hour and day has keys of two columns, which the admin cannot show; its curves
stand on the pages of accounts and masters.
"""

from __future__ import annotations

from django.contrib import admin

from apps.accounts.staff_admin import StaffAdmin
from apps.analytics.models import AccountFigures, FigureBook, ReturnDay, RollUp


@admin.register(AccountFigures)
class AccountFiguresAdmin(StaffAdmin):
    list_display = ("account_id", "day", "return_30", "sharpe", "max_drawdown", "risk_score")
    list_filter = ("day",)
    search_fields = ("=account_id",)
    exclude = ("standings",)


@admin.register(FigureBook)
class FigureBookAdmin(StaffAdmin):
    list_display = ("id", "first_day", "last_day", "stale")
    exclude = ("accounts", "accumulator")

    def get_queryset(self, request):  # type: ignore[no-untyped-def]
        return super().get_queryset(request).defer("accounts", "accumulator")


@admin.register(ReturnDay)
class ReturnDayAdmin(StaffAdmin):
    list_display = ("day",)
    exclude = ("returns",)

    def get_queryset(self, request):  # type: ignore[no-untyped-def]
        return super().get_queryset(request).defer("returns")


@admin.register(RollUp)
class RollUpAdmin(StaffAdmin):
    list_display = ("id", "rolled_to")
