"""Closing links for a cause of its own: a person's wish, a guard, or the rest of a close."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from apps.copytrading.domain.link import finished
from apps.copytrading.services import sql
from apps.copytrading.services.links import store_links
from apps.copytrading.services.load import load_master, load_rows
from apps.copytrading.services.orders import close_intent
from apps.execution import api as execution
from apps.trading.quantity import ZERO

#: How often the rest of a close is sent again before it stays, visibly, for a person.
ATTEMPTS = 5


def again(cause: str) -> str:
    """The cause of the next attempt; '' when there were enough."""
    base, _, number = cause.partition("#")
    attempt = int(number or 1) + 1
    return f"{base}#{attempt}" if attempt <= ATTEMPTS else ""


def close_requested(master_account_id: int) -> int:
    """Send closes for links that shall be closed and have no order in flight."""
    wanted = sql.rows(
        "SELECT subscription_id, position_key FROM copytrading_tradelink "
        "WHERE master_account_id = %s AND state = 'open' AND close_cause <> '' "
        "AND in_flight = '' AND held_units > 0 LIMIT 2000",
        [master_account_id],
    )
    if not wanted:
        return 0
    now = timezone.now()
    master = load_master(master_account_id, now)
    if master is None:
        return 0
    ids, keys = {row[0] for row in wanted}, {row[1] for row in wanted}
    places = set(wanted)
    links, intents, connections = [], [], {}
    for row in load_rows(master, sorted(keys), now, sorted(ids)):
        for link in row.links.values():
            if (row.subscription_id, link.position_key) not in places:
                continue
            if link.held > 0:
                intent = close_intent(master_account_id, row, link, cause=link.close_cause)
                intents.append(intent)
                connections[row.account_id] = row.connection_id
                link = link._replace(in_flight=intent.client_order_id, target=ZERO)
            else:  # somebody else closed it first
                link = finished(link)._replace(close_cause="")
            links.append((row, link))
    with transaction.atomic():
        execution.submit(intents, connection_ids=connections, now=now)
        store_links(master_account_id, links, now)
    return len(links)
