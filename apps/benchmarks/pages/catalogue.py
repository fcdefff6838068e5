"""What is asked of each address: the one place to add to where a page takes an argument.

A page without arguments is found and measured by itself, once. A page with arguments has an entry
here under its name; so may one without, for its filters. A page that only takes forms answers 405
to a reader and is left out, but must be named as well, since that is found out by asking.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.accounts.models import House, LegalText, User
from apps.analytics.alarm_models import MasterAlarm
from apps.copytrading.models import CopyMaster, CopySubscription, Drift, Outcome, TradeLink
from apps.notifications.models import Channel, Notification
from apps.platforms.models import PendingGrant, TradingAccount


@dataclass(frozen=True, slots=True)
class Visit:
    """One way to ask for a page: arguments of its address, its query, and by htmx or not.

    Staff ask for pages of the console, the customer for all others, but for those marked.
    """

    arguments: Mapping[str, Any] = field(default_factory=dict)
    query: str = ""
    htmx: bool = False
    staff: bool = False


class Sample:
    """Objects of the first customer, the most followed master, and staff who look at them."""

    def __init__(self) -> None:
        account = TradingAccount.objects.order_by("id")[0]
        self.account = account
        assert account.owner is not None
        self.customer: User = account.owner
        self.staff = User.objects.get(email="owner@bench.test")
        owned = {"follower__account__owner": self.customer}
        self.copy = CopySubscription.objects.filter(**owned).order_by("id")[0]
        links = TradeLink.objects.filter(account_id__in=self._accounts(), state="open")
        self.link = links.order_by("id")[0]
        self.outcome = Outcome.objects.filter(subscription_id=self.copy.pk).order_by("-id")[0]
        self.drift = Drift.objects.filter(account_id=account.pk, resolved_at=None)[0]
        self.master = CopyMaster.objects.order_by("id")[0]
        #: One of the many that few follow.
        self.quiet = CopyMaster.objects.order_by("-id")[0]
        self.application = CopyMaster.objects.filter(status="pending").order_by("id")[0]
        self.alarm = MasterAlarm.objects.order_by("id")[0]
        self.platform = account.platform
        self.colleague = User.objects.get(email="risk@bench.test")
        self.channel = Channel.objects.filter(user=self.customer, type="apprise")[0]
        self.notification = Notification.objects.filter(user=self.customer).order_by("-id")[0]
        self.grant = PendingGrant.objects.get(owner=self.customer)
        self.text = LegalText.objects.order_by("id")[0]
        self.logo_mark = House.objects.get().logo_mark

    def _accounts(self) -> list[int]:
        return list(self.customer.accounts.values_list("id", flat=True))


Visits = Callable[[Sample], list[Visit]]


def _each(name: str, *values: str, **fixed: Callable[[Sample], Any]) -> Visits:
    """A visit for each value of one argument."""
    return lambda sample: [
        Visit({name: value, **{key: find(sample) for key, find in fixed.items()}})
        for value in values
    ]


def _one(**arguments: Callable[[Sample], Any]) -> Visits:
    return lambda sample: [Visit({key: find(sample) for key, find in arguments.items()})]


def _asked(*queries: str) -> Visits:
    """A page without arguments, plain and by these filters."""
    return lambda sample: [Visit(), *(Visit(query=query) for query in queries)]


def copy(sample: Sample) -> object:
    return sample.copy.uuid


def account(sample: Sample) -> object:
    return sample.account.uuid


def master(sample: Sample) -> object:
    return sample.master.uuid


def channel(sample: Sample) -> object:
    return sample.channel.uuid


def connection(sample: Sample) -> object:
    return sample.account.connection.uuid


def customer(sample: Sample) -> object:
    return sample.customer.uuid


def colleague(sample: Sample) -> object:
    return sample.colleague.uuid


_LEDGER = _asked(
    "state=failed", "state=skipped&symbol=EURUSD", "text=EURUSD", "code=PARTIALLY_FILLED"
)

#: By the name of the address.
CATALOGUE: Mapping[str, Visits] = {
    "portal:house_logo": _one(mark=lambda s: s.logo_mark),
    "portal:legal_text": _one(kind=lambda s: s.text.kind, version=lambda s: s.text.version),
    "portal:discover_master": _one(uuid=master),
    "portal:against": _one(uuid=copy),
    "portal:edit_copy_rehearsal": _one(uuid=copy),
    "portal:notification": _one(pk=lambda s: s.notification.pk),
    "portal:test_channel": _one(uuid=channel),
    "portal:remove_channel": _one(uuid=channel),
    # Takes forms alone, whatever the session.
    "portal:end_session": lambda s: [Visit({"pk": 1})],
    "portal:apply_as_master": _one(uuid=account),
    "portal:master_profile": _one(uuid=master),
    "portal:set_picture": _one(uuid=master),
    "portal:picture": _one(uuid=master),
    "portal:choose_accounts": _one(uuid=lambda s: s.grant.uuid),
    "portal:account_history": _one(uuid=account),
    "portal:rename_account": _one(uuid=account),
    "portal:remove_account": _one(uuid=account),
    "portal:track_record": _one(uuid=account),
    "portal:confirm_record": _one(uuid=account),
    "portal:discard_record": _one(uuid=account),
    "portal:remove_record": _one(uuid=account),
    "portal:gallery": lambda s: [Visit(staff=True), Visit({}, "show=charts", staff=True)],
    "portal:close_position": lambda s: [Visit({"link": s.link.pk})],
    "portal:detach_position": lambda s: [Visit({"link": s.link.pk})],
    "portal:subscription": _one(uuid=copy),
    "portal:edit_copy": _one(uuid=copy),
    "portal:edit_copy_summary": _one(uuid=copy),
    "portal:mapping": _one(uuid=copy),
    "portal:change_pair": lambda s: [Visit({"uuid": s.copy.uuid}, "symbol=EURUSD")],
    "portal:upload_mapping": _one(uuid=copy),
    "portal:remove_mapping": _one(uuid=copy),
    "portal:sample_mapping": _one(uuid=copy),
    "portal:outcomes": _LEDGER,
    "portal:outcome": _one(pk=lambda s: s.outcome.pk),
    "portal:check_chain": _one(uuid=copy),
    "portal:change_copy": _each("action", "pause", "resume", "stop", "delete", uuid=copy),
    "portal:change_master": _each(
        "action", "switch-off", "switch-on", "delete", "apply", "withdraw", "hide", uuid=master
    ),
    "portal:repair_drift": _one(pk=lambda s: s.drift.pk),
    "portal:accept_drift": _one(pk=lambda s: s.drift.pk),
    "portal:account": _one(uuid=account),
    "portal:follower_settings": _one(uuid=account),
    "portal:delete_follower": _one(uuid=account),
    "console:live": lambda s: [Visit(), Visit(query=f"master={s.master.uuid}")],
    "console:outcomes": _LEDGER,
    "console:outcome": _one(pk=lambda s: s.outcome.pk),
    "console:check_chain": _one(uuid=copy),
    "console:copy": _one(uuid=copy),
    "console:masters": _asked("q=1", "sort=alarms&page=9", "watch=gated", "sort=return&period=365"),
    "console:master": _one(uuid=master),
    "console:followers_at_risk": _asked(
        "level=all",
        "level=critical",
        "level=all&sort=newest",
        "level=all&state=paused",
        "level=all&q=Customer+4",
        "level=all&page=20",
    ),
    "console:master_followers": lambda s: [
        Visit({"uuid": s.master.uuid}),
        Visit({"uuid": s.master.uuid}, "level=risk"),
        Visit({"uuid": s.master.uuid}, "sort=newest"),
    ],
    "console:master_followers_csv": lambda s: [Visit({"uuid": s.quiet.uuid})],
    "console:followers_csv": lambda s: [Visit(query=f"level=all&master={s.quiet.uuid}")],
    "console:change_followers": lambda s: [
        Visit({"action": action}, f"id={s.copy.pk}") for action in ("pause", "stop")
    ],
    "console:change_master_followers": lambda s: [Visit({"uuid": s.master.uuid, "action": "stop"})],
    "console:master_trades": _one(uuid=master),
    "console:master_outcomes": _one(uuid=master),
    "console:master_outcomes_csv": _one(uuid=master),
    "console:master_audit": _one(uuid=master),
    "console:change_master": _each("action", "pause", "deactivate", uuid=master),
    "console:alarm": _one(uuid=lambda s: s.alarm.uuid),
    "console:drift": _asked("kind=missing", "login=1"),
    "console:repair_drift": lambda s: [Visit(query=f"id={s.drift.pk}")],
    "console:accept_drift": lambda s: [Visit(query=f"id={s.drift.pk}")],
    "console:kill_platform": _one(code=lambda s: s.platform),
    "console:kill_account": _one(uuid=account),
    "console:decide_application": _each(
        "decision", "approve", "reject", uuid=lambda s: s.application.uuid
    ),
    "console:connection": _one(uuid=connection),
    "console:change_connection": _one(uuid=connection),
    "console:credentials": _one(uuid=connection),
    "console:change_group": _one(pk=lambda s: s.account.group.pk),
    "console:mail": _each("slug", "password-reset-key"),
    "console:customer": _one(uuid=customer),
    "console:view_as": _one(uuid=customer),
    "console:customer_permissions": _one(uuid=customer),
    "console:lock_customer": _one(uuid=customer),
    "console:unlock_customer": _one(uuid=customer),
    "console:reset_customer_factor": _one(uuid=customer),
    "console:staff_role": _one(uuid=colleague),
    "console:lock_staff": _one(uuid=colleague),
    "console:unlock_staff": _one(uuid=colleague),
    "console:reset_staff_factor": _one(uuid=colleague),
}
