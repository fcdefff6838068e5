"""How the product runs: queues, failures, leases, sweeps; for people and for machines."""

from __future__ import annotations

import hmac
from ipaddress import ip_address

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.common.live_pages import show
from apps.common.task_watch import redis_answers
from apps.console.access import StaffRequest, staff_page
from apps.console.live_operations import OPERATIONS
from apps.console.metrics import metrics_text

_METRICS = "text/plain; version=0.0.4; charset=utf-8"
#: What a proxy says of whom it asks for; with any of them the request is not of this machine.
_FORWARDED = ("X-Forwarded-For", "X-Real-Ip", "Forwarded", "X-Forwarded-Host")


class _Migrations:
    current = False  # once true it stays so for the life of the process


@require_safe
@staff_page()
def operations(request: StaffRequest) -> HttpResponse:
    """Queues, backlog, leases, sweeps and failures, kept current."""
    live = show(OPERATIONS, request.user, {})
    return render(request, "console/operations.html", {"live": live})


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process answers at all."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when requests can be served: the database answers and is up to date; else 503.

    Redis is told of, but without it pages are served all the same.
    """
    database = _database()
    checks = {"database": database, "redis": "ok" if redis_answers() else "away"}
    return JsonResponse(checks, status=200 if database == "ok" else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not _Migrations.current:
            executor = MigrationExecutor(connection)
            waits = executor.migration_plan(executor.loader.graph.leaf_nodes())
            _Migrations.current = not waits
    except (DatabaseError, InterfaceError):
        return "away"
    return "ok" if _Migrations.current else "not migrated"


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Figures for Prometheus: with the token where one is set, else on this machine only."""
    if not _may_read(request):
        return HttpResponse("Give the token of METRICS_TOKEN as bearer.\n", status=403)
    return HttpResponse(metrics_text(), content_type=_METRICS)


def _may_read(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    if token:
        given = request.headers.get("Authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
