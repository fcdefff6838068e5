"""What copies earned: looked at every minute, and chained from look to look.

The return of a copy from one look to the next is what its result (realised and open) changed by,
over the money that copying had to work with at its beginning: the equity of the account, or the
capital that was allocated plus the copy's own result. Chained, the returns are *time-weighted*,
as the master's are: what is paid in or out changes the capital of the next look, never the
return. A copy that held nothing at the last look began with what the account has now, less what
the copy has made since.

A position that leaves its copy open (detached, or left to the customer by a copy that only opens)
leaves with what it is worth at the next look: the copy earned that, and no more.

Only copies that hold something, or whose result has changed, are written: the cost is that of
what happens, not of the history. Accounts that are not current are passed over; what became of
them meanwhile is taken up when they are back.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction

from apps.analytics.domain.standing import MINIMUM_FOLLOWERS
from apps.common.database import raw_cursor

#: One looks at a time: two would count the same gain twice.
_LOCK = 7_115_002
#: A share of a position's open result, for each link that holds some of it.
_SHARE = "sum(p.open_result * least(1, l.held_units / nullif(p.units, 0)))"

# Every copy with something to take up: its money now, and how it stood at the last look.
_FOUND = f"""
held AS (
    SELECT l.subscription_id, array_agg(l.id) AS links, {_SHARE} AS floating
    FROM copytrading_tradelink l
    LEFT JOIN execution_position p ON p.account_id = l.account_id
         AND p.position_id = l.position_id AND p.closed_at IS NULL
    WHERE l.state = 'open' AND l.held_units > 0
    GROUP BY l.subscription_id
), found AS (
    SELECT s.id, s.master_id, f.account_id, m.account_id AS master_account_id, s.created_at,
           s.result AS realised, coalesce(h.floating, 0) AS floating,
           coalesce(h.links, '{{}}') AS links,
           CASE WHEN s.allocated_capital > 0
                THEN s.allocated_capital + s.result + coalesce(h.floating, 0)
                ELSE st.equity END AS capital,
           a.owner_id IS NULL OR a.owner_id IS DISTINCT FROM ma.owner_id AS others,
           old.subscription_id IS NULL AS fresh,
           coalesce(old.realised + old.floating, 0) AS before,
           CASE WHEN old.links <> '{{}}' THEN old.capital END AS worked_with,
           array(SELECT unnest(old.links) EXCEPT SELECT unnest(h.links)) AS ended
    FROM copytrading_copysubscription s
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    JOIN copytrading_copymaster m ON m.id = s.master_id
    JOIN platforms_tradingaccount a ON a.id = f.account_id
    JOIN platforms_tradingaccount ma ON ma.id = m.account_id
    JOIN platforms_accountstate st ON st.account_id = a.id AND st.synced
    JOIN platforms_connectionstate c ON c.connection_id = a.connection_id AND c.status = 'live'
         AND c.live_at > %(now)s::timestamptz - make_interval(secs => %(fresh_s)s)
    LEFT JOIN held h ON h.subscription_id = s.id
    LEFT JOIN analytics_subscriptionfigures old ON old.subscription_id = s.id
    WHERE old.subscription_id IS NULL OR old.links <> '{{}}' OR h.subscription_id IS NOT NULL
       OR old.realised <> s.result
)"""

# With the positions that have left, and the factor by which the copy's money grew.
_LOOKS = """
leaving AS (
    SELECT found.id, l.id AS link_id, l.held_units,
           coalesce(CASE l.side WHEN 'buy' THEN q.bid ELSE q.ask END, p.price) AS price,
           p.open_result * least(1, l.held_units / nullif(p.units, 0)) AS worth
    FROM found CROSS JOIN LATERAL unnest(found.ended) gone (link_id)
    JOIN copytrading_tradelink l ON l.id = gone.link_id AND l.state = 'detached'
    JOIN execution_position p ON p.account_id = l.account_id
         AND p.position_id = l.position_id AND p.closed_at IS NULL
    JOIN platforms_tradingaccount a ON a.id = l.account_id
    LEFT JOIN platforms_quote q ON q.connection_id = a.connection_id
         AND q.instrument_id = l.instrument_id
    WHERE l.held_units > 0
), left_with AS (
    SELECT id, sum(worth) AS worth FROM leaving GROUP BY id
), looks AS (
    SELECT found.*, coalesce(left_with.worth, 0) AS released,
           realised + floating + coalesce(left_with.worth, 0) - before AS gained
    FROM found LEFT JOIN left_with USING (id)
), steps AS (
    SELECT looks.*, greatest(0, 1 + coalesce((gained / CASE
               WHEN coalesce(worked_with, capital - gained) > 0
               THEN coalesce(worked_with, capital - gained) END)::float8, 0)) AS step
    FROM looks
)"""

# What the master's account had made of the copy's first day before the copy began, where that
# day is today.
_MASTER_BEFORE = """
    CASE WHEN fresh AND steps.created_at >= date_trunc('day', %(now)s::timestamptz, 'UTC') THEN (
        SELECT ((ms.equity - least(d.deposits, 0))
                / nullif(greatest(p.equity + greatest(d.deposits, 0), 0), 0))::float8
        FROM platforms_accountstate ms
        JOIN analytics_equityday d ON d.account_id = ms.account_id
             AND d.day = (%(now)s::timestamptz AT TIME ZONE 'UTC')::date
        CROSS JOIN LATERAL (
            SELECT equity FROM analytics_equityday
            WHERE account_id = d.account_id AND day < d.day ORDER BY day DESC LIMIT 1) p
        WHERE ms.account_id = steps.master_account_id AND ms.equity > 0) END"""

_TAKE_UP = f"""
WITH {_FOUND}, {_LOOKS}, days AS (
    INSERT INTO analytics_subscriptionday AS old
        (subscription_id, day, result, floating, capital, growth)
    SELECT steps.id, (%(now)s::timestamptz AT TIME ZONE 'UTC')::date,
           steps.realised + steps.floating + steps.released + coalesce(f.released, 0),
           steps.floating, steps.capital, step
    FROM steps LEFT JOIN analytics_subscriptionfigures f ON f.subscription_id = steps.id
    WHERE gained <> 0
    ON CONFLICT (subscription_id, day) DO UPDATE
    SET result = excluded.result, floating = excluded.floating, capital = excluded.capital,
        growth = old.growth * excluded.growth
), released AS (
    INSERT INTO analytics_releasedposition (link_id, units, price, worth, at)
    SELECT link_id, held_units, price, worth, %(now)s FROM leaving
    ON CONFLICT DO NOTHING
)
INSERT INTO analytics_subscriptionfigures AS old
    (subscription_id, master_id, account_id, started_at, master_before, realised, floating,
     released, capital, growth, links, counts, looked_at)
SELECT id, master_id, account_id, created_at, coalesce({_MASTER_BEFORE}, 1), realised, floating,
       released, capital, step, links, others AND (links <> '{{}}' OR realised <> 0), %(now)s
FROM steps
ON CONFLICT (subscription_id) DO UPDATE
SET realised = excluded.realised, floating = excluded.floating,
    released = old.released + excluded.released, capital = excluded.capital,
    growth = old.growth * excluded.growth, links = excluded.links,
    counts = old.counts OR excluded.counts, looked_at = excluded.looked_at
"""

_EARNINGS = """
SELECT master_id, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY growth) - 1,
       avg((growth > 1)::int)::float8
FROM analytics_subscriptionfigures WHERE counts AND master_id = ANY(%s) GROUP BY master_id
"""


def follow_copies(*, now: datetime, fresh: timedelta = timedelta(seconds=30)) -> int:
    """Take up what copies have earned since the last look; answers how many were written.

    Accounts whose connection has not been live within ``fresh`` are passed over. Looking twice
    counts nothing twice.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute(_TAKE_UP, {"now": now, "fresh_s": fresh.total_seconds()})
        return int(cursor.rowcount)


def grown(gained: Decimal, money: Decimal) -> float:
    """The factor by which ``money`` grew that gained so much: not below 0, 1 of no money."""
    return max(0.0, 1 + float(gained / money)) if money > 0 else 1.0


@dataclass(frozen=True, slots=True)
class FollowerEarnings:
    """What the followers of a master really earned, after trading costs.

    ``median`` is the return of the follower in the middle and ``in_profit`` the share of those
    who gained anything, both fractions, and None below five followers. ``sample`` is how many
    there are.
    """

    median: float | None
    in_profit: float | None
    sample: int


def follower_earnings(master_ids: Collection[int]) -> dict[int, FollowerEarnings]:
    """What really became of the money that followed these masters, for every one of them.

    Of each copy that ever held anything, also of those that have ended, the time-weighted return
    since it began, after commission, swap and slippage; copies on accounts of the master's own
    owner are left out. One query. The figures are those of
    :func:`apps.analytics.domain.followers.follower_figures`.
    """
    earnings = {master_id: FollowerEarnings(None, None, 0) for master_id in master_ids}
    with raw_cursor() as cursor:
        rows = cursor.execute(_EARNINGS, [list(earnings)]).fetchall()
    for master_id, sample, median, in_profit in rows:
        few = sample < MINIMUM_FOLLOWERS
        earnings[master_id] = FollowerEarnings(
            None if few else median, None if few else in_profit, sample
        )
    return earnings
