"""Addresses that machines ask: no session, no sign-in."""

from django.urls import URLPattern, URLResolver, path

from apps.console.views import operations

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", operations.healthz, name="healthz"),
    path("readyz", operations.readyz, name="readyz"),
    path("metrics", operations.metrics, name="metrics"),
]
