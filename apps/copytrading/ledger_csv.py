"""Outcomes as CSV, streamed page by page so that any number of them fits into memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

from apps.common.csv_files import as_file, harmless, sizes_of_parts
from apps.common.csv_files import lines as _lines
from apps.copytrading.ledger import Search, search
from apps.copytrading.rows import OutcomeRow
from apps.copytrading.services import sql

HEADER = (
    "event", "received", "master", "account", "trade", "symbol", "side", "outcome", "code",
    "reason", "message", "ordered_lots", "filled_lots", "master_price", "fill_price", "slippage",
    "slippage_money", "currency", "planned_ms", "sent_ms", "accepted_ms", "filled_ms", "story",
    "position", "order_id", "trace_id", "seal_number", "seal_digest",
)  # fmt: skip

_SEALS = """
    SELECT outcome_id, number, digest FROM copytrading_outcomeseal WHERE outcome_id = ANY(%s)
"""


def csv_response(wanted: Search, name: str) -> StreamingHttpResponse:
    """All outcomes of a search, as a file to save."""
    return as_file(_stream(wanted), name)


async def _stream(wanted: Search) -> AsyncIterator[str]:
    yield _lines([HEADER])
    cursor: str | None = None
    for size in sizes_of_parts():
        text, cursor = await sync_to_async(_page)(wanted, cursor, size)
        yield text
        if cursor is None:
            return


def _page(wanted: Search, cursor: str | None, size: int) -> tuple[str, str | None]:
    page = search(wanted, cursor=cursor, limit=size)
    found = sql.rows(_SEALS, [[row.id for row in page.rows]])
    seals = {outcome_id: (number, mark) for outcome_id, number, mark in found}
    text = _lines(cells(row, *seals.get(row.id, (None, ""))) for row in page.rows)
    return text, page.next_cursor


def cells(row: OutcomeRow, number: int | None, digest: str) -> tuple[str, ...]:
    """A row in the columns of :data:`HEADER`; words of others are made harmless."""
    hops = (row.to_planned_ms, row.to_sent_ms, row.to_accepted_ms, row.to_filled_ms)
    return (
        str(row.event_id), _time(row.received_at), harmless(row.strategy_name),
        harmless(row.account_login), row.kind, harmless(row.symbol), row.side, row.state,
        row.code, row.reason, harmless(row.message), _number(row.lots), _number(row.filled_lots),
        _number(row.master_price), _number(row.fill_price), _number(row.slippage),
        _number(row.slippage_money), row.currency,
        *("" if hop is None else f"{hop:.1f}" for hop in hops),
        harmless(row.story), harmless(row.position_key), harmless(row.client_order_id),
        harmless(row.trace_id), "" if number is None else str(number), digest,
    )  # fmt: skip


def _number(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}"


def _time(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
