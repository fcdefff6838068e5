"""The Celery application: workers plan and settle copies, beat wakes what runs by the clock."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")

app = Celery("bellwether")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
