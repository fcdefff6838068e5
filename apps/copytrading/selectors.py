"""Reading masters, copies, copied positions and outcomes; a constant number of queries each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from apps.accounts.models import User
from apps.accounts.selectors import product_config
from apps.copytrading.codes import CODE_CHOICES, STATE_CHOICES
from apps.copytrading.domain.explain import price
from apps.copytrading.errors import FollowerNotFound, MasterNotFound, NotFound
from apps.copytrading.ledger import outcomes_of
from apps.copytrading.models import CopyFollower, CopyMaster, CopySubscription
from apps.copytrading.rows import (
    LatencyFigures,
    LiveEvent,
    MasterRow,
    OpenCopy,
    OutcomePage,
    OutcomeRow,
    Quantiles,
    SubscriptionRow,
)
from apps.copytrading.services import sql
from apps.copytrading.services.events import master_event
from apps.execution.selectors import JournaledEvent, events_by_id

__all__ = [
    "CODE_CHOICES",
    "STATE_CHOICES",
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
    "latency",
    "live_feed",
    "master_accounts_of",
    "master_by_uuid",
    "master_for",
    "master_row",
    "masters",
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


_MASTERS = """
    SELECT m.id, m.uuid, m.strategy_name, m.description, m.status, m.status_reason, m.enabled,
           m.visibility, m.account_id, a.uuid, a.login, a.currency, g.mode, a.connection_id,
           a.owner_id, st.equity,
           (SELECT count(*) FROM copytrading_copysubscription s
            WHERE s.master_id = m.id AND s.archived_at IS NULL AND s.status <> 'disabled'),
           (SELECT count(*) FROM copytrading_tradelink l
            WHERE l.master_account_id = m.account_id AND l.state = 'open' AND l.held_units > 0),
           m.created_at, m.min_investment, m.max_followers, m.allowed_follower_modes
    FROM copytrading_copymaster m
    JOIN platforms_tradingaccount a ON a.id = m.account_id
    JOIN platforms_accountgroup g ON g.id = a.group_id
    LEFT JOIN platforms_accountstate st ON st.account_id = a.id
    WHERE m.archived_at IS NULL {which}
    ORDER BY m.strategy_name, m.id
"""


def masters(
    *, name: str = "", after: tuple[str, int] | None = None, limit: int = 100
) -> list[MasterRow]:
    """Masters by name, for staff; ``after`` the name and id of the last one of the page before.

    ``name`` is looked for in names of strategies and in logins.
    """
    which = ""
    values: list[object] = []
    if name:
        which += " AND (m.strategy_name ILIKE %s OR a.login = %s)"
        values += [f"%{_literally(name)}%", name]
    if after is not None:
        which += " AND (m.strategy_name, m.id) > (%s, %s)"
        values += list(after)
    found = sql.rows(f"{_MASTERS.format(which=which)} LIMIT %s", [*values, limit])
    return [MasterRow(*row) for row in found]


def _literally(text: str) -> str:
    """Text for LIKE, in which nothing stands for anything else."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


def master_row(master_id: int) -> MasterRow:
    """One master as lists show it; MasterNotFound."""
    found = sql.rows(_MASTERS.format(which="AND m.id = %s"), [master_id])
    if not found:
        raise MasterNotFound("There is no such master.")
    return MasterRow(*found[0])


class MasterChoice(NamedTuple):
    """A master to choose from a list."""

    account_id: int
    uuid: UUID
    label: str


#: A list of masters to choose from holds those of so many latest events, and so many at most.
_LATEST_EVENTS, _CHOICES = 5_000, 200
_TO_CHOOSE = """
    SELECT m.account_id, m.uuid, m.strategy_name FROM copytrading_copymaster m
    WHERE m.archived_at IS NULL AND (m.uuid::text = %(chosen)s OR m.id = ANY(ARRAY(
        SELECT id FROM copytrading_copymaster WHERE archived_at IS NULL ORDER BY id LIMIT %(few)s))
        OR m.account_id = ANY(ARRAY(
            SELECT account_id FROM (
                SELECT account_id, max(id) AS newest FROM (
                    SELECT account_id, id FROM execution_accountevent ORDER BY id DESC
                    LIMIT %(events)s) latest
                GROUP BY account_id) active
            ORDER BY newest DESC LIMIT %(most)s)))
    ORDER BY m.strategy_name, m.id
"""


def masters_to_choose(chosen: str = "") -> list[MasterChoice]:
    """Masters that traded lately, the first ones, and the ``chosen`` one by its uuid."""
    values = {
        "chosen": chosen,
        "few": _CHOICES // 2,
        "events": _LATEST_EVENTS,
        "most": _CHOICES // 2,
    }
    return [MasterChoice(*row) for row in sql.rows(_TO_CHOOSE, values)]


_FOLLOWABLE = (
    "AND m.status IN ('active', 'paused') AND (m.visibility = 'public' OR a.owner_id = %s)"
)


def masters_for(user: User) -> list[MasterRow]:
    """Masters that a customer may follow: public active or paused ones, and the customer's own."""
    return [MasterRow(*row) for row in sql.rows(_MASTERS.format(which=_FOLLOWABLE), [user.pk])]


def master_for(user: User, uuid: UUID) -> MasterRow | None:
    """A master that a customer may follow; None for any other, also for one that there is not."""
    which = f"{_FOLLOWABLE} AND m.uuid = %s"
    found = sql.rows(_MASTERS.format(which=which), [user.pk, uuid])
    return MasterRow(*found[0]) if found else None


def search_masters(user: User, words: str, limit: int = 20) -> list[MasterRow]:
    """Masters that a customer may follow and whose name has these words in it, by name."""
    like = "%" + re.sub(r"([\\%_])", r"\\\1", words.strip()) + "%"
    statement = _MASTERS.format(which=f"{_FOLLOWABLE} AND m.strategy_name ILIKE %s") + " LIMIT %s"
    return [MasterRow(*row) for row in sql.rows(statement, [user.pk, like, limit])]


def masters_of(user: User) -> list[MasterRow]:
    """A customer's own masters, whatever their status."""
    found = sql.rows(_MASTERS.format(which="AND a.owner_id = %s"), [user.pk])
    return [MasterRow(*row) for row in found]


def accounts_of_masters(*, archived: bool = False) -> list[int]:
    """Accounts of all masters, whatever their status, in the order in which they became masters.

    With ``archived`` also of those that were deleted.
    """
    found = CopyMaster.objects.order_by("id")
    if not archived:
        found = found.filter(archived_at=None)
    return list(found.values_list("account_id", flat=True))


def owns_master(user: User) -> bool:
    """Whether any account of a customer is a master."""
    return CopyMaster.objects.filter(account__owner=user, archived_at=None).exists()


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
    found = sql.rows(_SUBSCRIPTIONS.format(which=which), values)
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
    found = sql.rows(
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
    return [OpenCopy(*row) for row in sql.rows(_COPIES.format(which=which), [*values, limit])]


_LIVE = """
    WITH e AS (
        SELECT e.id, e.account_id, e.received_at
        FROM execution_accountevent e
        JOIN copytrading_copymaster m ON m.account_id = e.account_id
        WHERE {which}
        ORDER BY e.id DESC LIMIT %s)
    SELECT e.id, m.uuid, m.strategy_name, coalesce(y.digits, 5), coalesce(y.lot_units, 1),
           coalesce(o.counts, '{{}}')::text, o.planned, o.sent, o.filled,
           (SELECT count(*) FROM copytrading_waitingevent w WHERE w.event_id = e.id)
           + (SELECT count(DISTINCT d.subscription_id) FROM copytrading_decision d
              WHERE d.event_id = e.id AND NOT EXISTS (
                  SELECT 1 FROM copytrading_outcome x
                  WHERE x.event_id = d.event_id AND x.subscription_id = d.subscription_id))
    FROM e
    JOIN execution_accountevent j ON j.id = e.id
    JOIN copytrading_copymaster m ON m.account_id = e.account_id
    LEFT JOIN platforms_symbol y ON y.connection_id = j.connection_id
         AND y.instrument_id = j.payload ->> 'instrument_id'
    LEFT JOIN LATERAL (
        SELECT jsonb_object_agg(state, n) AS counts, max(planned) AS planned,
               max(sent) AS sent, max(filled) AS filled
        FROM (SELECT state, count(*) AS n, max(planned_at) AS planned, max(sent_at) AS sent,
                     max(filled_at) AS filled
              FROM copytrading_outcome WHERE event_id = e.id GROUP BY state) t
    ) o ON true
    ORDER BY e.id DESC
"""


def live_feed(
    *, limit: int = 50, master_account_id: int | None = None, cursor: int | None = None
) -> list[LiveEvent]:
    """Recent events of all masters (or one), newest first, with what became of them."""
    which, values = _which({"e.account_id": master_account_id}, everything=True)
    if cursor is not None:
        which += " AND e.id < %s"
        values.append(cursor)
    found = sql.rows(_LIVE.format(which=which), [*values, limit])
    journaled = events_by_id([row[0] for row in found])
    return [_live_event(row, journaled) for row in found if row[0] in journaled]


def _live_event(v: tuple[Any, ...], journaled: Mapping[int, JournaledEvent]) -> LiveEvent:
    source = journaled[v[0]]
    event = master_event(source, 0)

    def since(at: Any) -> float | None:
        return None if at is None else (at - event.received_at).total_seconds() * 1000

    units = event.units or event.units_after
    return LiveEvent(
        event_id=v[0],
        master_account_id=source.account_id,
        master_uuid=v[1],
        strategy_name=v[2],
        kind=event.kind.value,
        symbol=event.symbol,
        digits=v[3],
        side=event.order_side.value,
        lots=units / v[4],
        price=event.price,
        master_deal_at=event.ts_event,
        received_at=event.received_at,
        counts=json.loads(v[5]),
        moving=v[9],
        to_planned_ms=since(v[6]),
        to_sent_ms=since(v[7]),
        to_filled_ms=since(v[8]),
    )


_LATENCY = """
    SELECT planned_at, sent_at, accepted_at, filled_at, received_at FROM copytrading_outcome
    WHERE sent_at IS NOT NULL {which}
    ORDER BY event_id DESC, subscription_id DESC LIMIT %s
"""


def latency(*, limit: int = 1000, master_account_id: int | None = None) -> LatencyFigures:
    """Quantiles over the orders that were sent last."""
    which = "AND master_account_id = %s" if master_account_id is not None else ""
    values = [master_account_id] if master_account_id is not None else []
    found = sql.rows(_LATENCY.format(which=which), [*values, limit])
    hops = [
        sorted((row[hop] - row[4]).total_seconds() * 1000 for row in found if row[hop] is not None)
        for hop in range(4)
    ]
    return LatencyFigures(len(found), *(_quantiles(values) for values in hops))


def _quantiles(ordered: Sequence[float]) -> Quantiles:
    if not ordered:
        return Quantiles(None, None, None)
    last = len(ordered) - 1
    return Quantiles(*(round(ordered[min(last, int(q * len(ordered)))], 1) for q in _QUANTILES))


_QUANTILES = (0.5, 0.95, 0.99)


def master_accounts_of(user: User) -> list[int]:
    """Accounts of the masters that a customer follows or owns: what their live pages hear of."""
    found = sql.rows(
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


def _which(filters: dict[str, Any], *, everything: bool = False) -> tuple[str, list[Any]]:
    """Conditions for what is given; without any nothing is selected, unless allowed."""
    given = {column: value for column, value in filters.items() if value is not None}
    if not given:
        return ("TRUE" if everything else "FALSE"), []
    return " AND ".join(f"{column} = %s" for column in given), list(given.values())


def followed_masters(user: User) -> frozenset[int]:
    """Ids of the masters that any account of a customer copies now, paused copies among them."""
    found = sql.rows(
        "SELECT s.master_id FROM platforms_tradingaccount a "
        "JOIN copytrading_copyfollower f ON f.account_id = a.id "
        "JOIN copytrading_copysubscription s ON s.follower_id = f.id "
        "WHERE a.owner_id = %s AND s.archived_at IS NULL AND s.status <> 'disabled'",
        [user.pk],
    )
    return frozenset(row[0] for row in found)
