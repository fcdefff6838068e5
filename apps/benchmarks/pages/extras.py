"""What stands beside copying: messages, sign-ins, applications, pictures, house and staff."""

from __future__ import annotations

import io
from datetime import datetime

from PIL import Image

from apps.accounts import api as accounts
from apps.accounts.house import update_house
from apps.accounts.legal import publish_defaults
from apps.accounts.models import SignIn, User
from apps.accounts.roles import Role
from apps.analytics.alarm_models import MasterAlarm
from apps.benchmarks.pages.rows import execute, multiply
from apps.copytrading import api as copying
from apps.copytrading.models import CopyMaster
from apps.notifications.api import ensure_email_channel
from apps.notifications.domain.kinds import Kind
from apps.notifications.models import Channel, Notification
from apps.platforms.models import PendingGrant

#: Of the first customer.
NOTIFICATIONS, SIGN_INS = 5_000, 1_000
#: The last masters, at most so many, wait for a decision.
APPLICATIONS = 100


def build(owner: User, customer: User, master: CopyMaster, now: datetime) -> None:
    """Everything that the first customer and the staff find on pages without copies."""
    publish_defaults()
    accounts.create_staff(
        actor=owner, email="risk@bench.test", password=None, name="Risk", role=Role.RISK
    )
    picture = _picture()
    update_house(actor=owner, name="Bench", timezone="UTC", logo=picture)
    copying.set_picture(actor=customer, master=master, data=picture)
    execute(
        "UPDATE copytrading_copymaster SET status = 'pending', applied_at = now() WHERE id IN "
        "(SELECT id FROM copytrading_copymaster ORDER BY id DESC LIMIT "
        "least(%(most)s, (SELECT count(*) / 10 FROM copytrading_copymaster)))",
        most=APPLICATIONS,
    )
    PendingGrant.objects.create(owner=customer, platform="ctrader")
    _messages(customer, now)
    MasterAlarm.objects.create(
        master_id=master.pk, account_id=master.account_id, kind="leverage",
        text="Its leverage grew.", raised_at=now, seen_at=now,
    )  # fmt: skip


def _messages(customer: User, now: datetime) -> None:
    ensure_email_channel(user=customer)
    Channel.objects.create(
        user=customer, type=Channel.Type.APPRISE, name="Telegram", service="Telegram",
        created_at=now,
    )  # fmt: skip
    notification = Notification.objects.create(
        user=customer, kind=next(iter(Kind)), text="It happened.", at=now, last_at=now, due_at=now,
        gathering=False,
    )  # fmt: skip
    earlier = "now() - n * interval '9 minutes'"
    multiply(
        notification, f"generate_series(2, {NOTIFICATIONS}) n",
        at=earlier, last_at=earlier, due_at=earlier,
    )  # fmt: skip
    sign_in = SignIn.objects.create(
        user=customer, at=now, succeeded=True, method=SignIn.Method.PASSWORD, ip="127.0.0.1"
    )
    multiply(sign_in, f"generate_series(2, {SIGN_INS}) n", at=earlier)


def _picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (256, 256), "navy").save(out, "PNG")
    return out.getvalue()
