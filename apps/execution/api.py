"""Asking for orders, taking them back, holding them, and saying what was taken note of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from apps.common.database import ids_array
from apps.execution.fences import Fence, Overtaken, fence_query, pass_fence, read_fence
from apps.execution.intents import ids_of
from apps.execution.kill_switch import confirm_held_closes, set_kill_switch
from apps.execution.models import Gate
from apps.execution.submitting import (
    SLICE,
    Notes,
    SubmittedBatch,
    Written,
    submit,
    submit_written,
    take_over,
    write_out,
)
from apps.platforms import api as platforms

__all__ = [
    "SLICE", "Fence", "Notes", "Overtaken", "SubmittedBatch", "Written", "clear_gate",
    "clear_gates", "confirm_held_closes", "fence_query", "mark_planned", "mark_rest_settled",
    "mark_settled", "pass_fence", "read_fence", "set_gate", "set_gates", "set_journaled",
    "set_kill_switch", "submit", "submit_written", "take_over", "withdraw", "write_out",
]  # fmt: skip


def withdraw(client_order_ids: Iterable[str], *, reason: str, now: datetime) -> set[str]:
    """Take back intentions that no gateway has claimed yet; answers those it could.

    In the caller's transaction; the batches stay locked until it ends, so that a claim waits
    for it. What was taken back gets an order row CANCELLED with the code WITHDRAWN when its
    turn comes.
    """
    wanted = set(client_order_ids)
    if not wanted:
        return set()
    taken: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, claimed, size, items FROM execution_batch "
            "WHERE NOT settled AND claimed < size ORDER BY id FOR UPDATE"
        )
        for batch_id, claimed, size, items in cursor.fetchall():
            taken |= dict.fromkeys(wanted.intersection(ids_of(items)[claimed:size]), batch_id)
        cursor.execute(
            "INSERT INTO execution_withdrawal (client_order_id, batch_id, reason, at) "
            "SELECT id, batch, %s, %s FROM unnest(%s::text[], %s::bigint[]) AS w (id, batch) "
            "ON CONFLICT DO NOTHING",
            [reason[:64], now, list(taken), list(taken.values())],
        )
    return set(taken)


def set_gate(
    *,
    scope: Gate.Scope,
    key: str = "",
    state: Gate.State,
    actor: str,
    reason: str = "",
    now: datetime,
) -> bool:
    """Hold orders back at the moment of sending; answers whether that changed anything.

    What ``scope`` and ``key`` mean stands at :class:`apps.execution.models.Gate`. The caller
    audits it. Takes effect for claims that begin after the caller's commit.
    """
    changed = set_gates(scope=scope, keys=[key], state=state, actor=actor, reason=reason, now=now)
    return changed > 0


def set_gates(
    *,
    scope: Gate.Scope,
    keys: Sequence[str],
    state: Gate.State,
    actor: str,
    reason: str = "",
    now: datetime,
) -> int:
    """Like :func:`set_gate` for several keys of one scope; answers how many changed."""
    if not keys:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO execution_gate (scope, key, state, actor, reason, at) "
            "SELECT %s, key, %s, %s, %s, %s FROM unnest(%s::text[]) AS k (key) "
            "ON CONFLICT (scope, key) DO UPDATE "
            "SET state = excluded.state, actor = excluded.actor, reason = excluded.reason, "
            "at = excluded.at WHERE execution_gate.state <> excluded.state",
            [scope.value, state.value, actor[:128], reason[:500], now, list(keys)],
        )
        return int(cursor.rowcount)


def clear_gate(*, scope: Gate.Scope, key: str = "") -> bool:
    """Take a gate away; answers whether there was one."""
    return clear_gates(scope=scope, keys=[key]) > 0


def clear_gates(*, scope: Gate.Scope, keys: Sequence[str]) -> int:
    """Take gates of one scope away; answers how many there were."""
    if not keys:
        return 0
    deleted, _ = Gate.objects.filter(scope=scope, key__in=keys).delete()
    return deleted


def mark_planned(event_ids: Sequence[int], now: datetime) -> None:
    """The consumers have stored their decisions on these events."""
    _stamp(
        "UPDATE execution_accountevent SET planned_at = %s WHERE id = ANY(%s)",
        event_ids,
        now,
    )


def mark_settled(order_ids: Sequence[int], now: datetime) -> None:
    """Their source has taken note of the final state of these orders."""
    _stamp("UPDATE execution_order SET settled_at = %s WHERE id = ANY(%s)", order_ids, now)


def mark_rest_settled(filled: Mapping[int, Decimal], now: datetime) -> None:
    """Their source has taken note that these orders rest, and of what is filled of them.

    ``filled`` gives per order id the units that it has seen; an order of which another part
    was filled meanwhile stays to be told.
    """
    if filled:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE execution_order o SET rest_settled_at = %s "
                "FROM unnest(%s::bigint[], %s::numeric[]) AS seen (id, units) "
                "WHERE o.id = seen.id AND o.filled_units = seen.units",
                [now, list(filled), list(filled.values())],
            )


def _stamp(statement: str, ids: Sequence[int], now: datetime) -> None:
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(statement, [now, ids_array(ids)])


def set_journaled(account_ids: Sequence[int], on: bool) -> None:
    """Keep (or no longer keep) the events of these accounts in the journal, from now on."""
    platforms.set_journaled(account_ids=account_ids, on=on)


_TELL_POSITIONS = """
    INSERT INTO execution_accountevent (account_id, connection_id, kind, dedupe_key, position_id,
        payload, trace_id, ts_event, received_at)
    SELECT p.account_id, a.connection_id, 'position', %(token)s || ':' || p.position_id,
        p.position_id,
        jsonb_build_object('position_id', p.position_id, 'instrument_id', p.instrument_id,
            'symbol', coalesce(s.name, p.instrument_id), 'side', p.side,
            'units', p.units::text, 'price', p.price::text, 'stop_loss', p.stop_loss::text,
            'take_profit', p.take_profit::text, 'relation', %(relation)s::text),
        substr(md5(%(token)s || p.position_id), 1, 16), %(now)s, %(now)s
    FROM execution_position p
    JOIN platforms_tradingaccount a ON a.id = p.account_id
    LEFT JOIN platforms_symbol s
        ON s.connection_id = a.connection_id AND s.instrument_id = p.instrument_id
    WHERE p.account_id = %(account)s AND p.closed_at IS NULL AND NOT p.position_id = ANY(%(but)s)
    ORDER BY p.opened_at, p.id
    ON CONFLICT (account_id, dedupe_key) DO NOTHING
"""


def tell_positions(
    *, account_id: int, relation: str, token: str, but: Sequence[str], now: datetime
) -> int:
    """Journal the open positions of an account for one relation that shall take them over.

    ``token`` makes a repetition harmless, ``but`` are positions that it has already. Answers
    how many were told; waking the source is the caller's.
    """
    values: dict[str, Any] = {"account": account_id, "relation": relation, "token": token}
    with connection.cursor() as cursor:
        cursor.execute(_TELL_POSITIONS, values | {"but": list(but), "now": now})
        return int(cursor.rowcount)
