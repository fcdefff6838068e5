"""Signing in, tokens, limits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from apps.platforms.limits import Limits
from apps.platforms.ports import (
    Answer,
    AuthLost,
    AuthRefused,
    ConnectionUp,
)
from apps.trading.positions import MarginMode
from tests.contracts.bench import PlatformBench, until
from tests.contracts.desk import Desk, MakeDesk

D = Decimal


class SigningIn:
    """Signing in, tokens, limits."""

    async def test_01_wrong_credentials_are_refused_for_good(self, bench: PlatformBench) -> None:
        connector = bench.connector(wrong=True)
        with pytest.raises(AuthRefused):
            await connector.connect()
        connector.abort()

    async def test_02_an_unreachable_platform_is_a_passing_error(
        self, bench: PlatformBench
    ) -> None:
        connector = bench.connector()
        await bench.stop()
        with pytest.raises(ConnectionError):
            await connector.connect()

    async def test_03_accounts_are_those_that_the_credentials_open(
        self, bench: PlatformBench
    ) -> None:
        mine = {await bench.open_account(), await bench.open_account(MarginMode.NETTING)}
        await bench.open_account(stranger=True)
        connector = bench.connector()
        await connector.connect()
        refs = await connector.accounts()
        assert {ref.account for ref in refs} == mine
        assert all(ref.login and not ref.is_live for ref in refs)
        await connector.close()

    async def test_04_a_strangers_account_is_refused_and_the_others_attached(
        self, bench: PlatformBench
    ) -> None:
        mine, theirs = await bench.open_account(), await bench.open_account(stranger=True)
        connector = bench.connector()
        await connector.connect()
        refused = await connector.attach([theirs, mine, "no-such-account"])
        assert set(refused) == {theirs, "no-such-account"}
        assert all(refused.values())
        assert (await connector.snapshot(mine)).account == mine
        await connector.close()

    async def test_51_a_platform_that_refuses_for_its_rate_is_left_in_peace(
        self, bench: PlatformBench, make_desk: MakeDesk
    ) -> None:
        await bench.limit_rate(20, 5)
        desk = await make_desk(limits=Limits.per_second(1000, 1000))
        requests = [desk.order() for _ in range(30)]
        results = await asyncio.gather(
            *desk.connector.submit_many([(desk.account, r) for r in requests])
        )
        refused = [r for r in results if r.answer is Answer.REJECTED]
        assert refused
        assert all(r.retryable and r.code for r in refused)
        assert desk.connector.limits.take_orders(1) == 0
        accepted = {r.client_order_id for r in results if r.answer is Answer.ACCEPTED}
        assert {p.tag for p in await bench.books(desk.account)} == accepted

    async def test_52_queries_keep_to_the_limits_by_themselves(
        self, bench: PlatformBench, make_desk: MakeDesk
    ) -> None:
        await bench.limit_rate(20, 3)
        desk = await make_desk(limits=Limits.per_second(20, 3))
        since = datetime.now(UTC)
        await asyncio.gather(*(desk.connector.snapshot(desk.account) for _ in range(12)))
        await asyncio.gather(*(desk.connector.deals_since(desk.account, since) for _ in range(4)))
        assert await bench.refusals_for_rate() == 0

    async def test_53_an_access_token_is_renewed_before_it_ends(
        self, bench: PlatformBench, make_desk: MakeDesk
    ) -> None:
        account = await bench.open_account()
        await bench.let_token_age()
        desk = await make_desk(account)
        await until(lambda: bench.saved, "the new credentials stored")
        await desk.opened()
        again = await make_desk(account)
        await again.opened()

    async def test_54_an_invalidated_token_is_replaced_and_the_accounts_attached_again(
        self, desk: Desk
    ) -> None:
        await desk.bench.invalidate_token()
        up = await desk.watcher.next(ConnectionUp)
        assert up.accounts in ((), (desk.account,))
        assert desk.bench.saved
        assert desk.watcher.all(AuthLost) == []
        await desk.opened()

    async def test_55_revoked_access_is_told(self, desk: Desk) -> None:
        await desk.bench.revoke()
        lost = await desk.watcher.next(AuthLost)
        assert lost.accounts in ((), (desk.account,))
        assert lost.reason

    async def test_56_a_stale_token_is_renewed_at_sign_in(self, bench: PlatformBench) -> None:
        account = await bench.open_account()
        await bench.invalidate_token()
        connector = bench.connector()
        await connector.connect()
        assert len(bench.saved) == 1
        assert await connector.attach([account]) == {}
        await connector.close()
