"""Keeping the record of what differs between copies and accounts: seen, seen again, gone.

A look never sends anything. It may be repeated at any time and by several workers at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from apps.common.events import publish
from apps.copytrading.domain.drift import Comparison, Difference, DriftKind, compare
from apps.copytrading.services import sql
from apps.copytrading.services.holdings import followers_count, load_holdings, suspects
from apps.copytrading.services.planning import CHANGED
from apps.execution.intents import client_order_id
from apps.execution.selectors import OrderResult, orders_by_client_id
from apps.execution.suspects import suspect
from apps.trading.orders import FINAL_STATES, Leg, OrderState

#: Accounts that are read whole in one look, and accounts among which one look searches.
ACCOUNTS_AT_ONCE = 500
SEARCHED_AT_ONCE = 5000
#: How often a look is taken, in seconds.
EVERY_S = 5

_UPSERT = """
    INSERT INTO copytrading_drift
        (account_id, subscription_id, master_account_id, link_id, kind, key, position_id, symbol,
         instrument_id, side, expected_units, actual_units, lot_units, first_seen_at,
         last_seen_at, resolution, repair_cause, note)
    SELECT x.account_id, x.subscription_id, m.account_id, x.link_id, x.kind, x.key,
           x.position_id, coalesce(y.name, x.instrument_id), x.instrument_id, x.side, x.expected,
           x.actual, coalesce(y.lot_units, 1), %s, %s, '', '', x.note
    FROM json_to_recordset(%s) AS x (
        account_id bigint, subscription_id bigint, link_id bigint, kind text, key text,
        position_id text, instrument_id text, side text, expected numeric, actual numeric,
        note text)
    JOIN platforms_tradingaccount a ON a.id = x.account_id
    LEFT JOIN platforms_symbol y ON y.connection_id = a.connection_id
         AND y.instrument_id = x.instrument_id
    LEFT JOIN copytrading_copysubscription s ON s.id = x.subscription_id
    LEFT JOIN copytrading_copymaster m ON m.id = s.master_id
    ON CONFLICT (account_id, kind, key) WHERE resolved_at IS NULL DO UPDATE
    SET expected_units = excluded.expected_units, actual_units = excluded.actual_units,
        side = excluded.side, last_seen_at = excluded.last_seen_at,
        note = CASE WHEN excluded.note = '' THEN copytrading_drift.note ELSE excluded.note END
    RETURNING master_account_id, first_seen_at = last_seen_at, id
"""

#: Published with the ``drift_ids`` of differences that were not on record before.
DRIFT_FOUND = "copy.drift_found"

_OPEN = """
    SELECT d.id, d.account_id, d.kind, d.key, d.position_id, d.link_id, d.repair_cause, d.note,
           d.master_account_id,
           EXISTS (SELECT 1 FROM execution_position p WHERE p.account_id = l.master_account_id
                   AND p.position_id = l.position_key AND p.closed_at IS NULL)
    FROM copytrading_drift d
    LEFT JOIN copytrading_tradelink l ON l.id = d.link_id
    WHERE d.account_id = ANY(%s) AND d.resolved_at IS NULL
"""

_CLOSE = """
    UPDATE copytrading_drift d SET resolved_at = %s, resolution = x.resolution
    FROM json_to_recordset(%s) AS x (id bigint, resolution text)
    WHERE d.id = x.id AND d.resolved_at IS NULL
"""

_NOTE = """
    UPDATE copytrading_drift d SET note = x.note, last_seen_at = %s
    FROM json_to_recordset(%s) AS x (id bigint, note text) WHERE d.id = x.id
"""


class Standing(NamedTuple):
    """A difference that is on record and not resolved.

    ``repair_cause`` is that of its last repair, '' where there was none. ``wanted``: the
    master still holds the position that its link follows.
    """

    id: int
    account_id: int
    kind: DriftKind
    key: str
    position_id: str
    link_id: int | None
    repair_cause: str
    note: str
    master_account_id: int | None
    wanted: bool


class Look(NamedTuple):
    """What one look has found: differences by account, and how many went away."""

    found: Mapping[int, Sequence[Difference]]
    resolved: int


def look_around(now: datetime | None = None) -> Look:
    """Look at the accounts that may differ; over some rounds all accounts have had their turn."""
    now = now or timezone.now()
    slices = followers_count() // SEARCHED_AT_ONCE + 1
    turn = int(now.timestamp()) // EVERY_S % slices
    ids = suspects(slices=slices, slice_=turn, most=ACCOUNTS_AT_ONCE, now=now)
    return look_at(ids, now)


def look_at(account_ids: Collection[int], now: datetime | None = None) -> Look:
    """Compare these accounts with what their copies should hold, and keep the record of it."""
    if not account_ids:
        return Look({}, 0)
    now = now or timezone.now()
    looked = record(compare_accounts(account_ids, now), now)
    suspect(looked.found)  # what differs here may differ from the platform as well
    return looked


def compare_accounts(account_ids: Collection[int], now: datetime) -> dict[int, Comparison]:
    """What differs on these accounts now; those that are not current are left out."""
    holdings = load_holdings(account_ids, now)
    return {pk: compare(known, now) for pk, known in holdings.items()}


@transaction.atomic
def record(compared: Mapping[int, Comparison], now: datetime) -> Look:
    """Store what was found, and resolve what is not there any more."""
    found = {pk: comparison.found for pk, comparison in compared.items() if comparison.found}
    masters = _store(found, now)
    standing = standing_on(compared)
    repairs = last_repairs(standing)
    over, notes = [], []
    for drift in standing:
        fate = _fate(drift, compared[drift.account_id], repairs.get(drift.repair_cause))
        if fate is None:
            continue
        resolution, note = fate
        if resolution:
            over.append({"id": drift.id, "resolution": resolution})
            masters.add(drift.master_account_id)
        elif note != drift.note:
            notes.append({"id": drift.id, "note": note})
            masters.add(drift.master_account_id)
    if over:
        sql.execute(_CLOSE, [now, sql.as_json(over)])
    if notes:
        sql.execute(_NOTE, [now, sql.as_json(notes)])
    for master_account_id in sorted(pk for pk in masters if pk is not None):
        tell(master_account_id)
    return Look(found, len(over))


def tell(master_account_id: int) -> None:
    """Have the pages look again that show copies of this master."""
    publish(CHANGED, master_account_id=master_account_id, event_ids=[], subscriptions=0)


def _store(found: Mapping[int, Sequence[Difference]], now: datetime) -> set[int | None]:
    records = [
        {
            "account_id": account_id,
            "subscription_id": one.subscription_id,
            "link_id": one.link_id,
            "kind": one.kind.value,
            "key": one.key,
            "position_id": one.position_id,
            "instrument_id": one.instrument_id,
            "side": one.side.value,
            "expected": one.expected,
            "actual": one.actual,
            "note": one.note,
        }
        for account_id, differences in sorted(found.items())
        for one in sorted(differences)
    ]
    if not records:
        return set()
    stored = sql.rows(_UPSERT, [now, now, sql.as_json(records)])
    if new := [pk for _, is_new, pk in stored if is_new]:
        publish(DRIFT_FOUND, drift_ids=new)
    return {master for master, is_new, _ in stored if is_new}


def standing_on(account_ids: Iterable[int]) -> list[Standing]:
    """The open differences of these accounts."""
    found = sql.rows(_OPEN, [sorted(account_ids)])
    return [Standing(row[0], row[1], DriftKind(row[2]), *row[3:]) for row in found]


def repair_id(cause: str) -> str:
    """Our id of the order that a repair with this cause sends."""
    return client_order_id("repair", cause)


def last_repairs(standing: Iterable[Standing]) -> dict[str, OrderResult]:
    """The orders of last repairs by their cause; one that no gateway has claimed is left out."""
    causes = {repair_id(drift.repair_cause): drift.repair_cause for drift in standing}
    causes.pop(repair_id(""), None)
    if not causes:
        return {}
    orders = orders_by_client_id(list(causes))
    return {causes[cid]: order for cid, order in orders.items()}


def _fate(
    drift: Standing, compared: Comparison, repair: OrderResult | None
) -> tuple[str, str] | None:
    """Resolution and note of an open difference; None: it stays as it is."""
    moves = drift.position_id in compared.undecided or drift.link_id in compared.undecided_links
    if moves and drift.kind is not DriftKind.HELD_CLOSE:
        return None
    over = repair is not None and repair.state in FINAL_STATES
    refused = repair is not None and over and not _done(repair)
    if drift.repair_cause and not over:
        return None
    reason = refusal_of(repair) if repair is not None and refused else drift.note
    if any((one.kind, one.key) == (drift.kind, drift.key) for one in compared.found):
        return ("", reason) if refused else None
    if refused and drift.wanted and drift.kind in _REOPENED:
        # The copy goes on with less than it should hold: that must not go unsaid.
        return "", reason
    cancelled = repair is not None and repair.leg is Leg.CANCEL and _done(repair)
    repaired = cancelled or (repair is not None and repair.filled_units > 0)
    return ("repaired" if repaired else "gone"), drift.note


def _done(repair: OrderResult) -> bool:
    """Whether the order of a repair did all that it was sent for."""
    if repair.leg is Leg.CANCEL:
        return repair.state is OrderState.FILLED
    return repair.filled_units >= repair.units


_REOPENED = (DriftKind.MISSING, DriftKind.UNDERSIZED)


def refusal_of(repair: OrderResult) -> str:
    """Why the order of a repair came to nothing, or to less than it should."""
    said = ": ".join(part for part in (repair.code, repair.message) if part)
    part = "was filled only in part" if repair.filled_units else f"was {repair.state.value}"
    return f"The last repair {part.replace('_', ' ')}{f' ({said})' if said else ''}."[:300]
