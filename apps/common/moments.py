"""Reading moments from PostgreSQL at a tenth of the price that Django takes for each of them."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.db import connection
from django.db.backends.postgresql.psycopg_any import (  # type: ignore[import-untyped]
    BaseTzLoader,
    get_adapters_template,
)
from psycopg.abc import Buffer


class MomentLoader(BaseTzLoader):
    """``timestamptz`` as Python reads ISO 8601 itself; what that does not know, as Django does."""

    timezone = UTC

    def load(self, data: Buffer) -> datetime:
        try:
            at = datetime.fromisoformat(str(data, "ascii"))
        except ValueError:
            return super().load(data)  # type: ignore[no-any-return]
        return at if at.tzinfo is UTC else super().load(data)


def read_moments_fast() -> None:
    """Let every connection of this process that is opened from now on read moments so."""
    if connection.timezone is UTC:
        template = get_adapters_template(settings.USE_TZ, connection.timezone)
        template.register_loader("timestamptz", MomentLoader)
