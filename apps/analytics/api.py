"""Writing figures."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

_SAMPLE = """
INSERT INTO analytics_equitysample (account_id, at, balance, equity, margin_used)
SELECT s.account_id, date_trunc('minute', %(now)s::timestamptz), s.balance, s.equity, s.margin_used
FROM platforms_accountstate s
JOIN platforms_tradingaccount a ON a.id = s.account_id AND a.active
JOIN platforms_connectionstate c ON c.connection_id = a.connection_id
WHERE s.synced AND c.status = 'live'
  AND c.live_at > %(now)s::timestamptz - make_interval(secs => %(fresh_s)s)
ON CONFLICT (account_id, at) DO NOTHING
"""


def sample_equity(*, now: datetime, fresh: timedelta = timedelta(seconds=30)) -> int:
    """Keep one sample of the minute of ``now`` for every account whose state is current.

    Accounts whose connection has not been live within ``fresh`` get none: a gap in the curve
    is the truth, an old value repeated is not. Answers the number of samples stored;
    repeating within the minute stores nothing more.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE, {"now": now, "fresh_s": fresh.total_seconds()})
        return int(cursor.rowcount)
