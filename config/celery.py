"""The Celery application: workers plan and settle copies, beat wakes what runs by the clock."""

import os
import sys
from typing import Any

from celery import Celery
from celery.signals import celeryd_init, task_prerun
from django.db import close_old_connections

from apps.common.broker_watch import BrokerWatch

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")

app = Celery("bellwether")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Celery would close the database connection around every task; a new one costs a task more than
# its work. Ours is kept, and given up only when it is found broken or has become too old.
app.conf["CELERY_DB_REUSE_MAX"] = sys.maxsize
app.steps["consumer"].add(BrokerWatch)


@task_prerun.connect
def keep_usable_connections(**_: Any) -> None:
    """Before each task: drop a connection that an error has left unusable."""
    close_old_connections()


@celeryd_init.connect
def watch_tasks(**_: Any) -> None:
    """Note what fails, and when the sweeps ran last."""
    import django

    django.setup()
    from apps.common.task_watch import watch

    watch({entry["task"] for entry in app.conf.beat_schedule.values()})
