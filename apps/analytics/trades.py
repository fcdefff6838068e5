"""Closed trades of masters' accounts, written from their deals as they come.

A deal is followed from where its position stood, and sums are added to: a new deal costs the
same however many came before. Only deals that come late, or an account that is new, are computed
from all stored deals of the position or the account. Every step may run twice, or late, without
changing anything twice.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection, transaction

from apps.analytics import trade_sums
from apps.analytics.domain.closing import Held, Known, followed
from apps.analytics.domain.trades import ClosedTrade
from apps.analytics.trade_models import AccountTrades, DealsSeen, HeldPosition, TradeRecord
from apps.common.database import raw_cursor
from apps.copytrading.selectors import accounts_of_masters
from apps.execution import traded
from apps.execution.traded import PositionKey, TradedDeal
from apps.trading.deals import DealEffect
from apps.trading.orders import Side

#: Deals that are taken up in one transaction.
TOGETHER = 20_000
#: A deal appears at most so long after one with a greater id.
LATE = timedelta(minutes=5)
_LOCK = 0x54726164

_FIELDS = tuple(f.name for f in TradeRecord._meta.concrete_fields)
_COPY = f"COPY analytics_traderecord ({', '.join(_FIELDS)}) FROM STDIN"
_HELD = """
SELECT h.account_id, h.position_id, h.side, h.units, h.price, h.opened_at, h.owed, h.last_at,
       h.last_deal
FROM unnest(%s::bigint[], %s::text[]) p (account_id, position_id)
JOIN analytics_heldposition h ON h.account_id = p.account_id AND h.position_id = p.position_id
"""
_FORGET = """
DELETE FROM {table} t USING unnest(%s::bigint[], %s::text[]) p (account_id, position_id)
WHERE t.account_id = p.account_id AND t.position_id = p.position_id
"""
_RECORDS = f"""
SELECT {", ".join(f"t.{name}" for name in _FIELDS)}
FROM unnest(%s::bigint[], %s::text[]) p (account_id, position_id)
JOIN analytics_traderecord t ON t.account_id = p.account_id AND t.position_id = p.position_id
"""


@dataclass
class _Work:
    """What following some positions came to."""

    records: list[TradeRecord] = field(default_factory=list)
    held: list[HeldPosition] = field(default_factory=list)
    flat: list[PositionKey] = field(default_factory=list)
    replaced: list[PositionKey] = field(default_factory=list)  # their stored trades were wrong


def keep_trades(*, now: datetime, budget: timedelta = timedelta(seconds=20)) -> int:
    """Take up the deals of masters' accounts that are not in their trades yet.

    Answers how many were; 0 also where somebody else is at it. Stops after ``budget``, the next
    run goes on. An account that becomes a master brings all its deals along.
    """
    until = time.monotonic() + budget.total_seconds()
    count, more = 0, True
    while more and time.monotonic() < until:
        with transaction.atomic():
            if not _locked():
                return count
            done, more = _step(now)
            count += done
    return count


def _step(now: datetime) -> tuple[int, bool]:
    """Some new accounts, or else what is new of those that are known; and whether more waits."""
    seen = _seen(now)
    accounts = accounts_of_masters(archived=True)
    known = set(AccountTrades.objects.values_list("account_id", flat=True))
    new = [account for account in accounts if account not in known]
    if new:
        chosen = _together(new)
        deals = traded.deals_of_accounts(chosen)
        AccountTrades.objects.bulk_create(AccountTrades(account_id=a) for a in chosen)
        _store(_follow_all(_by_position(deals)))
        more = True
    else:
        deals = traded.deals_above(seen.floor, accounts, but=seen.taken, limit=TOGETHER)
        _store(_follow_later(_by_position(deals)))
        more = len(deals) == TOGETHER
    taken = [*seen.taken, *(deal.id for deal in deals if deal.id > seen.floor)]
    _remember(seen, taken, now, complete=not more)
    return len(deals), more


def _locked() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _seen(now: datetime) -> DealsSeen:
    found = DealsSeen.objects.first()
    if found is None:
        floor = traded.newest_deal_id(before=now - 2 * LATE)
        found = DealsSeen(floor=floor, mark=floor, mark_at=now)
    return found


def _remember(seen: DealsSeen, taken: Sequence[int], now: datetime, *, complete: bool) -> None:
    """Store what was taken. What was the newest some minutes ago becomes the floor: whatever is
    below it has been read by now."""
    moves = complete and now - seen.mark_at >= LATE
    if not (seen._state.adding or moves) and len(taken) == len(seen.taken):
        return
    seen.taken = list(taken)
    if moves:
        seen.floor, seen.mark, seen.mark_at = seen.mark, traded.newest_deal_id(), now
        seen.taken = [deal_id for deal_id in taken if deal_id > seen.floor]
    seen.save()


def _together(accounts: Sequence[int]) -> list[int]:
    """The first of these accounts, with as many deals as are taken up at once; at least one."""
    counts = traded.deal_counts(accounts)
    chosen: list[int] = []
    deals = 0
    for account in accounts:
        deals += counts.get(account, 0)
        if chosen and deals > TOGETHER:
            break
        chosen.append(account)
    return chosen


def _by_position(deals: Iterable[TradedDeal]) -> dict[PositionKey, list[TradedDeal]]:
    groups: dict[PositionKey, list[TradedDeal]] = defaultdict(list)
    for deal in deals:
        groups[deal.position].append(deal)
    for group in groups.values():
        group.sort(key=lambda deal: deal.order)
    return groups


def _follow_all(positions: Mapping[PositionKey, Sequence[TradedDeal]]) -> _Work:
    """Positions from their first deal on."""
    work = _Work()
    openings = traded.stored_openings(
        key for key, deals in positions.items() if deals[0].effect is not DealEffect.OPEN
    )
    for key, deals in positions.items():
        _follow(work, key, None, deals, openings.get(key))
    return work


def _follow_later(positions: Mapping[PositionKey, Sequence[TradedDeal]]) -> _Work:
    """Positions from where they stood; anew from their first deal where that is not known."""
    held = _held(positions)
    anew = [
        key for key, deals in positions.items() if key not in held or deals[0].order <= held[key][1]
    ]
    work = _follow_all(_by_position(traded.deals_of_positions(anew)))
    _without_stored(work, anew)
    fresh = set(anew)
    for key, deals in positions.items():
        if key not in fresh:
            _follow(work, key, held[key][0], deals, None)
    return work


def _follow(
    work: _Work,
    key: PositionKey,
    held: Held | None,
    deals: Sequence[TradedDeal],
    opening: traded.StoredOpening | None,
) -> None:
    now_held, closed = followed(held, deals, Known(*opening) if opening else None)
    work.records += [
        _record(deal, trade) for deal, trade in zip(deals, closed, strict=True) if trade
    ]
    if now_held is None:
        work.flat.append(key)
        return
    work.held.append(
        HeldPosition(
            account_id=key[0],
            position_id=key[1],
            last_at=deals[-1].executed_at,
            last_deal=deals[-1].deal_id,
            **now_held._asdict(),
        )
    )


def _record(deal: TradedDeal, trade: ClosedTrade) -> TradeRecord:
    return TradeRecord(
        id=deal.id,
        account_id=deal.account_id,
        position_id=deal.position_id,
        instrument_id=trade.symbol,
        side=trade.side.value,
        units=trade.volume,
        opened_at=trade.opened_at,
        closed_at=trade.closed_at,
        open_price=trade.open_price,
        close_price=trade.close_price,
        profit=trade.profit,
        commission=trade.commission,
        swap=trade.swap,
        result=trade.result,
    )


def _held(
    positions: Collection[PositionKey],
) -> dict[PositionKey, tuple[Held, tuple[datetime, int, str]]]:
    """What is remembered of positions, each with the order of its last deal."""
    with raw_cursor() as cursor:
        rows = cursor.execute(_HELD, _columns(positions)).fetchall()
    return {
        (row[0], row[1]): (Held(Side(row[2]), *row[3:7]), (row[7], len(row[8]), row[8]))
        for row in rows
    }


def _without_stored(work: _Work, anew: Sequence[PositionKey]) -> None:
    """Take out the trades that are stored as they were found again.

    Where one of a position is not, all of its trades are written anew.
    """
    with raw_cursor() as cursor:
        rows = cursor.execute(_RECORDS, _columns(anew)).fetchall()
    stored = {row[0]: row for row in rows}
    found = {r.id: tuple(getattr(r, name) for name in _FIELDS) for r in work.records}
    wrong = {(row[1], row[2]) for row in rows if found.get(row[0]) != row}
    work.replaced = sorted(wrong)
    work.records = [
        r for r in work.records if r.id not in stored or (r.account_id, r.position_id) in wrong
    ]


def _store(work: _Work) -> None:
    _forget("analytics_traderecord", work.replaced)
    _forget("analytics_heldposition", work.flat)
    if work.records:
        with raw_cursor() as cursor, cursor.copy(_COPY) as copy:
            for record in work.records:
                copy.write_row([getattr(record, name) for name in _FIELDS])
    HeldPosition.objects.bulk_create(
        work.held,
        update_conflicts=True,
        unique_fields=["account_id", "position_id"],
        update_fields=["side", "units", "price", "opened_at", "owed", "last_at", "last_deal"],
        batch_size=1000,
    )
    trade_sums.add(work.records, anew={account for account, _ in work.replaced})


def _forget(table: str, positions: Sequence[PositionKey]) -> None:
    if positions:
        with connection.cursor() as cursor:
            cursor.execute(_FORGET.format(table=table), _columns(positions))


def _columns(positions: Collection[PositionKey]) -> list[list[object]]:
    return [[account for account, _ in positions], [position for _, position in positions]]
