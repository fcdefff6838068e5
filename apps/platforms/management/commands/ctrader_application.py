"""``manage.py ctrader_application``: give customers' connections the application's new secret."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.platforms.api import replace_application


class Command(BaseCommand):
    help = (
        "After CTRADER_CLIENT_SECRET has changed: write it into the connections of customers, "
        "whose sessions then begin anew with it. Their permissions stay."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not (settings.CTRADER_CLIENT_ID and settings.CTRADER_CLIENT_SECRET):
            raise CommandError("Set CTRADER_CLIENT_ID and CTRADER_CLIENT_SECRET first.")
        changed = replace_application(
            client_id=settings.CTRADER_CLIENT_ID, client_secret=settings.CTRADER_CLIENT_SECRET
        )
        self.stdout.write(f"{changed} connections have the application's secret.")
