"""Which accounts that follow are leveraged most, kept in order so that nobody sorts all of them.

States of accounts change with every price. An index over them would be written as often; what is
kept here is written by the minute, and only where it has changed by a whole step.
"""

from __future__ import annotations

from django.db import connection

_KEEP = """
WITH now_used AS (
    SELECT f.id AS follower_id, f.account_id, a.leverage,
           CASE WHEN coalesce(st.margin_used, 0) <= 0 THEN 0
                WHEN st.equity <= 0 THEN 1e6
                ELSE st.margin_used / st.equity END AS share
    FROM copytrading_copyfollower f
    JOIN platforms_tradingaccount a ON a.id = f.account_id
    LEFT JOIN platforms_accountstate st ON st.account_id = f.account_id
), steps AS (
    SELECT follower_id, account_id, least(999, trunc(share * 100))::smallint AS used,
           least(30000, trunc(share * leverage * 10))::smallint AS times
    FROM now_used
)
INSERT INTO analytics_marginuse (follower_id, account_id, used, times)
SELECT s.follower_id, s.account_id, s.used, s.times
FROM steps s LEFT JOIN analytics_marginuse old USING (follower_id)
WHERE old.follower_id IS NULL OR (old.used, old.times) <> (s.used, s.times)
ON CONFLICT (follower_id) DO UPDATE SET used = excluded.used, times = excluded.times
"""


def keep_margin_use() -> int:
    """Bring the order of all accounts that follow up to date; answers how many rows changed."""
    with connection.cursor() as cursor:
        cursor.execute(_KEEP)
        return int(cursor.rowcount)
