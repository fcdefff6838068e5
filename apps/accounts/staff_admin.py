"""What every page of the staff admin has in common: who looks, and that nobody writes past a
service.

The admin shows rows. What may be changed is changed by actions, which call the same functions as
the console, with the actor and a reason.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.forms import ActionForm

from apps.accounts.errors import AccountsError
from apps.accounts.roles import Permission
from apps.accounts.selectors import may

#: Below so many rows a table is counted; above, PostgreSQL's own estimate is good enough.
_COUNTED = 50_000


class EstimatingPaginator(Paginator[Any]):
    """Does not count millions of rows for the sake of a number at the foot of a page."""

    @cached_property
    def count(self) -> int:
        """Rows; of a whole large table what PostgreSQL estimates."""
        query = getattr(self.object_list, "query", None)
        if query is not None and not query.where:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(%s)",
                    [query.get_meta().db_table],
                )
                row = cursor.fetchone()
            if row and row[0] > _COUNTED:
                return int(row[0])
        return super().count


class ReasonForm(ActionForm):
    """Asks why, beside the choice of the action."""

    reason = forms.CharField(required=False, max_length=500, label="Reason")


class StaffAdmin(ModelAdmin):
    """Rows to look at, for everybody with a role; nothing is added, changed or deleted here."""

    show_full_result_count = False
    paginator = EstimatingPaginator
    list_per_page = 50
    list_max_show_all = 200
    action_form = ReasonForm

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request.user, Permission.VIEW)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, Permission.VIEW)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


Act = Callable[..., object]


def service_action(
    words: str, permission: Permission, act: Act, subject: str, *refusals: type[Exception]
) -> Any:
    """An action that calls a service for each chosen row, and tells what it refused.

    ``act`` gets ``actor``, ``reason`` and the row as ``subject``. Only who has the permission is
    offered it; without a reason nothing is done.
    """

    def has_permission(self: StaffAdmin, request: HttpRequest) -> bool:
        return may(request.user, permission)

    @admin.action(description=words)
    def action(modeladmin: StaffAdmin, request: HttpRequest, chosen: QuerySet[Model]) -> None:
        if not has_permission(modeladmin, request):
            raise PermissionDenied
        reason = request.POST.get("reason", "").strip()
        if not reason:
            messages.error(request, "Say why, beside the action; nothing was done.")
            return
        done = 0
        told: tuple[type[Exception], ...] = (AccountsError, *refusals)
        for row in chosen:
            try:
                act(actor=request.user, reason=reason, **{subject: row})
            except told as refusal:
                messages.warning(request, f"{row}: {refusal}")
            else:
                done += 1
        messages.success(request, f"{words}: {done} of {len(chosen)} done.")

    name = words.lower().replace(" ", "_")
    action.__name__ = name
    action.allowed_permissions = [name]  # type: ignore[attr-defined]
    action.has_permission = has_permission  # type: ignore[attr-defined]
    return action


def offers(*actions: Any) -> Callable[[type[StaffAdmin]], type[StaffAdmin]]:
    """Class decorator: offer these actions to those who have their permissions."""

    def decorate(cls: type[StaffAdmin]) -> type[StaffAdmin]:
        cls.actions = list(actions)
        for action in actions:
            setattr(cls, f"has_{action.__name__}_permission", action.has_permission)
        return cls

    return decorate
