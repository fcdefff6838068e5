"""COPY with text of our own making stores exactly what it was given."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from apps.copytrading.services import sql
from apps.trading.orders import Leg

NOW = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
AWKWARD = [
    "",
    "\\N",
    "a\tb\nc\rd\\e",
    '{"said": "it\'s \\"so\\"\\n"}',
    "Žluťoučký kůň €",
    "\\.",
]


@pytest.mark.django_db
@pytest.mark.parametrize("text", AWKWARD)
def test_what_is_copied_in_is_what_was_meant(text: str) -> None:
    rows: list[tuple[Any, ...]] = [
        (1, text, Decimal("1E-8"), True, NOW, Leg.OPEN),
        (2**62, text + text, Decimal("-12345.50"), False, None, None),
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE copied (a bigint, b text, c numeric, d boolean, e timestamptz, "
            "f text) ON COMMIT DROP"
        )
    sql.copy_in("COPY copied (a, b, c, d, e, f) FROM STDIN", rows)
    sql.copy_in("COPY copied (a, b, c, d, e, f) FROM STDIN", [])
    assert sql.rows("SELECT * FROM copied ORDER BY a") == rows


def test_a_type_that_nobody_thought_of_is_refused() -> None:
    with pytest.raises(TypeError, match="float"):
        sql.copy_in("COPY nothing FROM STDIN", [(1.5,)])
