"""Closing links for a cause of its own: a person's wish, a guard, or the rest of a close.

What should not be held any more is closed for as long as it is there, however often a platform
loses or refuses it; the pauses between the attempts grow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from apps.copytrading.domain.link import REST, Link, LinkState, finished
from apps.copytrading.domain.mapping import Symbol
from apps.copytrading.domain.rounding import holding
from apps.copytrading.domain.rows import Row, limits_of
from apps.copytrading.models import TradeLink
from apps.copytrading.services import sql
from apps.copytrading.services.holds import give_back
from apps.copytrading.services.links import store_links
from apps.copytrading.services.load import load_master, load_rows
from apps.copytrading.services.market import symbols_of_links
from apps.copytrading.services.orders import close_intent
from apps.execution import api as execution
from apps.trading.quantity import ZERO

LONGEST_PAUSE_S = 60


def again(cause: str, *, arrived: bool = True) -> str:
    """The cause of the next attempt: 'base#attempt', or 'base#attempt.pause' where it waits less.

    The platform is left in peace for longer each time that it refuses. What has not ``arrived``
    there at all, since one side was away, is no reason for that.
    """
    base, attempt, level = _parts(cause)
    if base.startswith("event:"):
        base = REST + base
    attempt, level = attempt + 1, level + 1 if arrived else max(level, 2)
    return f"{base}#{attempt}" if attempt == level else f"{base}#{attempt}.{level}"


def _parts(cause: str) -> tuple[str, int, int]:
    """Base, number of the attempt, and the one after whose like its pause is."""
    base, _, numbers = cause.partition("#")
    attempt, _, level = numbers.partition(".")
    return base, int(attempt or 1), int(level or attempt or 1)


# Until it is cancelled a resting order may still be filled; what it fills goes the same way.
_UNWANTED = """
    UPDATE copytrading_pendinglink
    SET state = 'unwanted', retry_at = NULL,
        cancel_cause = CASE cancel_cause WHEN '' THEN %s ELSE cancel_cause END
    WHERE subscription_id = ANY(%s) AND closed_at IS NULL AND position_key = ''
      AND state IN ('placing', 'resting')
"""


def want_closed(subscription_ids: Sequence[int], cause: str, now: datetime) -> None:
    """Have everything that these subscriptions hold closed; what holds nothing ends.

    Orders that rest are cancelled with what they fill until then. In the caller's transaction,
    under the lock of their master, who sends the closes next.
    """
    links = TradeLink.objects.filter(subscription_id__in=subscription_ids, state="open")
    links.filter(held_units=0, in_flight="").update(
        state="closed", target_units=0, closed_at=now, close_cause=""
    )
    links.update(close_cause=cause, close_not_before=None)  # a new wish waits for no old pause
    sql.execute(_UNWANTED, [cause, list(subscription_ids)])
    give_back(subscription_ids)


def pause_s(cause: str) -> int:
    """Seconds before the attempt that a cause numbers is sent: 1, 2, 4 … 60 from the second on."""
    _, _, level = _parts(cause)
    return min(LONGEST_PAUSE_S, 2 ** min(8, level - 2)) if level > 1 else 0


def masters_with_due_closes() -> list[int]:
    """Accounts of masters of whose copies a close is to be sent again now."""
    found = sql.rows(
        "SELECT DISTINCT master_account_id FROM copytrading_tradelink "
        "WHERE state = 'open' AND close_cause <> '' AND in_flight = '' AND held_units > 0 "
        "AND close_not_before <= %s",
        [timezone.now()],
    )
    return sorted(row[0] for row in found)


def close_requested(master_account_id: int) -> int:
    """Send closes for links that shall be closed and have no order in flight.

    One that failed before waits for its pause first; the sweep finds it when that is over.
    """
    now = timezone.now()
    wanted = _wanted(master_account_id, now)
    if not wanted:
        return 0
    master = load_master(master_account_id, now)
    if master is None:
        return 0
    ids, keys = {row[0] for row in wanted}, {row[1] for row in wanted}
    places = set(wanted)
    rows = load_rows(master, sorted(keys), now, sorted(ids))
    symbols = symbols_of_links(rows, now)
    links, intents, connections = [], [], {}
    for row in rows:
        for link in row.links.values():
            if (row.subscription_id, link.position_key) not in places:
                continue
            symbol = symbols.get((row.connection_id, link.instrument_id))
            units, target = _too_much(row, link, symbol)
            if units > 0:
                cause = link.close_cause
                intent = close_intent(master_account_id, row, link, units=units, cause=cause)
                intents.append(intent)
                connections[row.account_id] = row.connection_id
                link = link._replace(in_flight=intent.client_order_id, target=target)
            else:  # somebody else closed it first, or it is wanted again
                goes_on = link.held > 0 or (link.state is LinkState.GONE and link.master_units > 0)
                link = link if goes_on else finished(link)
                link = link._replace(close_cause="")
            links.append((row, link))
    with transaction.atomic():
        execution.submit(intents, connection_ids=connections, now=now)
        store_links(master_account_id, links, now)
    return len(links)


def _too_much(row: Row, link: Link, symbol: Symbol | None) -> tuple[Decimal, Decimal]:
    """Units to close, and what should be held after it.

    The rest of a master's close is what is more than should be held, which stays exact, however
    it is rounded; any other cause wants all of it closed.
    """
    if not link.close_cause.startswith(REST) or link.target <= 0 or symbol is None:
        return link.held, ZERO
    wanted, _ = holding(link.target, limits_of(row, symbol), opening=False)
    return link.held - wanted, link.target


def _wanted(master_account_id: int, now: datetime) -> list[tuple[int, str]]:
    """Places of links to be closed now; those whose close failed get their pause first."""
    found = sql.rows(
        "SELECT id, subscription_id, position_key, close_cause, close_not_before "
        "FROM copytrading_tradelink "
        "WHERE master_account_id = %s AND state = 'open' AND close_cause <> '' "
        "AND in_flight = '' AND held_units > 0 "
        "AND (close_not_before IS NULL OR close_not_before <= %s) LIMIT 2000",
        [master_account_id, now],
    )
    places: list[tuple[int, str]] = []
    waits: dict[datetime | None, list[int]] = defaultdict(list)
    for link_id, subscription_id, position_key, cause, not_before in found:
        pause = pause_s(cause)
        if pause and not_before is None:
            waits[now + timedelta(seconds=pause)].append(link_id)
        elif not pause or not_before <= now:
            places.append((subscription_id, position_key))
            if not_before is not None:
                waits[None].append(link_id)
    for until, link_ids in waits.items():
        sql.execute(
            "UPDATE copytrading_tradelink SET close_not_before = %s WHERE id = ANY(%s)",
            [until, link_ids],
        )
    return places
