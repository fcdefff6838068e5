"""What seldom changes of a subscription, its follower and its account, kept between events.

Reading and understanding it for thousands of copies is most of what planning would wait for.
PostgreSQL numbers each of the three rows anew with every change (``row_version``, from a sequence,
so that no number ever stands for two states), and what was read before holds as long as the three
numbers are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.backends.signals import connection_created

from apps.accounts.selectors import ProductSettings
from apps.copytrading.domain.codes import Code
from apps.copytrading.domain.rows import Rules
from apps.copytrading.services import sql
from apps.copytrading.services.terms import sized_of, terms_of

_KEPT = """
    SELECT s.id, s.row_version, f.row_version, a.row_version, replace(s.uuid::text, '-', ''),
           f.account_id, a.platform_account_id, a.connection_id,
           a.margin_mode IN ('netting', 'spot'),
           CASE WHEN s.archived_at IS NOT NULL OR s.status = 'disabled' THEN 'stopped'
                WHEN s.status = 'paused' OR NOT s.enabled OR NOT f.enabled THEN 'paused'
                ELSE '' END,
           concat_ws('|', s.volume_mode, s.risk_multiplier, s.fixed_volume,
                     coalesce(s.base_equity::text, ''), s.allocated_capital, s.below_minimum,
                     s.min_volume, s.max_volume, s.copy_sl, s.copy_tp),
           concat_ws('|', s.copy_partial_close, s.copy_pending_orders, s.reverse_direction,
                     s.copy_mode, s.max_positions, f.max_positions, s.max_delay_s, f.max_delay_s,
                     s.min_equity, f.min_equity, s.max_slippage, f.max_slippage,
                     s.min_margin_level, f.min_margin_level, s.loss_limit, f.loss_limit,
                     s.symbols_mode, s.symbols),
           s.started_after_event, a.currency, a.platform, a.leverage, s.revision, s.has_pairs
    FROM copytrading_copysubscription s
    JOIN copytrading_copyfollower f ON f.id = s.follower_id
    JOIN platforms_tradingaccount a ON a.id = f.account_id
    WHERE s.id = ANY(%s)
"""

Versions = tuple[int, int, int]


class Kept(NamedTuple):
    """What is kept of one subscription, as it is under the product's settings of its time.

    ``head`` and ``body`` are the fields of :class:`apps.copytrading.domain.rows.Row` before and
    after ``hold``. ``hold`` is the subscription's own, STOPPED, PAUSED or CLOSES_ONLY.
    """

    versions: Versions
    settings: ProductSettings
    head: tuple[Any, ...]
    hold: Code | None
    body: tuple[Any, ...]
    currency: str
    platform: str
    rules: Rules
    leverage: Decimal
    revision: int
    has_pairs: bool


#: Subscriptions that a process keeps; some hundred bytes each.
MOST = 50_000

_kept: dict[int, Kept] = {}
_settings: ProductSettings | None = None


def forget(**_: Any) -> None:
    """Keep nothing any more: another connection may be one to another past."""
    _kept.clear()


connection_created.connect(forget, dispatch_uid="copytrading.remembered")


def kept_of(wanted: Iterable[tuple[int, Versions]], settings: ProductSettings) -> dict[int, Kept]:
    """What is known of subscriptions at these versions or later ones; reads what has changed.

    Threads may call it side by side: each has what it found, whatever the others forget.
    """
    settings = _as_before(settings)
    found: dict[int, Kept] = {}
    changed: list[int] = []
    for pk, versions in wanted:
        kept = _kept.get(pk)
        if kept is not None and kept.versions == versions and kept.settings is settings:
            found[pk] = kept
        else:
            changed.append(pk)
    if changed:
        read = _read(changed, settings)
        if len(_kept) + len(read) > MOST:
            forget()
        _kept.update(read)
        found |= read
    return found


def _as_before(settings: ProductSettings) -> ProductSettings:
    """Equal settings as the same object, so that what was kept under them is told at a glance."""
    global _settings
    known = _settings
    if known is not None and known == settings:
        return known
    _settings = settings
    return settings


def _read(ids: Sequence[int], settings: ProductSettings) -> dict[int, Kept]:
    read: dict[int, Kept] = {}
    for v in sql.binary_rows(_KEPT, [ids]):
        pk, *versions = v[:4]
        stands, sizing, terms, started_after, currency, platform, leverage, revision, pairs = v[9:]
        term = terms_of(terms, settings)
        read[pk] = Kept(
            (versions[0], versions[1], versions[2]),
            settings,
            (pk, *v[4:9]),
            _HOLDS[stands] or (Code.CLOSES_ONLY if term.closes_only else None),
            (*sized_of(sizing), term.max_delay, started_after),
            currency,
            platform,
            term.rules,
            leverage,
            revision,
            pairs,
        )
    return read


_HOLDS = {"": None, "stopped": Code.STOPPED, "paused": Code.PAUSED}
