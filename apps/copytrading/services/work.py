"""The work of one master: settle, close what shall be closed, plan; until nothing is left."""

from __future__ import annotations

import time
from collections.abc import Sequence

from django.utils import timezone

from apps.copytrading.services import sql
from apps.copytrading.services.closing import close_requested
from apps.copytrading.services.foreign import follow_foreign
from apps.copytrading.services.locks import master_lock, master_lock_asking
from apps.copytrading.services.pending_following import follow_pendings
from apps.copytrading.services.planning import (
    Waiting,
    beginning,
    finish_interrupted,
    plan_found,
)
from apps.copytrading.services.settling import settle
from apps.execution import api as execution
from apps.execution.receivers import AWAIT_S
from apps.execution.troubles import NOT_SET_ASIDE
from apps.trading.orders import FINAL_STATES

_FINAL = sorted(state.value for state in FINAL_STATES)

_LEFT = f"""
    SELECT EXISTS (SELECT 1 FROM execution_accountevent
                   WHERE account_id = %(account)s AND planned_at IS NULL)
        OR EXISTS (SELECT 1 FROM execution_order o
                   WHERE source = 'copy' AND wake_key = %(account)s AND settled_at IS NULL
                     AND state = ANY(%(final)s) AND {NOT_SET_ASIDE})
"""

_THERE = """
    SELECT count(*) FROM execution_accountevent WHERE account_id = %s AND dedupe_key = ANY(%s)
"""
_LOOK_S = 0.001


def work(master_account_id: int, awaited: Sequence[str] = ()) -> None:
    """Do what is to be done for a master, unless another worker is at it.

    The lock is given up between rounds, for others who wait for it. After giving it up the
    journal is looked at once more: a wake-up that came while the lock was held found it taken
    and went away. Who was woken for events that are not there yet (``awaited``: their keys)
    looks for them for a moment; should they take longer, it is woken again.
    """
    until, seen = time.monotonic() + AWAIT_S, not awaited
    while True:
        now = timezone.now()
        asked = beginning(master_account_id, now)
        done = 0
        with master_lock_asking(master_account_id, *asked) as (taken, found):
            if taken:
                done = _round(master_account_id, Waiting._make((*found, now)))
        if done:
            continue
        if not seen:
            seen = _there(master_account_id, awaited)
            if seen and not taken:
                continue  # it came, perhaps after the last look of whoever has the master
            if not seen and time.monotonic() < until:
                time.sleep(_LOOK_S)
                continue
        if not taken or not something_left(master_account_id):
            return


def _there(master_account_id: int, keys: Sequence[str]) -> bool:
    """Whether these events are journaled, planned or not."""
    return bool(sql.rows(_THERE, [master_account_id, list(keys)])[0][0] == len(keys))


def _round(master_account_id: int, waiting: Waiting) -> int:
    fence = waiting.fence
    try:
        # New events go first: their opens are racing against the price.
        done = plan_found(master_account_id, waiting) + settle(master_account_id, fence)
        done += follow_pendings(master_account_id, fence)
    except execution.Overtaken:
        # The lock was lost without a word and another has it; what is left is the other's.
        return 0
    return done + close_requested(master_account_id)


def look_after(master_account_id: int) -> None:
    """Take note of what others did to a master's copies, then do what is to be done."""
    with master_lock(master_account_id) as taken:
        if taken:
            finish_interrupted(master_account_id)
            follow_foreign(master_account_id)
    work(master_account_id)


def something_left(master_account_id: int) -> bool:
    """Whether events or final orders of a master wait."""
    with sql.raw_cursor() as cursor:
        cursor.execute(_LEFT, {"account": master_account_id, "final": _FINAL})
        found = cursor.fetchone()
    return bool(found and found[0])
