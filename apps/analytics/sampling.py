"""Samples of equity by the minute, and the deposits that lie between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from django.db import connection, transaction

from apps.analytics import partitions
from apps.analytics.domain.deposits import Reading, bookings, unexplained
from apps.execution.booked import BookedDeal, deals_booked

#: Samples of so many last minutes are looked at again for deposits: their deals may be stored
#: a little later than they were.
LOOK_AGAIN = timedelta(minutes=10)
#: Deals before the first of those samples that it may hold.
_EARLIER = timedelta(minutes=5)

_SAMPLE = """
INSERT INTO analytics_equitysample
    (account_id, at, known_at, balance, equity, margin_used)
SELECT s.account_id, date_trunc('minute', %(now)s::timestamptz), s.as_of, s.balance, s.equity,
       s.margin_used
FROM platforms_accountstate s
JOIN platforms_tradingaccount a ON a.id = s.account_id AND a.active
JOIN platforms_connectionstate c ON c.connection_id = a.connection_id
WHERE s.synced AND c.status = 'live'
  AND c.live_at > %(now)s::timestamptz - make_interval(secs => %(fresh_s)s)
ON CONFLICT (account_id, at) DO NOTHING
"""

# Accounts whose balance moved, or whose samples begin after the window does (new, or after a
# gap), each with the last sample before the window.
_MOVED = """
WITH recent AS (
    SELECT account_id, at, known_at, balance, deposits FROM analytics_equitysample
    WHERE at >= %(since)s AND at <= %(until)s
), moved AS (
    SELECT account_id FROM recent GROUP BY account_id
    HAVING min(balance) <> max(balance) OR bool_or(deposits <> 0)
        OR min(at) > %(since)s::timestamptz + interval '1 minute'
), before AS (
    SELECT b.* FROM moved m CROSS JOIN LATERAL (
        SELECT account_id, at, known_at, balance, deposits FROM analytics_equitysample
        WHERE account_id = m.account_id AND at < %(since)s ORDER BY at DESC LIMIT 1
    ) b
)
SELECT account_id, at, coalesce(known_at, at), balance, deposits FROM (
    SELECT * FROM before UNION ALL SELECT r.* FROM recent r JOIN moved USING (account_id)
) samples ORDER BY account_id, at
"""

_DEPOSITS = """
UPDATE analytics_equitysample s SET deposits = found.deposits
FROM unnest(%s::bigint[], %s::timestamptz[], %s::numeric[]) found (account_id, at, deposits)
WHERE s.account_id = found.account_id AND s.at = found.at
"""


class _Sample(NamedTuple):
    account_id: int
    at: datetime
    known_at: datetime
    balance: Decimal
    deposits: Decimal

    def reading(self) -> Reading:
        return Reading(self.at, self.known_at, self.balance)


def sample_equity(*, now: datetime, fresh: timedelta = timedelta(seconds=30)) -> int:
    """Keep one sample of the minute of ``now`` for every account whose state is current.

    Accounts whose connection has not been live within ``fresh`` get none: a gap in the curve
    is the truth, an old value repeated is not. Answers the number of samples stored;
    repeating within the minute stores nothing more.
    """
    partitions.ensure(now, now)
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE, {"now": now, "fresh_s": fresh.total_seconds()})
        return int(cursor.rowcount)


def find_deposits(*, now: datetime, look_again: timedelta = LOOK_AGAIN) -> int:
    """Note deposits and withdrawals at the samples of the last minutes.

    What no deal explains of a balance's change came in or went out. Deals that were stored late
    correct what was taken for a deposit. Answers the number of samples that were changed;
    repeating changes nothing more.
    """
    since = now - look_again
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_MOVED, {"since": since, "until": now})
        samples = [_Sample(*row) for row in cursor.fetchall()]
        if not samples:
            return 0
        accounts = {sample.account_id for sample in samples}
        deals = deals_booked(accounts, min(s.at for s in samples) - _EARLIER)
        changed = list(_changes(samples, deals, since))
        if changed:
            cursor.execute(_DEPOSITS, [list(column) for column in zip(*changed, strict=True)])
    return len(changed)


def _changes(
    samples: Sequence[_Sample], deals: Sequence[BookedDeal], since: datetime
) -> Iterable[tuple[int, datetime, Decimal]]:
    by_account = {key: list(rows) for key, rows in groupby(deals, lambda d: d.account_id)}
    for account_id, group in groupby(samples, lambda s: s.account_id):
        rows = list(group)
        booked = bookings(by_account.get(account_id, ()))
        found = unexplained([row.reading() for row in rows], booked)
        for row in rows:
            deposits = found.get(row.at, Decimal(0))
            if row.at >= since and row.deposits != deposits:
                yield account_id, row.at, deposits
