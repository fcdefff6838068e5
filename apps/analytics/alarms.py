"""Alarms about masters: raised while something is unusual, acknowledged by staff, cleared."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from apps.accounts.api import record_audit
from apps.accounts.models import User
from apps.accounts.roles import Permission
from apps.accounts.selectors import may, product_config
from apps.analytics.alarm_models import MasterAlarm
from apps.analytics.domain.alarms import AlarmKind, Found, holds
from apps.analytics.master_money import master_money
from apps.analytics.unusual import Judged, drawdowns, silent, sudden_leverage
from apps.analytics.unusual_trades import averaging_down, larger_after_losses
from apps.common.events import publish
from apps.copytrading.errors import InvalidSettings, NotPermitted
from apps.copytrading.models import CopyMaster

#: Published, within the transaction that raises them, with the ``uuids`` of new alarms.
ALARMS_RAISED = "alarm.raised"
_LOCK = 0x616C726D
#: Alarms that are acknowledged together.
MOST_AT_ONCE = 200


@transaction.atomic
def watch_masters(*, now: datetime) -> tuple[int, int]:
    """Raise and clear alarms about all masters; answers how many. Repeating changes nothing.

    Nothing is done while another run is at it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return 0, 0
    config = product_config()
    of = {kind: float(getattr(config, kind.setting)) for kind in AlarmKind}
    money = master_money(now)
    judged = {
        AlarmKind.DRAWDOWN: drawdowns(money, now, of[AlarmKind.DRAWDOWN]),
        AlarmKind.SIZE_GROWTH: larger_after_losses(of[AlarmKind.SIZE_GROWTH]),
        AlarmKind.AVERAGING_DOWN: averaging_down(of[AlarmKind.AVERAGING_DOWN]),
        AlarmKind.LEVERAGE: sudden_leverage(money, now, of[AlarmKind.LEVERAGE]),
        AlarmKind.SILENCE: silent(now, of[AlarmKind.SILENCE]),
    }
    masters = dict(zip(money.master.tolist(), money.account.tolist(), strict=True))
    return _keep(judged, of, masters, now)


def _keep(
    judged: Mapping[AlarmKind, Judged],
    thresholds: Mapping[AlarmKind, float],
    masters: Mapping[int, int],
    now: datetime,
) -> tuple[int, int]:
    standing = {
        (AlarmKind(alarm.kind), alarm.master_id): alarm
        for alarm in MasterAlarm.objects.filter(cleared_at=None)
    }
    raised, changed = [], []
    for kind, look in judged.items():
        for master_id, found in look.found.items():
            alarm = standing.get((kind, master_id))
            if master_id not in masters or not holds(
                found.measure, thresholds[kind], stands=alarm is not None
            ):
                continue
            standing.pop((kind, master_id), None)
            if alarm is None:
                alarm = MasterAlarm(master_id=master_id, account_id=masters[master_id], kind=kind)
                alarm.raised_at = now
                raised.append(alarm)
            elif alarm.text != found.text:
                changed.append(alarm)
            _write(alarm, found, now)
    cleared = [
        alarm
        for (kind, master_id), alarm in standing.items()
        if master_id not in masters or not thresholds[kind] or judged[kind].covers(master_id)
    ]
    for alarm in cleared:
        alarm.cleared_at = now
        alarm.cleared_why = _why(alarm, thresholds, masters)
    MasterAlarm.objects.bulk_create(raised)
    MasterAlarm.objects.bulk_update(changed, ["text", "evidence", "seen_at"], batch_size=500)
    MasterAlarm.objects.bulk_update(cleared, ["cleared_at", "cleared_why"], batch_size=500)
    if raised:
        publish(ALARMS_RAISED, uuids=[str(alarm.uuid) for alarm in raised])
    return len(raised), len(cleared)


def _write(alarm: MasterAlarm, found: Found, now: datetime) -> None:
    alarm.text, alarm.seen_at = found.text[:400], now
    alarm.evidence = cast(Any, found.evidence())


def _why(
    alarm: MasterAlarm, thresholds: Mapping[AlarmKind, float], masters: Mapping[int, int]
) -> str:
    if alarm.master_id not in masters:
        return "It is no longer a master that can be followed."
    if not thresholds[AlarmKind(alarm.kind)]:
        return "The alarm was switched off."
    return "It is within the threshold again."


@transaction.atomic
def acknowledge_alarms(*, actor: User, uuids: Collection[UUID], note: str) -> int:
    """Note that somebody looks after these alarms; answers how many were not acknowledged yet.

    They stay open until what they tell of is over. NotPermitted for an actor whose roles do not
    intervene; InvalidSettings without a note. Each is in the audit trail of its master.
    """
    if not may(actor, Permission.INTERVENE):
        raise NotPermitted("Acknowledging alarms needs the role risk, admin or owner.")
    if not note.strip():
        raise InvalidSettings({"reason": "Say what you found or did; colleagues read it."})
    found = list(
        MasterAlarm.objects.select_for_update()
        .filter(uuid__in=list(uuids)[:MOST_AT_ONCE], acknowledged_at=None)
        .order_by("id")
    )
    masters = CopyMaster.objects.in_bulk({alarm.master_id for alarm in found})
    now = timezone.now()
    for alarm in found:
        alarm.acknowledged_at, alarm.acknowledged_by = now, actor
        alarm.note = note.strip()[:500]
        record_audit(
            actor=actor,
            action="master.acknowledge",
            object_type="master",
            object_id=masters[alarm.master_id].uuid,
            object_label=str(masters[alarm.master_id]),
            reason=alarm.note,
            after={"alarm": AlarmKind(alarm.kind).label, "evidence": alarm.text},
        )
    MasterAlarm.objects.bulk_update(found, ["acknowledged_at", "acknowledged_by", "note"])
    return len(found)
