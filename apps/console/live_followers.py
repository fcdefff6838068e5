"""What the console's live lists of followers show."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.roles import Permission
from apps.accounts.selectors import may, product_config
from apps.analytics.follower_list import FollowerPage, follower_page, risk_counts, risk_counts_of
from apps.analytics.follower_query import Level
from apps.common.live_pages import LivePage, Params, Section, master_group, section
from apps.console.follower_forms import FollowersFilter
from apps.console.live import by_permissions, may_look
from apps.copytrading.errors import MasterNotFound
from apps.copytrading.interventions import Action
from apps.copytrading.selectors import master_by_uuid

_ROWS = "console/followers/rows.html#"


@dataclass(frozen=True, slots=True)
class Risk:
    """Accounts at each level, and from how many percent of equity as margin each begins; 0: that
    level is switched off. ``copies`` are the running copies of both levels."""

    critical: int
    warning: int
    copies: int
    critical_from: Decimal
    warning_from: Decimal


def risk_of(master_id: int | None) -> Risk:
    """How many follow while they use much of their equity: one master, or any of all."""
    counts = risk_counts() if master_id is None else risk_counts_of(master_id)
    config = product_config()
    return Risk(*counts, config.margin_critical, config.margin_warning)


def default_level(params: Params) -> Level:
    """What is listed without a choice: all of one master's followers, else those at risk."""
    return Level.ALL if params.get("uuid") else Level.AT_RISK


def addresses(uuid: str, query: str) -> dict[str, str]:
    """Where followers are paused, resumed and stopped; ``more`` comes behind what names them."""
    view, arguments = ("master_followers", [uuid]) if uuid else ("followers", [])
    found = {
        action.value: reverse(f"console:change_{view}", args=[*arguments, action.value])
        for action in Action
    }
    return {**found, "more": f"&{query}" if query else ""}


def follower_sections(
    user: User, params: Params, risk: Risk, page: FollowerPage, form: FollowersFilter
) -> Iterable[Section]:
    """What is live about a list: counts by level, and the rows of the page."""
    yield section("followers-risk", f"{_ROWS}risk", [risk], key=lambda _: "all", tag="div")
    uuid = params.get("uuid", "")
    yield section(
        "followers",
        f"{_ROWS}follower",
        page.rows,
        key=lambda row: row.id,
        empty=f"{_ROWS}none",
        uuid=uuid,
        at_risk=form.level_chosen is not Level.ALL,
        narrowed=form.narrowed,
        may_act=may(user, Permission.INTERVENE),
        **addresses(uuid, form.query()),
    )


def _sections(user: User, params: Params) -> Iterable[Section]:
    filters = {name: value for name, value in params.items() if name != "uuid"}
    uuid = params.get("uuid")
    master_id = master_by_uuid(uuid).pk if uuid else None
    chosen = [(filters["master"], "")] if "master" in filters else []
    form = FollowersFilter(filters, level=default_level(params), masters=None if uuid else chosen)
    page = follower_page(form.wanted(master_id), timezone.now())
    return follower_sections(user, params, risk_of(master_id), page, form)


def _may_see(user: User, params: Params) -> bool:
    if not (may_look(user, params) and product_config().copy_trading_enabled):
        return False
    try:
        if uuid := params.get("uuid"):
            master_by_uuid(uuid)
    except (MasterNotFound, ValidationError):
        return False
    return True


def _groups(user: User, params: Params) -> Iterable[str]:
    """A master's list hears of its copies; the one of all looks every few seconds, since events
    of all masters would have it look all the time."""
    if uuid := params.get("uuid"):
        yield master_group(master_by_uuid(uuid).account_id)


FOLLOWERS = LivePage(
    "followers", _may_see, _groups, _sections, refresh_s=3.0, audience=by_permissions
)
