"""The history of a subscription's settings: a version for each change, kept for good.

A version says what the subscription, its follower account, its symbol pairs and the product
said. The number of the one that holds is the subscription's ``revision``; outcomes name it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from apps.copytrading.domain.guards import Guards, strictest
from apps.copytrading.models import CopySubscription
from apps.copytrading.services import sql

# Whatever is not a setting is taken away, so that a new setting is recorded from its first day.
_SETTINGS = """
    jsonb_build_object(
        'subscription', to_jsonb(s) - '{id,uuid,master_id,follower_id,status_reason,revision,
            result,has_pairs,created_at}'::text[],
        'follower', to_jsonb(f) - '{id,uuid,account_id,created_at,archived_at}'::text[],
        'product', to_jsonb(c) - '{id,name,timezone,updated_at}'::text[],
        'pairs', (SELECT coalesce(jsonb_object_agg(p.master_symbol, p.follower_symbol), '{}')
                  FROM copytrading_symbolpair p WHERE p.subscription_id = s.id))
"""

_RECORD = f"""
    WITH next AS (
        SELECT s.id, s.revision + CASE WHEN EXISTS (
                   SELECT 1 FROM copytrading_subscriptionversion v
                   WHERE v.subscription_id = s.id AND v.number = s.revision)
               THEN 1 ELSE 0 END AS number, {_SETTINGS} AS settings
        FROM copytrading_copysubscription s
        JOIN copytrading_copyfollower f ON f.id = s.follower_id
        LEFT JOIN accounts_productconfig c ON c.id = 1
        WHERE s.id = ANY(%s)),
    moved AS (
        UPDATE copytrading_copysubscription s SET revision = n.number FROM next n WHERE s.id = n.id)
    INSERT INTO copytrading_subscriptionversion (subscription_id, number, settings, at)
    SELECT id, number, settings, %s FROM next RETURNING subscription_id, number
"""


def record_versions(subscription_ids: Sequence[int], now: datetime) -> dict[int, int]:
    """Keep the settings of these subscriptions as they stand, in the running transaction.

    Answers the new revision of each.
    """
    if not subscription_ids:
        return {}
    return dict(sql.rows(_RECORD, [sorted(subscription_ids), now]))


def running_ids() -> list[int]:
    """All subscriptions that are not archived."""
    found = CopySubscription.objects.filter(archived_at=None)
    return list(found.values_list("pk", flat=True))


def record_version(subscription: CopySubscription, now: datetime) -> None:
    """Keep the settings of one subscription; the instance gets its new revision."""
    subscription.revision = record_versions([subscription.pk], now)[subscription.pk]


@dataclass(frozen=True, slots=True)
class Version:
    """Settings from ``at`` on: of the subscription, its follower account and the product.

    Numbers with decimals are Decimal; ``pairs`` gives the follower's symbol by the master's.
    """

    number: int
    at: datetime
    subscription: Mapping[str, Any]
    follower: Mapping[str, Any]
    product: Mapping[str, Any]
    pairs: Mapping[str, str]

    def guards(self) -> Guards:
        """The guards in effect: the strictest of the three."""
        levels = (self.product, self.follower, self.subscription)
        return strictest(*(Guards(*(level.get(n, 0) for n in Guards._fields)) for level in levels))


def versions_of(subscription_id: int) -> dict[int, Version]:
    """All versions of a subscription by their number, oldest first."""
    found = sql.rows(
        "SELECT number, at, settings::text FROM copytrading_subscriptionversion "
        "WHERE subscription_id = %s ORDER BY number",
        [subscription_id],
    )
    return {number: _version(number, at, text) for number, at, text in found}


def _version(number: int, at: datetime, text: str) -> Version:
    # PostgreSQL writes a column with decimals with all of them, so that whole money is no int.
    settings = json.loads(text, parse_float=Decimal)
    return Version(
        number,
        at,
        settings["subscription"],
        settings["follower"],
        settings["product"] or {},
        settings["pairs"],
    )
