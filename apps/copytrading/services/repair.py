"""Ending differences with orders that were shown before."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from apps.accounts.api import record_audit
from apps.accounts.models import User
from apps.copytrading.domain.link import Link
from apps.copytrading.domain.rows import Row
from apps.copytrading.errors import CopyError, NotFound
from apps.copytrading.models import Drift
from apps.copytrading.services.acting import intervenes
from apps.copytrading.services.holds import take
from apps.copytrading.services.links import note_reopened, store_legs, store_links
from apps.copytrading.services.locks import wait_for_master
from apps.copytrading.services.orders import SOURCE, send_guards
from apps.copytrading.services.planning import finish_interrupted
from apps.copytrading.services.reconcile import repair_id, tell
from apps.copytrading.services.remedies import NotNow, Place, Repair, places_of, work_out
from apps.execution import api as execution
from apps.execution.intents import Intent
from apps.trading.quantity import ZERO

#: Differences that are repaired in one go.
AT_ONCE = 200

Worked = list[Repair | NotNow]


class HasChanged(CopyError):
    """What would be sent is not what was shown."""

    code = "HAS_CHANGED"


def mark_of(worked: Iterable[Repair | NotNow]) -> str:
    """Names the orders of a preview: equal marks, equal orders."""
    text = "|".join(
        f"{one.drift.pk}:{one.order.leg}:{one.order.side}:{one.order.units.normalize()}:"
        f"{one.order.position_id}{one.order.platform_order_id}"
        for one in worked
        if isinstance(one, Repair)
    )
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def preview(actor: User | None, drift_ids: Sequence[int]) -> Worked:
    """What a repair of these differences would send now. NotFound, NotPermitted."""
    return work_out(of_actor(actor, drift_ids), timezone.now())


@transaction.atomic
def send(
    actor: User | None, drift_ids: Sequence[int], *, mark: str | None, reason: str = ""
) -> tuple[Worked, set[int]]:
    """Send the orders; answers them and the masters that must be woken after the commit.

    ``mark`` is that of the preview; HasChanged where the orders are others by now. Only the
    system may do without.
    """
    now = timezone.now()
    drifts, masters = locked(actor, drift_ids)
    worked = work_out(drifts, now)
    if mark is not None and mark_of(worked) != mark:
        raise HasChanged("What differs has changed since this was shown. Look at it once more.")
    repairs = _with_symbols([one for one in worked if isinstance(one, Repair)])
    _submit(repairs, now)
    _store_links(repairs, now)
    for repair in repairs:
        Drift.objects.filter(pk=repair.drift.pk).update(repair_cause=repair.cause, note="")
        audit_drift(actor, "drift.repair", repair.drift, repair.place, reason, _order_of(repair))
    noted = _note_refusals(worked) if actor is None else 0
    for master_account_id in masters if repairs or noted else ():
        tell(master_account_id)
    return worked, masters


def _note_refusals(worked: Worked) -> int:
    """Where nobody reads the answer, what must not be opened says so on its record."""
    noted = 0
    for one in worked:
        if isinstance(one, NotNow) and one.lasting and one.drift.note != one.reason:
            Drift.objects.filter(pk=one.drift.pk).update(note=one.reason[:300])
            noted += 1
    return noted


def _order_of(repair: Repair) -> dict[str, object]:
    order = repair.order
    return {
        "cause": repair.cause,
        "leg": order.leg.value,
        "side": order.side.value,
        "units": order.units,
        "position_id": order.position_id,
        "platform_order_id": order.platform_order_id,
        "estimate": repair.estimate,
    }


def of_actor(actor: User | None, drift_ids: Sequence[int]) -> list[Drift]:
    """The differences, oldest first, if all of them are the actor's to decide about."""
    wanted = sorted(set(drift_ids))[:AT_ONCE]
    drifts = list(Drift.objects.filter(pk__in=wanted).order_by("id"))
    places = places_of(drift.account_id for drift in drifts)
    owned = [d for d in drifts if intervenes(actor) or _owns(actor, places[d.account_id])]
    if not wanted or len(owned) != len(wanted):
        raise NotFound("There is no such difference.")
    return drifts


def _owns(actor: User | None, place: Place) -> bool:
    return actor is not None and place.owner_id == actor.pk


def locked(actor: User | None, drift_ids: Sequence[int]) -> tuple[list[Drift], set[int]]:
    """The differences under the locks of their masters; before any row, as workers do it."""
    seen = of_actor(actor, drift_ids)
    masters = {drift.master_account_id for drift in seen if drift.master_account_id is not None}
    for master_account_id in sorted(masters):
        wait_for_master(master_account_id)
        finish_interrupted(master_account_id)
    rows = Drift.objects.select_for_update().filter(pk__in=[drift.pk for drift in seen])
    return list(rows.order_by("id")), masters


def _with_symbols(repairs: Sequence[Repair]) -> list[Repair]:
    """Without opens on netting accounts whose symbol somebody else has just taken."""
    wanted = [
        (r.row.account_id, r.link.instrument_id, r.row.subscription_id)
        for r in repairs
        if r.row is not None and r.link is not None and r.row.netting
    ]
    holders = take(sorted(set(wanted))) if wanted else {}
    return [
        r
        for r in repairs
        if r.row is None
        or r.link is None
        or not r.row.netting
        or holders.get((r.row.account_id, r.link.instrument_id)) == r.row.subscription_id
    ]


def _submit(repairs: Sequence[Repair], now: datetime) -> None:
    connections = {r.place.account_id: r.place.connection_id for r in repairs}
    execution.submit([_intent(r, now) for r in repairs], connection_ids=connections, now=now)


def _intent(repair: Repair, now: datetime) -> Intent:
    drift, order, row, link = repair.drift, repair.order, repair.row, repair.link
    intent = Intent(
        client_order_id=repair_id(repair.cause),
        account_id=drift.account_id,
        platform_account=repair.place.platform_account,
        leg=order.leg,
        source=SOURCE,
        relation=f"sub:{drift.subscription_id}" if drift.subscription_id else "",
        wake_key=drift.master_account_id or 0,
        cause=repair.cause,
        instrument_id=drift.instrument_id,
        side=order.side,
        units=ZERO if repair.cancels else order.units,
        position_id=order.position_id,
        platform_order_id=order.platform_order_id,
    )
    if row is None or link is None:
        return intent
    new = not order.position_id
    return intent._replace(
        stop_loss=link.stop_loss if new else None,
        take_profit=link.take_profit if new else None,
        reference_price=repair.reference_price,
        not_after=now + row.max_delay,
        guards=send_guards(row.rules, None),
    )


def _store_links(repairs: Sequence[Repair], now: datetime) -> None:
    """Links hold what is there and wait for their order, as for any other."""
    by_master: dict[int, list[tuple[Row, Link]]] = defaultdict(list)
    held: list[dict[str, object]] = []
    for repair in repairs:
        if repair.row is None or repair.link is None:
            continue
        link = repair.link._replace(in_flight=repair_id(repair.cause))
        by_master[repair.drift.master_account_id or 0].append((repair.row, link))
        held.append(leg_held(link.link_id, repair.drift.position_id, link.held))
    for master_account_id, links in by_master.items():
        note_reopened([link for _, link in links], now)
        store_links(master_account_id, links, now)
    store_legs((), held, now)


def leg_held(link_id: int, position_id: str, held: Decimal) -> dict[str, object]:
    return {"link_id": link_id, "position_id": position_id, "held": held}


def audit_drift(
    actor: User | None,
    action: str,
    drift: Drift,
    place: Place,
    reason: str,
    after: dict[str, object],
) -> None:
    record_audit(
        actor=actor,
        action=action,
        object_type="drift",
        object_id=drift.pk,
        object_label=f"{drift.get_kind_display()}: {drift.symbol} on {place.login}",
        reason=reason,
        before={
            "kind": drift.kind,
            "expected_units": drift.expected_units,
            "actual_units": drift.actual_units,
            "subscription": drift.subscription_id,
        },
        after=after,
    )
