"""Orders that their source could not settle: set aside, so that the others go on.

They stay unsettled, are told to their source again after growing pauses, and staff see them
among what has no outcome yet.
"""

from __future__ import annotations

from django.db import connection

#: Condition of queries on ``execution_order o``: it is not set aside at the moment.
NOT_SET_ASIDE = """NOT EXISTS (SELECT 1 FROM execution_settletrouble t
    WHERE t.client_order_id = o.client_order_id AND t.retry_at > clock_timestamp())"""

_LONGEST_PAUSE_S = 60

_SET_ASIDE = f"""
    INSERT INTO execution_settletrouble AS t
        (client_order_id, trace_id, error, attempts, first_at, retry_at)
    VALUES (%s, %s, %s, 1, clock_timestamp(), clock_timestamp() + interval '1 second')
    ON CONFLICT (client_order_id) DO UPDATE
    SET error = excluded.error, attempts = t.attempts + 1,
        retry_at = clock_timestamp()
            + least({_LONGEST_PAUSE_S}, 2 ^ least(t.attempts, 10)) * interval '1 second'
    RETURNING attempts
"""

_OVER = """
    DELETE FROM execution_settletrouble t USING execution_order o
    WHERE o.client_order_id = t.client_order_id
      AND (o.settled_at IS NOT NULL OR (o.final_at IS NULL AND o.rest_settled_at IS NOT NULL))
"""


def set_aside(client_order_id: str, *, trace_id: str, error: str) -> int:
    """An order could not be settled; answers how often by now.

    It is told to its source again after 1, 2, 4 … 60 seconds.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SET_ASIDE, [client_order_id, trace_id[:32], error[:500]])
        (attempts,) = cursor.fetchone()
    return int(attempts)


def forget_settled() -> int:
    """Forget troubles of orders that have been settled since; answers how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(_OVER)
        return int(cursor.rowcount)
