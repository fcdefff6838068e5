"""What planning needs to know, in few queries: two for all subscriptions of a master."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import chain, repeat
from typing import Any, NamedTuple

from apps.accounts.selectors import ProductSettings, product_config
from apps.common.database import Query, ask_together, ids_array
from apps.common.roundtrip import Rows
from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.link import Link, LinkState, taken_away
from apps.copytrading.domain.pending import Pending
from apps.copytrading.domain.rows import Decided, Row
from apps.copytrading.domain.volume import Funds
from apps.copytrading.services import sql
from apps.copytrading.services.remembered import Kept, kept_of
from apps.copytrading.services.standing import standing
from apps.trading.orders import Side
from apps.trading.quantity import ZERO

_MASTER = """
    SELECT m.id, m.status, m.enabled, a.connection_id, a.currency, st.equity, st.balance,
           round(extract(epoch FROM %s - CASE WHEN st.synced THEN greatest(st.as_of, cs.live_at)
                                              ELSE st.as_of END), 3)::float8,
           coalesce(cs.clock_offset_ms, 0),
           ARRAY(SELECT scope || ':' || key FROM execution_gate
                 WHERE scope IN ('global', 'platform', 'account'))
    FROM copytrading_copymaster m
    JOIN platforms_tradingaccount a ON a.id = m.account_id
    LEFT JOIN platforms_accountstate st ON st.account_id = a.id
    LEFT JOIN platforms_connectionstate cs ON cs.connection_id = a.connection_id
    WHERE m.account_id = %s
"""

_LINKS_WHERE = """
    t.master_account_id = %(account)s AND t.subscription_id {which}
    AND (t.state IN ('open', 'gone') OR t.state = 'detached' AND t.master_units > 0)
"""
# An index finds those of one position, whatever PostgreSQL may think of how many there are.
_OF_ONE = f"""
    (SELECT * FROM copytrading_tradelink t WHERE t.position_key = %(key)s AND {_LINKS_WHERE}) AS l
"""
# Each position by itself, behind OFFSET 0: otherwise all links that the master has ever had may
# be looked through for the few of these.
_OF_SOME = f"""
    unnest(%(keys)s::text[]) AS k (key) CROSS JOIN LATERAL (
        SELECT * FROM copytrading_tradelink t
        WHERE t.position_key = k.key AND {_LINKS_WHERE} OFFSET 0) AS l
"""
# What moves of a subscription, and the versions of what does not; see :mod:`.remembered`.
_ROWS = """
    SELECT s.id, s.row_version, f.row_version, a.row_version, s.result, st.equity, st.balance,
           round(extract(epoch FROM %(now)s - CASE WHEN st.synced
                 THEN greatest(st.as_of, cs.live_at) ELSE st.as_of END), 3)::float8,
           coalesce(st.margin_used, 0)
    FROM copytrading_copysubscription s
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    JOIN platforms_tradingaccount a ON a.id = f.account_id
    LEFT JOIN platforms_accountstate st ON st.account_id = a.id
    LEFT JOIN platforms_connectionstate cs ON cs.connection_id = a.connection_id
    WHERE {whose} AND s.id {which}
      AND (s.archived_at IS NULL OR s.id IN (SELECT l.subscription_id FROM {links}))
    ORDER BY s.id
"""
_LINK = """
    SELECT l.subscription_id, l.id, l.position_key, l.side, l.symbol, l.instrument_id, l.ratio,
           l.grows, l.master_units, l.target_units, l.held_units, l.stop_loss, l.take_profit,
           l.master_price, l.position_id, p.stop_loss, p.take_profit, l.in_flight,
           l.close_cause, l.opened_event_id, l.last_event_id, l.state, p.units, p.closed_at
    FROM {links}
    LEFT JOIN execution_position p ON p.account_id = l.account_id
        AND p.position_id = l.position_id AND l.position_id <> ''
"""
_OF_PAGE = """BETWEEN %(after)s + 1 AND coalesce((
        SELECT n.id FROM copytrading_copysubscription n
        WHERE n.master_id = %(master)s AND n.archived_at IS NULL AND n.id > %(after)s
        ORDER BY n.id OFFSET %(size)s - 1 LIMIT 1), 9223372036854775807)"""


class _Statements(NamedTuple):
    """For the subscriptions, and for their links of one or of several positions."""

    rows: str
    links: str

    @classmethod
    def of(cls, whose: str, which: str, links: str) -> _Statements:
        links = links.format(which=which)
        return cls(_ROWS.format(whose=whose, which=which, links=links), _LINK.format(links=links))


_BY_PAGE = {
    one: _Statements.of("s.master_id = %(master)s", _OF_PAGE, links)
    for one, links in ((True, _OF_ONE), (False, _OF_SOME))
}
_BY_IDS = _Statements.of("true", "= ANY(%(ids)s)", _OF_SOME)

#: So many subscriptions are loaded, planned and sent before those after the next are even read:
#: fewer at first, so that sending begins early, yet no fewer than many masters have altogether.
FIRST_PAGE, SECOND_PAGE, PAGE = 128, 128, 250


@dataclass(frozen=True, slots=True)
class Master:
    """The master of an account; ``hold`` says why nothing new is opened on its behalf."""

    master_id: int
    account_id: int
    connection_id: int
    clock_offset_ms: int
    funds: Funds
    hold: Code | None
    settings: ProductSettings
    gates: frozenset[str] = frozenset()  # of kill switches: 'platform:ctrader', 'account:7'


def load_master(account_id: int, now: datetime) -> Master | None:
    """The master on an account, None where there is none."""
    return master_query(account_id, now).ask()


def master_query(account_id: int, now: datetime) -> Query[Master | None]:
    """Asks for :func:`load_master`."""
    return Query(_MASTER, [now, account_id], lambda found: _master(account_id, found))


def _master(account_id: int, found: Rows) -> Master | None:
    if not found:
        return None
    pk, status, enabled, connection_id, currency, equity, balance, age_s, offset, shut = found[0]
    gates = frozenset(shut)
    settings = product_config()
    hold = None
    if not settings.copy_trading_enabled:
        hold = Code.MODULE_DISABLED
    elif "global:" in gates:
        hold = Code.KILL_SWITCH
    elif status != "active" or not enabled:
        hold = Code.MASTER_PAUSED
    funds = _funds(currency, equity, balance, age_s)
    return Master(pk, account_id, connection_id, offset, funds, hold, settings, gates)


class Pages:
    """All subscriptions of a master with the links of these positions: a small page, then more.

    A page is asked for by two questions, which may be asked together with others; what they
    find is made into rows by :meth:`rows`.
    """

    def __init__(
        self,
        master: Master,
        position_keys: Sequence[str],
        now: datetime,
        decided: Mapping[int, Mapping[str, Decided]] | None = None,
    ) -> None:
        self._master = master
        keys = list(position_keys)
        self._statements = _BY_PAGE[len(keys) == 1]
        self._values: dict[str, Any] = {"key": keys[0]} if len(keys) == 1 else {"keys": keys}
        self._values |= {"now": now, "master": master.master_id, "account": master.account_id}
        self._decided = _NOTHING_DECIDED if decided is None else decided
        self._size = FIRST_PAGE
        self._sizes = chain([SECOND_PAGE], repeat(PAGE))

    def first(self) -> Asked:
        """Asks for the first page."""
        return self._asked(after=0)

    def following(self, found: Rows) -> Asked | None:
        """Asks for the page after one of which this was found; None where it is the last."""
        if len(found) < self._size:  # archived ones may make a page longer, never shorter
            return None
        self._size = next(self._sizes)
        return self._asked(after=found[-1][0])

    def rows(self, found: Rows, links: Rows) -> list[Row]:
        """The rows of a page."""
        return _rows(found, links, self._master, self._decided)

    def all(self) -> Iterator[list[Row]]:
        """The pages one after the other, as they stand."""
        asked: Asked | None = self.first()
        while asked is not None:
            found, links = ask_together(*asked)
            if page := self.rows(found, links):
                yield standing(page)
            asked = self.following(found)

    def _asked(self, *, after: int) -> Asked:
        values = self._values | {"after": after, "size": self._size}
        return (
            Query(self._statements.rows, values, lambda found: found),
            Query(self._statements.links, values, lambda found: found),
        )


Asked = tuple[Query[Rows], Query[Rows]]


def load_rows(
    master: Master, position_keys: Sequence[str], now: datetime, subscription_ids: Sequence[int]
) -> list[Row]:
    """These subscriptions with the links of these positions."""
    values: dict[str, Any] = {"account": master.account_id, "keys": list(position_keys)}
    values |= {"now": now, "ids": ids_array(subscription_ids)}
    found = sql.binary_rows(_BY_IDS.rows, values)
    links = sql.binary_rows(_BY_IDS.links, values)
    return standing(_rows(found, links, master, _NOTHING_DECIDED))


def _rows(
    found: Rows, links: Rows, master: Master, decided: Mapping[int, Mapping[str, Decided]]
) -> list[Row]:
    kept = kept_of([(v[0], v[1:4]) for v in found], master.settings)
    plain = master.hold is None and not master.gates
    rows: list[Row] = []
    for pk, _, _, _, result, equity, balance, age_s, margin_used in found:
        of = kept[pk]
        hold = of.hold if plain else _hold(master, of)
        funds = _funds(of.currency, equity, balance, age_s)
        rows.append(
            Row._make((
                *of.head, hold, *of.body, funds, result, {}, decided.get(pk, _NOTHING), of.rules,
                margin_used, of.leverage, 0, of.revision, of.has_pairs, _NO_PENDING, _NO_TAKING,
            ))
        )  # fmt: skip
    if links:
        _attach(rows, links)
    return rows


def _attach(rows: Sequence[Row], links: Rows) -> None:
    of = {row.subscription_id: row.links for row in rows}
    for v in links:
        mine = of.get(v[0])
        if mine is not None:
            assert isinstance(mine, dict)
            mine[v[2]] = _link(v[1:])


def _hold(master: Master, of: Kept) -> Code | None:
    if master.hold is not None:
        return master.hold
    if of.hold in _STANDS_STILL:
        return of.hold
    gates = master.gates
    if f"platform:{of.platform}" in gates or f"account:{of.head[2]}" in gates:
        return Code.KILL_SWITCH
    return of.hold


_STANDS_STILL = frozenset({Code.STOPPED, Code.PAUSED})
_NOTHING: Mapping[str, Decided] = {}
_NO_PENDING: Mapping[str, Pending] = {}
_NO_TAKING: Mapping[str, Side] = {}
_NOTHING_DECIDED: Mapping[int, Mapping[str, Decided]] = {}


def _funds(
    currency: str, equity: Decimal | None, balance: Decimal | None, age_s: float | None
) -> Funds:
    if equity is None or balance is None or age_s is None:
        return Funds(currency, ZERO, ZERO, None)
    return Funds(currency, equity, balance, age_s)


def _link(v: tuple[Any, ...]) -> Link:
    link = Link(
        v[0], v[1], _SIDES[v[2]], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11],
        v[12], v[13], v[14], v[15], v[16], v[17], v[18], v[19], _STATES[v[20]],
    )  # fmt: skip
    units, closed_at = v[21], v[22]
    if units is not None and not link.in_flight and link.held > 0:
        # Somebody else may have closed the position, or a part of it, on the platform.
        return taken_away(link, ZERO if closed_at is not None else units)
    return link


_SIDES = {side.value: side for side in Side}
_STATES = {state.value: state for state in LinkState}
