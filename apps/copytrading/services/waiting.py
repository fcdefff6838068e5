"""Events that wait for an order in flight of their link."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from apps.copytrading.domain.events import EventKind, MasterEvent
from apps.copytrading.domain.plan import Waits
from apps.copytrading.services import sql
from apps.execution import api as execution


def store_waits(master_account_id: int, waits: Sequence[Waits]) -> None:
    """Events that wait for the order in flight of their link."""
    if waits:
        sql.execute(
            "INSERT INTO copytrading_waitingevent "
            "(event_id, subscription_id, master_account_id, position_key) "
            "SELECT e, s, %s, p FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) "
            "AS w (e, s, p) ON CONFLICT DO NOTHING",
            [
                master_account_id,
                [wait.event.id for wait in waits],
                [wait.row.subscription_id for wait in waits],
                [wait.event.position_key for wait in waits],
            ],
        )


def forget_waits(places: Collection[tuple[int, str]]) -> None:
    """What waits at these places, subscription and position, is taken up; what remains of it
    is stored again."""
    if places:
        sql.execute(
            "DELETE FROM copytrading_waitingevent w "
            "USING unnest(%s::bigint[], %s::text[]) AS p (subscription_id, position_key) "
            "WHERE w.subscription_id = p.subscription_id AND w.position_key = p.position_key",
            [[place[0] for place in places], [place[1] for place in places]],
        )


def withdraw_overtaken(waits: Sequence[Waits], now: datetime) -> None:
    """A close takes back an open of its link that no gateway has claimed yet."""
    in_flight = [
        link.in_flight
        for wait in waits
        if _ends(wait.event) and (link := wait.row.links.get(wait.event.position_key))
    ]
    if in_flight:
        opens = sql.rows(
            "SELECT client_order_id FROM copytrading_decision "
            "WHERE client_order_id = ANY(%s) AND leg = 'open'",
            [in_flight],
        )
        execution.withdraw([row[0] for row in opens], reason="the master closed", now=now)


def _ends(event: MasterEvent) -> bool:
    return event.kind is EventKind.CLOSED or event.kind is EventKind.REVERSED
