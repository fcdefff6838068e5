"""Rows by the hundred thousand, made inside the database from one that the product wrote."""

from __future__ import annotations

from typing import Any

from django.db import connection, models


def multiply(first: models.Model, source: str, **values: str) -> None:
    """Insert a row like ``first`` for every row of ``source``.

    ``values`` are SQL expressions over ``source`` by column; unique ids are drawn anew, all other
    columns are those of ``first``, whatever columns there are.
    """
    table, columns, taken = first._meta.db_table, [], []
    for field in first._meta.concrete_fields:
        column = str(field.column)
        if column in values:
            expression = values[column]
        elif field.primary_key and isinstance(field, models.AutoField):
            continue
        elif isinstance(field, models.UUIDField) and field.unique:
            expression = "gen_random_uuid()"
        else:
            expression = f't."{column}"'
        columns.append(f'"{column}"')
        taken.append(expression)
    key = first._meta.pk
    assert key is not None
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" ({", ".join(columns)}) '
            f'SELECT {", ".join(taken)} FROM {source} JOIN "{table}" t '
            f'ON t."{key.column}" = {int(first.pk)}'
        )
        if "id" in values:
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM \"{table}\""
            )


def execute(statement: str, **values: Any) -> None:
    """Run a statement with named values."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
