"""The live list of masters: figures, money, rules and alarms of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.selectors import product_config
from apps.analytics.domain.standing import Figure
from apps.analytics.listing import MasterEntry, MasterPage, all_masters
from apps.analytics.selectors import open_alarms_of
from apps.common.live_pages import STAFF_GROUP, LivePage, Params, Section, section
from apps.console.live import by_permissions, may_look
from apps.console.master_forms import MastersFilter
from apps.platforms.registry import CATALOGUE

_LIST = "console/masters/list.html#"


@dataclass(frozen=True, slots=True)
class ListedMaster:
    """A master of the list: figures over the period that is asked for, and its open alarms."""

    entry: MasterEntry
    returned: Figure
    drawdown: Figure
    alarms: tuple[str, ...]

    @property
    def platform(self) -> str:
        code = self.entry.platform
        return CATALOGUE[code].name if code in CATALOGUE else code

    @property
    def risk(self) -> Figure:
        return self.entry.figure("risk_score")

    @property
    def sharpe(self) -> Figure:
        return self.entry.figure("sharpe")


def listed(form: MastersFilter, entries: Sequence[MasterEntry]) -> list[ListedMaster]:
    """Masters as the list shows them; one query."""
    alarms = open_alarms_of([entry.id for entry in entries])
    period = form.period_chosen
    return [
        ListedMaster(
            entry,
            entry.figure(period.return_figure),
            entry.figure(period.drawdown_figure),
            tuple(alarm.label for alarm in alarms.get(entry.id, ())),
        )
        for entry in entries
    ]


def page_of(form: MastersFilter) -> MasterPage:
    return all_masters(form.wanted(), today=timezone.now().date())


def master_sections(form: MastersFilter, page: MasterPage) -> list[Section]:
    """The rows of a page of the list."""
    rows = listed(form, page.entries)
    return [
        section(
            "masters",
            f"{_LIST}master",
            rows,
            key=lambda row: row.entry.id,
            empty=f"{_LIST}{'none_fits' if form.narrowed else 'none'}",
        )
    ]


def _sections(user: User, params: Params) -> Iterable[Section]:
    form = MastersFilter(params)
    return master_sections(form, page_of(form))


def _may_see(user: User, params: Params) -> bool:
    return may_look(user, params) and product_config().copy_trading_enabled


def _staff(user: User, params: Params) -> Iterable[str]:
    return (STAFF_GROUP,)


MASTERS = LivePage("masters", _may_see, _staff, _sections, refresh_s=5.0, audience=by_permissions)
