"""Samples of equity by the minute and after deals, and the deposits that lie between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from django.db import connection, transaction

from apps.analytics import partitions
from apps.analytics.domain.deposits import Reading, bookings, unexplained
from apps.analytics.models import RollUp
from apps.execution.booked import BookedDeal, deals_booked

#: Samples of so many last minutes are looked at again for deposits: their deals may be stored
#: a little later than they were.
LOOK_AGAIN = timedelta(minutes=10)
#: Deals of so long ago are looked at again for accounts to sample.
DEALS_AGAIN = timedelta(seconds=10)
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

# Accounts that traded and have no sample since, with what they are worth after it. Their state
# may be a little behind their deals: those are looked at again until it has caught up.
_AFTER_DEALS = """
INSERT INTO analytics_equitysample (account_id, at, known_at, balance, equity, margin_used)
SELECT s.account_id, date_trunc('milliseconds', s.as_of), s.as_of, s.balance, s.equity,
       s.margin_used
FROM (SELECT account_id, max(received_at) AS at FROM execution_deal
      WHERE id > %(mark)s AND received_at > %(now)s::timestamptz - interval '1 minute'
      GROUP BY account_id) d
JOIN platforms_accountstate s ON s.account_id = d.account_id AND s.synced AND s.as_of >= d.at
     AND s.as_of <= %(now)s
WHERE NOT EXISTS (SELECT 1 FROM analytics_equitysample e
                  WHERE e.account_id = d.account_id AND e.at >= d.at AND e.at <= %(now)s)
ON CONFLICT (account_id, at) DO NOTHING
"""
_SETTLED_DEALS = "SELECT max(id) FROM execution_deal WHERE id > %s AND received_at < %s"

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


def sample_deals(*, now: datetime) -> int:
    """Keep a sample of every account that traded since the last look, as it was after its deals.

    Called every few seconds by the worker that keeps figures, never by those that copy: nothing
    is added to what happens between a master's deal and its copies. Deals are found by their ids,
    which count up, so that a look costs what was traded since the one before, and whatever number
    of accounts that is takes one statement; several deals of an account between two looks make
    one sample. It stands at the moment from which the state is, after the deal: that makes it a
    sample like those of full minutes, and the sample of a minute will do where it comes first.
    Deals of the last ten seconds are looked at again, for those that were committed late and
    for accounts whose state had not caught up. What trades while a connection is down is sampled
    by the minute when it is back. Answers the number of samples stored; repeating adds none.
    """
    partitions.ensure(now, now)
    with transaction.atomic(), connection.cursor() as cursor:
        state = RollUp.objects.get_or_create()[0]
        cursor.execute(_AFTER_DEALS, {"mark": state.deals_to, "now": now})
        stored = int(cursor.rowcount)
        cursor.execute(_SETTLED_DEALS, [state.deals_to, now - DEALS_AGAIN])
        newest = cursor.fetchone()[0]
        if newest is not None:
            RollUp.objects.filter(pk=state.pk).update(deals_to=newest)
    return stored


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
