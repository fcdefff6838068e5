"""What every page of a master in the console shows around its tab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import Http404
from django.urls import reverse

from apps.accounts.roles import Permission
from apps.accounts.selectors import may
from apps.analytics.selectors import open_alarms_of
from apps.console.access import StaffRequest
from apps.copytrading.errors import MasterNotFound
from apps.copytrading.master_lists import master_with_owner
from apps.copytrading.selectors import gates_of
from apps.platforms.registry import CATALOGUE as PLATFORMS

if TYPE_CHECKING:
    from apps.copytrading.models import CopyMaster

#: The tabs in order: their key, their label and the view behind them.
TABS = (
    ("overview", "Overview", "console:master"),
    ("followers", "Followers", "console:master_followers"),
    ("trades", "Trades", "console:master_trades"),
    ("outcomes", "Outcomes", "console:master_outcomes"),
    ("audit", "Audit", "console:master_audit"),
)
#: What staff may do with a master in a status: the action, and the status it leads to.
ACTIONS = {
    "active": (("pause", "paused"), ("deactivate", "inactive")),
    "paused": (("activate", "active"), ("deactivate", "inactive")),
    "inactive": (("activate", "active"),),
    "pending": (("approve", "active"), ("reject", "rejected")),
    "rejected": (("activate", "active"),),
}


@dataclass(frozen=True, slots=True)
class Tab:
    """A page of a master."""

    key: str
    label: str
    url: str


def master_or_404(uuid: UUID) -> CopyMaster:
    """A master that was not deleted, with its account, group and owner; one query."""
    try:
        return master_with_owner(uuid)
    except MasterNotFound as missing:
        raise Http404(str(missing)) from None


def frame(request: StaffRequest, uuid: UUID, current: str) -> dict[str, Any]:
    """The context of console/masters/base.html, for the tab with the key ``current``.

    ``master`` is the CopyMaster with its account, ``gates`` the rules that it is beyond and
    ``alarms`` what is unusual about it now, ``actions`` what this member of staff may do with it
    as it stands. Three queries.
    """
    master = master_or_404(uuid)
    tabs = [Tab(key, label, reverse(view, args=[uuid])) for key, label, view in TABS]
    acts = may(request.user, Permission.INTERVENE)
    platform = PLATFORMS.get(master.account.platform)
    return {
        "master": master,
        "platform": platform.name if platform else master.account.platform,
        "tabs": tabs,
        "tab": next(tab for tab in tabs if tab.key == current),
        "gates": gates_of([master.pk]).get(master.pk, []),
        "alarms": open_alarms_of([master.pk]).get(master.pk, []),
        "actions": [action for action, _ in ACTIONS[master.status]] if acts else [],
    }
