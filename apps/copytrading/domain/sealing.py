"""The hash chain over outcomes: the canonical form of a row, and the digest that links it.

The form does not depend on a database or a locale, so anybody who has the rows can compute the
chain again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

#: Columns that a seal covers, in this order: all that an outcome has.
SEALED_COLUMNS = (
    "id", "event_id", "subscription_id", "master_account_id", "account_id", "link_id",
    "position_key", "event_kind", "symbol", "state", "code", "message", "client_order_id",
    "trace_id", "side", "units", "filled_units", "lot_units", "master_price", "fill_price",
    "slippage", "slippage_money", "numbers", "master_deal_at", "received_at", "planned_at",
    "sent_at", "accepted_at", "filled_at", "final_at",
)  # fmt: skip


def canonical(values: Sequence[object]) -> bytes:
    """A row as UTF-8 JSON: a list of its columns in the order of :data:`SEALED_COLUMNS`.

    Decimals are plain text without needless zeros, times are UTC with six decimals of a second,
    the keys of ``numbers`` (a mapping) are sorted, and there is no white space.
    """
    plain = [_plain(value) for value in values]
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def digest(previous: str, values: Sequence[object]) -> str:
    """The digest of a row (hexadecimal SHA-256) that follows on ``previous`` ('': the first)."""
    found = hashlib.sha256(previous.encode())
    found.update(b"\n")
    found.update(canonical(values))
    return found.hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value else "0"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if value is None or isinstance(value, str | int | Mapping):
        return value
    raise TypeError(f"{type(value).__name__} has no canonical form")
