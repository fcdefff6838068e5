"""The demo: accounts and copies to look at, and traders that keep them moving."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "apps.demo"
    label = "demo"
    default_auto_field = "django.db.models.BigAutoField"
