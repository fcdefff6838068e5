"""Reading masters, copies, copied positions and outcomes; a constant number of queries each."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from apps.accounts.models import User
from apps.accounts.selectors import product_config
from apps.common.database import prepared_rows
from apps.copytrading.codes import CODE_CHOICES, STATE_CHOICES
from apps.copytrading.domain.explain import price
from apps.copytrading.errors import FollowerNotFound, MasterNotFound, NotFound
from apps.copytrading.ledger import outcomes_of
from apps.copytrading.live_feed import latency, live_feed
from apps.copytrading.master_gates import GateRow, gate_history, gates_of
from apps.copytrading.master_lists import (
    MasterChoice,
    accounts_of_masters,
    master_for,
    master_row,
    masters_for,
    masters_of,
    masters_to_choose,
    owns_master,
    search_masters,
)
from apps.copytrading.models import CopyFollower, CopyMaster, CopySubscription
from apps.copytrading.rows import (
    LatencyFigures,
    LiveEvent,
    MasterRow,
    OpenCopy,
    OutcomePage,
    OutcomeRow,
    SubscriptionRow,
)
from apps.copytrading.services import sql

__all__ = [
    "CODE_CHOICES",
    "STATE_CHOICES",
    "GateRow",
    "LatencyFigures",
    "LiveEvent",
    "MasterChoice",
    "MasterRow",
    "OpenCopy",
    "OutcomePage",
    "OutcomeRow",
    "SubscriptionRow",
    "accounts_of_masters",
    "copies_to_choose",
    "followed_masters",
    "follower_accounts",
    "follower_of",
    "gate_history",
    "gates_of",
    "latency",
    "live_feed",
    "master_accounts_of",
    "master_by_uuid",
    "master_for",
    "master_row",
    "masters_for",
    "masters_of",
    "masters_to_choose",
    "open_copies",
    "outcomes_of",
    "owns_master",
    "search_masters",
    "subscription_by_uuid",
    "subscriptions_of",
]  # fmt: skip

ZERO = Decimal(0)


def master_by_uuid(uuid: UUID | str) -> CopyMaster:
    """A master with its account; MasterNotFound."""
    rows = CopyMaster.objects.select_related("account").filter(archived_at=None)
    found = rows.filter(uuid=uuid).first()
    if found is None:
        raise MasterNotFound("There is no such master.")
    return found


def subscription_by_uuid(uuid: UUID | str, *, owner: User | None = None) -> CopySubscription:
    """A subscription with master and account; NotFound, also for a stranger's."""
    rows = CopySubscription.objects.select_related("master__account", "follower__account")
    if owner is not None:
        rows = rows.filter(follower__account__owner=owner)
    found = rows.filter(uuid=uuid).first()
    if found is None:
        raise NotFound("There is no such copy.")
    return found


def follower_of(account_id: int) -> CopyFollower:
    """The follower profile of an account; FollowerNotFound where it has none."""
    rows = CopyFollower.objects.select_related("account").filter(archived_at=None)
    found = rows.filter(account_id=account_id).first()
    if found is None:
        raise FollowerNotFound("This account does not follow masters yet.")
    return found


_SUBSCRIPTIONS = """
    SELECT s.id, s.uuid, m.id, m.uuid, m.account_id, m.strategy_name, m.status, m.enabled,
           a.id, a.uuid, a.name, a.login, a.currency, a.owner_id, s.status, s.status_reason,
           s.enabled, f.enabled, s.volume_mode, s.risk_multiplier, s.fixed_volume, s.base_equity,
           s.allocated_capital, s.below_minimum, s.min_volume, s.max_volume, s.copy_sl, s.copy_tp,
           s.max_delay_s, s.result, coalesce(o.floating, 0), coalesce(o.links, 0), s.created_at,
           s.archived_at IS NOT NULL
    FROM copytrading_copysubscription s
    JOIN copytrading_copymaster m ON m.id = s.master_id
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    JOIN platforms_tradingaccount a ON a.id = f.account_id
    LEFT JOIN LATERAL (
        SELECT sum(p.open_result * least(1, l.held_units / nullif(p.units, 0))) AS floating,
               count(*) AS links
        FROM copytrading_tradelink l
        LEFT JOIN execution_position p ON p.account_id = l.account_id
             AND p.position_id = l.position_id AND p.closed_at IS NULL
        WHERE l.subscription_id = s.id AND l.state = 'open' AND l.held_units > 0
    ) o ON true
    WHERE (s.archived_at IS NULL OR o.links > 0) AND {which}
    ORDER BY m.strategy_name, a.login
"""


def subscriptions_of(
    *,
    user: User | None = None,
    master_id: int | None = None,
    subscription_id: int | None = None,
    newest: int | None = None,
) -> list[SubscriptionRow]:
    """Copies of a customer, of a master, or one of them, with results; one query.

    ``newest``: of a master only so many, those that began last.

    A deleted one is among them as long as it holds something.
    """
    which, values = _which(
        {"a.owner_id": user.pk if user else None, "m.id": master_id, "s.id": subscription_id}
    )
    if master_id is not None and newest is not None:
        which += (
            " AND s.id = ANY(ARRAY(SELECT id FROM copytrading_copysubscription WHERE master_id = %s"
            " ORDER BY archived_at IS NOT NULL, id DESC LIMIT %s))"
        )
        values += [master_id, newest]
    found = prepared_rows(_SUBSCRIPTIONS.format(which=which), values)
    on = product_config().copy_trading_enabled
    return [_subscription_row(row, on) for row in found]


def _subscription_row(v: tuple[Any, ...], module_on: bool) -> SubscriptionRow:
    copying = module_on and v[6] == "active" and v[7] and v[14] == "active" and v[16] and v[17]
    sizing = sizing_sentence(*v[18:23], currency=v[12])
    values = [*v[:7], *v[8:17], copying, sizing, *v[18:]]
    return SubscriptionRow(*values)


class CopyChoice(NamedTuple):
    """A copy to choose from a list."""

    id: int
    uuid: UUID
    label: str


def copies_to_choose(user: User) -> list[CopyChoice]:
    """All copies that a customer has or had, those that run first."""
    found = prepared_rows(
        "SELECT s.id, s.uuid, m.strategy_name || ' · ' || coalesce(nullif(a.name, ''), a.login) "
        "|| CASE WHEN s.archived_at IS NULL THEN '' ELSE ' (ended)' END "
        "FROM copytrading_copysubscription s "
        "JOIN copytrading_copymaster m ON m.id = s.master_id "
        "JOIN copytrading_copyfollower f ON f.id = s.follower_id "
        "JOIN platforms_tradingaccount a ON a.id = f.account_id WHERE a.owner_id = %s "
        "ORDER BY s.archived_at IS NOT NULL, m.strategy_name, s.id DESC",
        [user.pk],
    )
    return [CopyChoice(*row) for row in found]


def follower_accounts(login: str) -> tuple[int, ...]:
    """Accounts that follow or followed a master and have this login or name."""
    found = sql.rows(
        "SELECT a.id FROM platforms_tradingaccount a "
        "JOIN copytrading_copyfollower f ON f.account_id = a.id "
        "WHERE a.login = %(said)s OR lower(a.name) = lower(%(said)s)",
        {"said": login.strip()},
    )
    return tuple(row[0] for row in found)


def sizing_sentence(
    mode: str,
    multiplier: Decimal,
    fixed: Decimal,
    base_equity: Decimal | None,
    allocated: Decimal,
    *,
    currency: str,
) -> str:
    """How a copy sizes, in one sentence."""
    times = "" if multiplier == 1 else f" times {price(multiplier)}"
    capital = f"{allocated:,.0f} {currency} of capital" if allocated > 0 else "equity"
    base = f"{price(fixed)} lots" if fixed > 0 else "the master's volume"
    return {
        "fixed": f"{price(fixed)} lots for each position",
        "multiplier": f"The master's volume times {price(multiplier)}",
        "equity_ratio": f"In proportion to {capital}{times}",
        "balance_ratio": f"In proportion to {capital.replace('equity', 'balance')}{times}",
        "equity_based": f"{base} for each {base_equity or ZERO:,.0f} {currency}{times}",
    }[mode]


_COPIES = """
    SELECT l.id, l.subscription_id, s.uuid, m.strategy_name, a.name, a.login, a.currency, l.symbol,
           coalesce(y.digits, 5), l.side, l.held_units / coalesce(y.lot_units, 1),
           l.target_units / coalesce(y.lot_units, 1), coalesce(p.price, g.open_price),
           p.stop_loss, p.take_profit,
           p.open_result * least(1, l.held_units / nullif(p.units, 0)), l.result,
           l.master_units / coalesce(y.lot_units, 1), l.master_price, l.position_id,
           l.in_flight <> '', l.opened_at
    FROM copytrading_tradelink l
    JOIN copytrading_copysubscription s ON s.id = l.subscription_id
    JOIN copytrading_copymaster m ON m.id = s.master_id
    JOIN platforms_tradingaccount a ON a.id = l.account_id
    LEFT JOIN platforms_symbol y ON y.connection_id = a.connection_id
         AND y.instrument_id = l.instrument_id
    LEFT JOIN execution_position p ON p.account_id = l.account_id
         AND p.position_id = l.position_id AND p.closed_at IS NULL
    LEFT JOIN copytrading_linkleg g ON g.link_id = l.id AND g.position_id = l.position_id
    WHERE l.state = 'open' AND (l.held_units > 0 OR l.in_flight <> '') AND {which}
    ORDER BY l.opened_at DESC, l.id DESC
    LIMIT %s
"""


def open_copies(
    *,
    user: User | None = None,
    subscription_id: int | None = None,
    master_account_id: int | None = None,
    link_id: int | None = None,
    limit: int = 500,
) -> list[OpenCopy]:
    """Copied positions that are open or under way, newest first, beside the master's."""
    which, values = _which(
        {
            "l.id": link_id,
            "a.owner_id": user.pk if user else None,
            "l.subscription_id": subscription_id,
            "l.master_account_id": master_account_id,
        }
    )
    return [OpenCopy(*row) for row in prepared_rows(_COPIES.format(which=which), [*values, limit])]


def master_accounts_of(user: User) -> list[int]:
    """Accounts of the masters that a customer follows or owns: what their live pages hear of."""
    found = prepared_rows(
        "SELECT m.account_id FROM copytrading_copymaster m "
        "JOIN platforms_tradingaccount a ON a.id = m.account_id WHERE a.owner_id = %(user)s "
        "UNION SELECT m.account_id FROM copytrading_copysubscription s "
        "JOIN copytrading_copymaster m ON m.id = s.master_id "
        "JOIN copytrading_copyfollower f ON f.id = s.follower_id "
        "JOIN platforms_tradingaccount a ON a.id = f.account_id "
        "WHERE a.owner_id = %(user)s AND s.archived_at IS NULL",
        {"user": user.pk},
    )
    return sorted(row[0] for row in found)


def _which(filters: dict[str, Any]) -> tuple[str, list[Any]]:
    """Conditions for what is given; without any nothing is selected."""
    given = {column: value for column, value in filters.items() if value is not None}
    if not given:
        return "FALSE", []
    return " AND ".join(f"{column} = %s" for column in given), list(given.values())


def followed_masters(user: User) -> frozenset[int]:
    """Ids of the masters that any account of a customer copies now, paused copies among them."""
    found = prepared_rows(
        "SELECT s.master_id FROM platforms_tradingaccount a "
        "JOIN copytrading_copyfollower f ON f.account_id = a.id "
        "JOIN copytrading_copysubscription s ON s.follower_id = f.id "
        "WHERE a.owner_id = %s AND s.archived_at IS NULL AND s.status <> 'disabled'",
        [user.pk],
    )
    return frozenset(row[0] for row in found)
