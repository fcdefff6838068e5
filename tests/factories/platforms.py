"""Connections, groups and accounts for tests."""

from __future__ import annotations

from decimal import Decimal

import factory

from apps.platforms.models import (
    AccountGroup,
    Connection,
    ConnectionState,
    TradingAccount,
)


class GroupFactory(factory.django.DjangoModelFactory[AccountGroup]):
    class Meta:
        model = AccountGroup

    name = factory.Sequence(lambda n: f"group {n}")
    mode = AccountGroup.Mode.DEMO
    leverage = Decimal(100)
    currency = "USD"


class ConnectionFactory(factory.django.DjangoModelFactory[Connection]):
    class Meta:
        model = Connection
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"connection {n}")
    platform = "paper"
    server = factory.Sequence(lambda n: f"server {n}")
    host = "127.0.0.1"
    port = 1
    tls = False
    requests_per_second = 0
    history_per_second = 0
    state = factory.RelatedFactory(
        "tests.factories.platforms.ConnectionStateFactory",
        factory_related_name="connection",
    )


class ConnectionStateFactory(factory.django.DjangoModelFactory[ConnectionState]):
    class Meta:
        model = ConnectionState

    connection = factory.SubFactory(ConnectionFactory, state=None)


class AccountFactory(factory.django.DjangoModelFactory[TradingAccount]):
    class Meta:
        model = TradingAccount

    connection = factory.SubFactory(ConnectionFactory)
    group = factory.SubFactory(GroupFactory)
    platform = factory.SelfAttribute("connection.platform")
    server = factory.SelfAttribute("connection.server")
    login = factory.Sequence(lambda n: str(1000 + n))
    platform_account_id = factory.Sequence(lambda n: str(5000 + n))
    currency = "USD"
    leverage = Decimal(100)
    margin_mode = "hedging"
