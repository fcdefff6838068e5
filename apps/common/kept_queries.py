"""Rows of a model, with a statement that is made once.

To write the statement for a model with its relations takes Django longer than PostgreSQL takes
to answer it. Where a page finds one row by its key, only the key differs from time to time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators  # type: ignore[attr-defined]

from apps.common.database import prepared_rows

M = TypeVar("M", bound=Model)


class KeptQuery(Generic[M]):
    """The rows of ``rows`` for which ``where`` holds, with what they select along.

    ``rows`` answers a queryset without conditions; ``where`` is SQL, with ``%s`` for each value,
    and may go on with an order and a limit.
    """

    def __init__(self, rows: Callable[[], QuerySet[M]], where: str) -> None:
        self._rows = rows
        self._where = where

    def __call__(self, *values: Any) -> list[M]:
        """The rows for these values; one query."""
        statement, made_of = self._made
        return made_of(prepared_rows(f"{statement} WHERE {self._where}", values))

    @cached_property
    def _made(self) -> tuple[str, Callable[[list[tuple[Any, ...]]], list[M]]]:
        """The statement, and what makes objects of its rows, as Django's querysets do it."""
        queryset = self._rows().order_by()
        compiler: Any = queryset.query.get_compiler(connection=connection)
        statement, _ = compiler.as_sql()
        about = compiler.klass_info
        places = about["select_fields"]
        first, last = places[0], places[-1] + 1
        names = [compiler.select[place][0].target.attname for place in range(first, last)]
        related = get_related_populators(about, compiler.select, connection.alias)
        converters = compiler.get_converters([column for column, *_ in compiler.select])

        def made_of(rows: list[tuple[Any, ...]]) -> list[M]:
            found = []
            for row in compiler.apply_converters(rows, converters):
                one = queryset.model.from_db(connection.alias, names, row[first:last])
                for populator in related:
                    populator.populate(row, one)
                found.append(one)
            return found

        return statement, made_of
