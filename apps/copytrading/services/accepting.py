"""Accepting differences: what is there is the truth from now on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.copytrading.domain.drift import Comparison, DriftKind
from apps.copytrading.domain.link import Link, LinkState, finished, taken_away
from apps.copytrading.domain.rows import Row
from apps.copytrading.models import Drift
from apps.copytrading.services import sql
from apps.copytrading.services.foreign import money_of_others
from apps.copytrading.services.links import add_results, store_legs, store_links
from apps.copytrading.services.load import load_master, load_rows
from apps.copytrading.services.reconcile import compare_accounts, tell
from apps.copytrading.services.remedies import places_of
from apps.copytrading.services.repair import audit_drift, leg_held, locked

Kind = Drift.Kind
SHRINKING = (Kind.MISSING, Kind.UNDERSIZED)
LET_BE = (Kind.ORPHAN, Kind.FOREIGN, Kind.OVERSIZED)


@transaction.atomic
def let_be(
    actor: User | None, drift_ids: Sequence[int], *, reason: str = ""
) -> tuple[int, set[int]]:
    """Take what is there for the truth; answers how many were accepted, and the masters to wake.

    A copy that holds less shrinks to what is left and is not bought back. A position that no
    copy holds, or a part of it, is its owner's from now on.
    """
    now = timezone.now()
    drifts, masters = locked(actor, drift_ids)
    compared = compare_accounts({drift.account_id for drift in drifts}, now)
    drifts = [
        drift
        for drift in drifts
        if drift.resolved_at is None and may_be_let(drift) and not _moves(drift, compared)
    ]
    _shrink([drift for drift in drifts if drift.kind in SHRINKING], compared, now)
    places = places_of(drift.account_id for drift in drifts)
    for drift in drifts:
        audit_drift(actor, "drift.accept", drift, places[drift.account_id], reason, {})
    ids = [drift.pk for drift in drifts]
    Drift.objects.filter(pk__in=ids).update(resolved_at=now, resolution=Drift.Resolution.ACCEPTED)
    for master_account_id in masters:
        tell(master_account_id)
    return len(drifts), masters


def may_be_let(drift: Drift) -> bool:
    """Whether a difference can be accepted as it is."""
    return drift.kind in (*SHRINKING, *LET_BE)


def _moves(drift: Drift, compared: Mapping[int, Comparison]) -> bool:
    """Whether what is there is not known now: an order is under way, or nobody is connected."""
    comparison = compared.get(drift.account_id)
    if comparison is None:
        return True
    return drift.position_id in comparison.undecided or drift.link_id in comparison.undecided_links


def _shrink(drifts: Sequence[Drift], compared: Mapping[int, Comparison], now: datetime) -> None:
    """Make links as their positions are now."""
    actual = {
        one.link_id: one.actual
        for comparison in compared.values()
        for one in comparison.found
        if one.kind in (DriftKind.MISSING, DriftKind.UNDERSIZED)
    }
    by_master: dict[int, list[Drift]] = defaultdict(list)
    for drift in drifts:
        if drift.link_id in actual and drift.master_account_id is not None:
            by_master[drift.master_account_id].append(drift)
    for master_account_id, some in by_master.items():
        _shrink_links(master_account_id, some, actual, now)


def _shrink_links(
    master_account_id: int,
    drifts: Sequence[Drift],
    actual: dict[int | None, Decimal],
    now: datetime,
) -> None:
    master = load_master(master_account_id, now)
    if master is None:
        return
    wanted = {drift.link_id: drift for drift in drifts}
    found = sql.rows(
        "SELECT position_key, subscription_id FROM copytrading_tradelink WHERE id = ANY(%s)",
        [list(wanted)],
    )
    keys, ids = sorted({row[0] for row in found}), sorted({row[1] for row in found})
    changed: list[tuple[Row, Link]] = []
    held: list[dict[str, object]] = []
    for row in load_rows(master, keys, now, ids):
        for link in row.links.values():
            if link.link_id not in wanted or link.in_flight:
                continue
            link = taken_away(link, actual[link.link_id])
            over = link.state is LinkState.GONE and link.master_units <= 0
            changed.append((row, finished(link) if over else link))
            drift = wanted[link.link_id]
            held.append(leg_held(link.link_id, drift.position_id, link.held))
    store_links(master_account_id, changed, now)
    store_legs((), held, now)
    add_results(money_of_others([link.link_id for _, link in changed]))
