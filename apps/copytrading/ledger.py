"""Reading the ledger: outcomes by page and filter, newest event first.

Every way in has an index in the order of events: one copy's outcomes, one master's, all of them,
and the rare states among all. A filter for which there is none is answered from a bounded number
of rows; the page then says how far back it has looked and where to go on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from apps.accounts.models import User
from apps.copytrading.models.ledger import TROUBLED
from apps.copytrading.rows import OutcomePage, OutcomeRow
from apps.copytrading.services import sql

#: So many rows are looked through for one page where no index answers the filter.
LOOKED_THROUGH = 20_000
#: So many of them first: what is looked for is mostly there, and the rest need not be read.
_AT_HAND = 1_000
#: Clocks of gateways may differ by a little, so ids are not exactly in the order of time.
_CLOCKS = timedelta(minutes=5)

_COLUMNS = """
    o.id, o.event_id, o.subscription_id, s.uuid, m.strategy_name, a.name, a.login,
    a.currency, o.link_id, o.event_kind, o.symbol, o.state, o.code, o.message, o.side,
    o.units, o.filled_units, o.lot_units, o.master_price, o.fill_price, o.slippage,
    o.slippage_money, o.numbers::text, o.trace_id, o.client_order_id, o.master_deal_at,
    o.received_at, o.planned_at, o.sent_at, o.accepted_at, o.filled_at, o.final_at,
    o.position_key, a.uuid, m.uuid
"""

_NAMED = """
    JOIN copytrading_copysubscription s ON s.id = o.subscription_id
    JOIN copytrading_copymaster m ON m.id = s.master_id
    JOIN platforms_tradingaccount a ON a.id = o.account_id
"""

_COPIES = """
    SELECT s.id FROM copytrading_copysubscription s
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    JOIN platforms_tradingaccount a ON a.id = f.account_id WHERE {which}
"""

_NEWEST_FIRST = "ORDER BY event_id DESC, subscription_id DESC"

# The first event that was received at a time or later: ids ascend with time, so it is found by
# halving the distance, a few dozen steps over any number of events.
_EVENT_AT = """
    WITH RECURSIVE search (low, high) AS (
        SELECT coalesce(min(id), 0), coalesce(max(id), 0) + 1 FROM execution_accountevent
        UNION ALL
        SELECT CASE WHEN e.received_at < %(at)s THEN e.id + 1 ELSE s.low END,
               CASE WHEN e.received_at < %(at)s THEN s.high ELSE (s.low + s.high) / 2 END
        FROM search s CROSS JOIN LATERAL (
            SELECT id, received_at FROM execution_accountevent
            WHERE id >= (s.low + s.high) / 2 ORDER BY id LIMIT 1) e
        WHERE s.low < s.high)
    SELECT max(low) FROM search
"""


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for. Whose outcomes: a customer's, a copy's, of accounts, a master's (by its
    account), or everybody's; and what of them, '' and None not minding. ``text`` is looked for
    in messages, symbols, trace ids, order ids and positions; times are of receipt."""

    user_id: int | None = None
    subscription_id: int | None = None
    account_ids: tuple[int, ...] | None = None
    master_account_id: int | None = None
    event_id: int | None = None
    outcome_id: int | None = None
    outcome_ids: tuple[int, ...] | None = None
    state: str = ""
    code: str = ""
    symbol: str = ""
    kind: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None


class _Scope(NamedTuple):
    """Where rows ``x`` come from: all in one index, or the copies of which each has its own."""

    copies: str
    which: list[str]
    values: dict[str, Any]


def search(wanted: Search, *, cursor: str | None = None, limit: int = 50) -> OutcomePage:
    """A page of outcomes; ``cursor`` of the page before asks for older ones.

    ``looked_back_to`` is set where the search was ended before the page was full.
    """
    scope = _scope(wanted, _parsed(cursor))
    which, values = _filters(wanted)
    if not which or wanted.state in TROUBLED:
        floor, found = None, _rows(scope, which, {**scope.values, **values, "limit": limit + 1})
    else:
        for depth in (_AT_HAND, LOOKED_THROUGH):
            floor = _floor(scope, depth)
            found = _down_to(floor, scope, which, {**scope.values, **values, "limit": limit + 1})
            if floor is None or len(found) > limit:
                break
    rows = found[:limit]
    if len(found) > limit:
        return OutcomePage(rows, f"{rows[-1].event_id}-{rows[-1].subscription_id}")
    if floor is not None:
        return OutcomePage(rows, f"{floor}-0", looked_back_to=_received(floor))
    return OutcomePage(rows, None)


def outcomes_of(
    *,
    user: User | None = None,
    subscription_id: int | None = None,
    master_account_id: int | None = None,
    event_id: int | None = None,
    state: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> OutcomePage:
    """Outcomes of a customer, a copy, a master or an event, newest first; one query."""
    wanted = Search(
        user_id=user.pk if user else None,
        subscription_id=subscription_id,
        master_account_id=master_account_id,
        event_id=event_id,
        state=state or "",
    )
    return search(wanted, cursor=cursor, limit=limit)


def _parsed(cursor: str | None) -> tuple[int, int] | None:
    """Event and subscription of the last row of the page before; None for nonsense."""
    event_id, _, subscription_id = (cursor or "").partition("-")
    if not all(part.isdecimal() and len(part) < 19 for part in (event_id, subscription_id)):
        return None
    return int(event_id), int(subscription_id)


def _scope(wanted: Search, after: tuple[int, int] | None) -> _Scope:
    values: dict[str, Any] = {}
    owned = {
        "s.id = %(copy)s": ("copy", wanted.subscription_id),
        "a.owner_id = %(user)s": ("user", wanted.user_id),
        "f.account_id = ANY(%(accounts)s)": ("accounts", _list(wanted.account_ids)),
    }
    copies = [text for text, (name, value) in owned.items() if value is not None]
    values.update({name: value for name, value in owned.values() if value is not None})
    which = []
    plain = {"master_account_id": "master", "event_id": "event", "outcome_id": "outcome"}
    columns = {"outcome_id": "id"}
    for field, name in plain.items():
        if getattr(wanted, field) is not None:
            which.append(f"x.{columns.get(field, field)} = %({name})s")
            values[name] = getattr(wanted, field)
    if wanted.outcome_ids is not None:
        which.append("x.id = ANY(%(outcomes)s)")
        values["outcomes"] = _list(wanted.outcome_ids)
    if after is not None:
        which.append("x.event_id <= %(after)s")
        which.append("(x.event_id, x.subscription_id) < (%(after)s, %(after_copy)s)")
        values["after"], values["after_copy"] = after
    for bound, sign, at in (("since", ">=", wanted.since), ("until", "<", wanted.until)):
        if at is not None:
            slack = -_CLOCKS if bound == "since" else _CLOCKS
            which.append(f"x.event_id {sign} %({bound}_event)s")
            which.append(f"x.received_at {sign} %({bound})s")
            values[bound], values[f"{bound}_event"] = at, _event_at(at + slack)
    return _Scope(_COPIES.format(which=" AND ".join(copies)) if copies else "", which, values)


def _list(ids: tuple[int, ...] | None) -> list[int] | None:
    return None if ids is None else list(ids)


def _event_at(at: datetime) -> int:
    return int(sql.rows(_EVENT_AT, {"at": at})[0][0])


def _filters(wanted: Search) -> tuple[list[str], dict[str, Any]]:
    """Conditions that no index answers."""
    which, values = [], {}
    for column, value in (
        ("state", wanted.state),
        ("code", wanted.code),
        ("event_kind", wanted.kind),
    ):
        if value:
            which.append(f"x.{column} = %({column})s")
            values[column] = value
    if wanted.symbol:
        which.append("upper(x.symbol) = upper(%(symbol)s)")
        values["symbol"] = wanted.symbol
    if wanted.text:
        which.append(
            "concat_ws(' ', x.message, x.symbol, x.trace_id, x.client_order_id, x.position_key) "
            "ILIKE %(text)s"
        )
        escaped = wanted.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values["text"] = f"%{escaped}%"
    return which, values


def _source(scope: _Scope, which: list[str], columns: str, tail: str) -> str:
    """Rows of a scope in the order of events, read from the index of each copy, or of all."""
    if scope.copies:
        inner = " AND ".join(["x.subscription_id = mine.id", *scope.which, *which])
        return (
            f"SELECT each.* FROM ({scope.copies}) mine CROSS JOIN LATERAL ("
            f"SELECT {columns} FROM copytrading_outcome x WHERE {inner} "
            f"ORDER BY x.event_id DESC {tail}) each"
        )
    inner = " AND ".join([*scope.which, *which]) or "TRUE"
    order = "ORDER BY x.event_id DESC, x.subscription_id DESC"
    return f"SELECT {columns} FROM copytrading_outcome x WHERE {inner} {order} {tail}"


def _floor(scope: _Scope, depth: int) -> int | None:
    """The event down to which so many rows reach; None where so many rows there are not."""
    source = _source(scope, [], "x.event_id", f"OFFSET {depth} LIMIT 1")
    found = sql.rows(f"SELECT max(f.event_id) FROM ({source}) f", scope.values)
    return None if found[0][0] is None else int(found[0][0])


def _down_to(
    floor: int | None, scope: _Scope, which: list[str], values: dict[str, Any]
) -> list[OutcomeRow]:
    """Rows of events from this one on."""
    if floor is None:
        return _rows(scope, which, values)
    bounded = scope._replace(which=[*scope.which, "x.event_id >= %(floor)s"])
    return _rows(bounded, which, {**values, "floor": floor})


def _rows(scope: _Scope, which: list[str], values: dict[str, Any]) -> list[OutcomeRow]:
    source = _source(scope, which, "x.*", "LIMIT %(limit)s")
    found = sql.rows(
        f"SELECT {_COLUMNS} FROM (SELECT * FROM ({source}) p {_NEWEST_FIRST} LIMIT %(limit)s) o "
        f"{_NAMED} ORDER BY o.event_id DESC, o.subscription_id DESC",
        values,
    )
    return [outcome_row(row) for row in found]


def outcome_row(v: tuple[Any, ...]) -> OutcomeRow:
    """The row of an outcome as it is read here."""
    values = [*v[:22], json.loads(v[22]), *v[23:]]
    return OutcomeRow(*values)


def _received(event_id: int) -> datetime | None:
    found = sql.rows("SELECT received_at FROM execution_accountevent WHERE id = %s", [event_id])
    return found[0][0] if found else None
