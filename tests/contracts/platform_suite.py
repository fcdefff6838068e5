"""What every adapter must do, told through the Connector protocol alone.

A subclass supplies the fixture ``bench`` and inherits the cases, which stand in
``tests/contracts/cases``. A case is left out only by what
:class:`~apps.platforms.ports.Capabilities` says that a platform cannot do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from apps.platforms.limits import Limits
from apps.trading.positions import MarginMode
from tests.contracts.bench import PlatformBench, Watcher
from tests.contracts.cases.orders import Orders
from tests.contracts.cases.pending import Pending
from tests.contracts.cases.reading import Reading
from tests.contracts.cases.sessions import Sessions
from tests.contracts.cases.signing_in import SigningIn
from tests.contracts.cases.streaming import Streaming
from tests.contracts.cases.trading import Trading
from tests.contracts.cases.unknown import Unknown
from tests.contracts.desk import Desk, MakeDesk


class PlatformSuite(SigningIn, Reading, Trading, Orders, Pending, Streaming, Unknown, Sessions):
    """All cases and their fixtures. Subclasses are collected, this class is not."""

    @pytest.fixture
    def bench(self) -> PlatformBench:
        raise NotImplementedError("the adapter's test supplies the bench")

    @pytest.fixture
    async def make_desk(self, bench: PlatformBench) -> AsyncIterator[MakeDesk]:
        """Makes desks and closes them after the case."""
        desks: list[Desk] = []

        async def make(
            account: str = "", mode: MarginMode = MarginMode.HEDGING, limits: Limits | None = None
        ) -> Desk:
            account = account or await bench.open_account(mode)
            connector = bench.connector(limits=limits)
            await connector.connect()
            assert await connector.attach([account]) == {}
            instruments = await connector.instruments(account)
            instrument = next(i for i in instruments if i.name == bench.symbol)
            desk = Desk(bench, connector, Watcher(connector), account, instrument)
            desk.watcher.start()
            desks.append(desk)
            return desk

        yield make
        for desk in desks:
            await desk.connector.close()
            await desk.watcher.stop()

    @pytest.fixture
    async def desk(self, make_desk: MakeDesk) -> Desk:
        return await make_desk()
