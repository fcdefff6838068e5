"""Connections of one customer share a pair of tokens; whoever renews it stores it for all."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from apps.execution.gateway.db import Database
from apps.execution.gateway.directory import Directory, StoredCredentials
from apps.platforms.models import Connection
from tests.factories.platforms import ConnectionFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_renewed_token_reaches_every_connection_of_the_grant() -> None:
    grant = uuid.uuid4()
    old = {"access_token": "old"}
    mine, beside, another, house = (
        ConnectionFactory(access_grant=mark, credentials=old)
        for mark in (grant, grant, uuid.uuid4(), None)
    )
    more = ConnectionFactory(access_grant=None, credentials=old)

    async def renew() -> tuple[bool, bool]:
        database = Database()
        await database.open()
        own, other = Directory(database, mine.pk), Directory(database, beside.pk)
        await own._store.save({"access_token": "new"})
        await StoredCredentials(database, house.pk).save({"access_token": "other"})
        found = (await own.own_credentials(), await other.own_credentials())
        await database.close()
        return found

    assert asyncio.run(renew()) == (True, False)  # the other's session begins anew with it

    def token(row: Connection) -> str:
        return str(Connection.objects.get(pk=row.pk).credentials["access_token"])

    assert [token(row) for row in (mine, beside, another)] == ["new", "new", "old"]
    assert [token(row) for row in (house, more)] == ["other", "old"]
