"""What a client of the venue sees: signing in, trading, history, limits."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from apps.openapi_wire import messages as m
from apps.openapi_wire.enums import ExecutionType
from apps.openapi_wire.payloads import CommonPayloadType, PayloadType
from apps.papervenue.testing import OpenedAccount, TestVenue, running_venue
from tests.integration.papervenue.trader import Trader

LOT = 10_000_000
EXECUTION = PayloadType.PROTO_OA_EXECUTION_EVENT


def buy(account: OpenedAccount, volume: int = LOT, **terms: Any) -> Any:
    return m.ProtoOANewOrderReq(
        ctidTraderAccountId=account.account_id,
        **{"symbolId": 1, "orderType": 1, "tradeSide": 1, "volume": volume, **terms},
    )


@pytest_asyncio.fixture
async def venue() -> AsyncIterator[TestVenue]:
    async with running_venue() as running:
        yield running


async def test_signing_in_needs_application_account_and_token(venue: TestVenue) -> None:
    account, stranger = venue.open_account(owner="me"), venue.open_account(owner="you")
    trader = await Trader.connect(venue.host, venue.port)
    early = await trader.open(account.account_id, account.access_token)
    assert early.errorCode == "CH_CLIENT_NOT_AUTHENTICATED"
    assert (await trader.sign_in("nobody", "x")).errorCode == "CH_CLIENT_AUTH_FAILURE"
    await trader.sign_in(venue.client_id, venue.client_secret)
    again = await trader.sign_in(venue.client_id, venue.client_secret)
    assert again.errorCode == "CH_CLIENT_ALREADY_AUTHENTICATED"
    assert (await trader.open(account.account_id, "?")).errorCode == "CH_ACCESS_TOKEN_INVALID"
    foreign = await trader.open(stranger.account_id, account.access_token)
    assert foreign.errorCode == "CH_CTID_TRADER_ACCOUNT_NOT_FOUND"
    closed = await trader.ask(m.ProtoOATraderReq(ctidTraderAccountId=account.account_id))
    assert closed.errorCode == "ACCOUNT_NOT_AUTHORIZED"
    opened = await trader.open(account.account_id, account.access_token)
    assert opened.ctidTraderAccountId == account.account_id
    twice = await trader.open(account.account_id, account.access_token)
    assert twice.errorCode == "ALREADY_LOGGED_IN"
    listing = await trader.ask(
        m.ProtoOAGetAccountListByAccessTokenReq(accessToken=account.access_token)
    )
    assert [found.ctidTraderAccountId for found in listing.ctidTraderAccount] == [
        account.account_id
    ]


async def test_events_reach_every_session_of_the_account_and_no_other(venue: TestVenue) -> None:
    mine, other = venue.open_account(), venue.open_account()
    trader = await Trader.signed_in(venue, mine)
    watcher = await Trader.signed_in(venue, mine, other)
    stranger = await Trader.signed_in(venue, other)
    answers = await trader.trade(buy(mine, label="mine", clientOrderId="c-1"))
    seen = await watcher.events(EXECUTION, 2)
    assert [a.executionType for a in answers] == [2, 3]
    assert [e.SerializeToString() for e in seen] == [a.SerializeToString() for a in answers]
    filled = answers[1]
    assert filled.order.clientOrderId == "c-1"
    assert filled.position.tradeData.label == "mine"
    assert filled.deal.executionPrice == 1.1001
    assert filled.position.moneyDigits == 2
    await stranger.ask(m.ProtoOAVersionReq())
    assert not [f for f in stranger.heard if f.payload_type == EXECUTION]


async def test_client_ids_are_not_enforced(venue: TestVenue) -> None:
    account = venue.open_account()
    trader = await Trader.signed_in(venue, account)
    for _ in range(2):
        await trader.trade(buy(account, clientOrderId="same"))
    assert len(venue.books(account.account_id)["positions"]) == 2


async def test_refused_trades_are_order_errors_with_their_code(venue: TestVenue) -> None:
    account = venue.open_account(deposit="100")
    trader = await Trader.signed_in(venue, account)
    for request, code in (
        (buy(account), "NOT_ENOUGH_MONEY"),
        (buy(account, 1), "TRADING_BAD_VOLUME"),
        (buy(account, symbolId=999), "SYMBOL_NOT_FOUND"),
        (buy(account, positionId=5), "POSITION_NOT_FOUND"),
        (buy(account, stopLoss=1.0), "INVALID_REQUEST"),
        (buy(account, label="x" * 101), "INVALID_REQUEST"),
        (buy(account, orderType=2), "INVALID_REQUEST"),
        (buy(account, orderType=2, limitPrice=1.000001), "INVALID_REQUEST"),
    ):
        answer = await trader.ask(request)
        assert answer.DESCRIPTOR.name == "ProtoOAOrderErrorEvent"
        assert answer.errorCode == code, answer
    gone = await trader.ask(
        m.ProtoOAClosePositionReq(ctidTraderAccountId=account.account_id, positionId=7, volume=LOT)
    )
    assert (gone.errorCode, gone.positionId) == ("POSITION_NOT_FOUND", 7)
    missing = await trader.ask(
        m.ProtoOACancelOrderReq(ctidTraderAccountId=account.account_id, orderId=8)
    )
    assert (missing.errorCode, missing.orderId) == ("ORDER_NOT_FOUND", 8)
    assert venue.books(account.account_id)["deals"] == []


async def test_a_pending_order_rests_is_amended_cancelled_and_reconciled(venue: TestVenue) -> None:
    account = venue.open_account()
    trader = await Trader.signed_in(venue, account)
    key = {"ctidTraderAccountId": account.account_id}
    [placed] = await trader.trade(buy(account, orderType=2, limitPrice=1.09), 1)
    assert placed.position.positionStatus == 3
    order = placed.order.orderId
    book = await trader.ask(m.ProtoOAReconcileReq(**key))
    assert [o.limitPrice for o in book.order] == [1.09]
    amended = await trader.ask(
        m.ProtoOAAmendOrderReq(orderId=order, limitPrice=1.08, stopLoss=1.07, **key)
    )
    assert (amended.executionType, amended.order.limitPrice) == (4, 1.08)
    assert amended.order.tradeData.volume == LOT
    venue.set_price("EURUSD", "1.07990", "1.08000")
    [filled] = await trader.events(EXECUTION)
    assert (filled.executionType, filled.position.stopLoss) == (3, 1.07)
    [placed] = await trader.trade(buy(account, orderType=2, limitPrice=1.05), 1)
    cancelled = await trader.ask(m.ProtoOACancelOrderReq(orderId=placed.order.orderId, **key))
    assert cancelled.executionType == ExecutionType.ORDER_CANCELLED


async def test_reconcile_returns_protection_orders_when_asked(venue: TestVenue) -> None:
    account = venue.open_account()
    trader = await Trader.signed_in(venue, account)
    key = {"ctidTraderAccountId": account.account_id}
    _, filled = await trader.trade(buy(account, relativeStopLoss=1_000))
    position = filled.position.positionId
    plain = await trader.ask(m.ProtoOAReconcileReq(**key))
    assert (list(plain.order), plain.position[0].stopLoss) == ([], 1.0901)
    full = await trader.ask(m.ProtoOAReconcileReq(returnProtectionOrders=True, **key))
    assert [(o.orderType, o.stopPrice, o.positionId) for o in full.order] == [(4, 1.0901, position)]
    [changed] = await trader.trade(
        m.ProtoOAAmendPositionSLTPReq(positionId=position, takeProfit=1.2, **key), 1
    )
    assert (changed.executionType, changed.position.takeProfit) == (4, 1.2)
    assert not changed.position.HasField("stopLoss")


async def test_history_is_complete_in_order_and_in_pages(venue: TestVenue) -> None:
    account = venue.open_account()
    trader = await Trader.signed_in(venue, account)
    key = {"ctidTraderAccountId": account.account_id}
    deals = []
    for _ in range(3):
        _, filled = await trader.trade(buy(account))
        deals.append(filled.deal)
    span = {"fromTimestamp": deals[0].executionTimestamp, "toTimestamp": 2_147_483_646_000}
    page = await trader.ask(m.ProtoOADealListReq(maxRows=2, **span, **key))
    assert (list(page.deal), page.hasMore) == (deals[:2], True)
    whole = await trader.ask(m.ProtoOADealListReq(**span, **key))
    assert (list(whole.deal), whole.hasMore) == (deals, False)
    orders = await trader.ask(m.ProtoOAOrderListReq(**span, **key))
    assert [o.orderId for o in orders.order] == [d.orderId for d in deals]
    details = await trader.ask(m.ProtoOAOrderDetailsReq(orderId=deals[1].orderId, **key))
    assert list(details.deal) == [deals[1]]
    of_position = await trader.ask(
        m.ProtoOADealListByPositionIdReq(positionId=deals[2].positionId, **key)
    )
    assert list(of_position.deal) == [deals[2]]
    venue.ask("withdraw", account=account.account_id, amount="50")
    flows = await trader.ask(
        m.ProtoOACashFlowHistoryListReq(fromTimestamp=0, toTimestamp=2_147_483_646_000, **key)
    )
    assert [(f.operationType, f.delta) for f in flows.depositWithdraw] == [
        (0, 10_000_000),
        (1, 5_000),
    ]
    wrong = await trader.ask(m.ProtoOADealListReq(fromTimestamp=2, toTimestamp=1, **key))
    assert wrong.errorCode == "INCORRECT_BOUNDARIES"


async def test_deposits_are_told_as_execution_and_trader_events(venue: TestVenue) -> None:
    account = venue.open_account(deposit="10")
    trader = await Trader.signed_in(venue, account)
    venue.ask("deposit", account=account.account_id, amount="5.25")
    [event] = await trader.events(EXECUTION)
    assert (event.executionType, event.depositWithdraw.delta) == (10, 525)
    [update] = await trader.events(PayloadType.PROTO_OA_TRADER_UPDATE_EVENT)
    assert update.trader.balance == 1_525


async def test_money_queries_scale_by_the_account_s_digits(venue: TestVenue) -> None:
    account = venue.open_account(currency="JPY", deposit="5000000")
    trader = await Trader.signed_in(venue, account)
    key = {"ctidTraderAccountId": account.account_id}
    trader_of = (await trader.ask(m.ProtoOATraderReq(**key))).trader
    assert (trader_of.moneyDigits, trader_of.balance) == (0, 5_000_000)
    expected = await trader.ask(m.ProtoOAExpectedMarginReq(symbolId=1, volume=[LOT], **key))
    _, filled = await trader.trade(buy(account))
    assert filled.position.usedMargin == expected.margin[0].buyMargin == 165_010
    open_now = await trader.ask(m.ProtoOAGetPositionUnrealizedPnLReq(**key))
    [found] = open_now.positionUnrealizedPnL
    assert found.grossUnrealizedPnL == -1_500  # ten points of EURUSD in yen
    assert found.netUnrealizedPnL == -1_500 + filled.position.commission


async def test_symbols_assets_and_conversion(venue: TestVenue) -> None:
    account = venue.open_account()
    trader = await Trader.signed_in(venue, account)
    key = {"ctidTraderAccountId": account.account_id}
    symbols = {s.symbolName: s for s in (await trader.ask(m.ProtoOASymbolsListReq(**key))).symbol}
    assets = {a.name: a.assetId for a in (await trader.ask(m.ProtoOAAssetListReq(**key))).asset}
    assert symbols["EURUSD"].baseAssetId == assets["EUR"]
    assert "BTCUSD" not in symbols  # no price, no symbol
    [full] = (await trader.ask(m.ProtoOASymbolByIdReq(symbolId=[1], **key))).symbol
    assert (full.lotSize, full.minVolume, full.stepVolume) == (LOT, 100_000, 100_000)
    chain = await trader.ask(
        m.ProtoOASymbolsForConversionReq(
            firstAssetId=assets["NZD"], lastAssetId=assets["CHF"], **key
        )
    )
    assert [s.symbolName for s in chain.symbol] == ["NZDUSD", "USDCHF"]


async def test_spots_are_told_to_subscribers(venue: TestVenue) -> None:
    account = venue.open_account()
    trader = await Trader.signed_in(venue, account)
    key = {"ctidTraderAccountId": account.account_id}
    await trader.ask(m.ProtoOASubscribeSpotsReq(symbolId=[1], subscribeToSpotTimestamp=True, **key))
    again = await trader.ask(m.ProtoOASubscribeSpotsReq(symbolId=[1], **key))
    assert again.errorCode == "ALREADY_SUBSCRIBED"
    venue.set_price("EURUSD", "1.10500", "1.10510")
    venue.set_price("GBPUSD", "1.30000", "1.30010")
    first, second = await trader.events(PayloadType.PROTO_OA_SPOT_EVENT, 2)
    assert (first.bid, first.ask) == (110_000, 110_010)
    assert (second.bid, second.ask, second.HasField("timestamp")) == (110_500, 110_510, True)
    await trader.ask(m.ProtoOAUnsubscribeSpotsReq(symbolId=[1], **key))
    venue.set_price("EURUSD", "1.10600", "1.10610")
    none = await trader.ask(m.ProtoOAUnsubscribeSpotsReq(symbolId=[1], **key))
    assert none.errorCode == "NOT_SUBSCRIBED_TO_SPOTS"
    assert len(await trader.events(PayloadType.PROTO_OA_SPOT_EVENT)) == 2


async def test_a_refresh_token_is_good_once(venue: TestVenue) -> None:
    account = venue.open_account()
    trader = await Trader.signed_in(venue)
    fresh = await trader.ask(m.ProtoOARefreshTokenReq(refreshToken=account.refresh_token))
    assert (fresh.tokenType, fresh.expiresIn) == ("bearer", 30 * 86_400)
    used = await trader.ask(m.ProtoOARefreshTokenReq(refreshToken=account.refresh_token))
    assert used.errorCode == "CH_ACCESS_TOKEN_INVALID"
    old = await trader.open(account.account_id, account.access_token)
    assert old.errorCode == "CH_ACCESS_TOKEN_INVALID"
    new = await trader.open(account.account_id, fresh.accessToken)
    assert new.ctidTraderAccountId == account.account_id


async def test_a_revoked_token_ends_its_accounts(venue: TestVenue) -> None:
    account = venue.open_account(owner="me")
    trader = await Trader.signed_in(venue, account)
    venue.ask("revoke", owner="me")
    [event] = await trader.events(PayloadType.PROTO_OA_ACCOUNTS_TOKEN_INVALIDATED_EVENT)
    assert list(event.ctidTraderAccountIds) == [account.account_id]
    refused = await trader.ask(buy(account))
    assert refused.errorCode == "ACCOUNT_NOT_AUTHORIZED"
    expired = await trader.open(account.account_id, account.access_token)
    assert expired.errorCode == "OA_AUTH_TOKEN_EXPIRED"


async def test_logging_out_ends_the_events_of_an_account(venue: TestVenue) -> None:
    account = venue.open_account()
    trader = await Trader.signed_in(venue, account)
    await trader.trade(m.ProtoOAAccountLogoutReq(ctidTraderAccountId=account.account_id))
    refused = await trader.ask(buy(account))
    assert refused.errorCode == "ACCOUNT_NOT_AUTHORIZED"


async def test_rate_limits_hold_per_connection_and_for_history_apart() -> None:
    async with running_venue(rate_limit=20, history_rate_limit=3) as venue:
        account = venue.open_account()
        trader = await Trader.signed_in(venue, account)
        key = {"ctidTraderAccountId": account.account_id}
        history = m.ProtoOADealListReq(fromTimestamp=0, toTimestamp=1, **key)
        keys = [trader.send(history) for _ in range(8)]
        codes = [getattr((await trader.answers(k, 1))[0], "errorCode", "") for k in keys]
        assert codes[:3] == ["", "", ""]
        assert codes[3:6] == ["REQUEST_FREQUENCY_EXCEEDED"] * 3
        assert codes[6:] == ["BLOCKED_PAYLOAD_TYPE"] * 2
        last = (await trader.answers(keys[-1], 1))[0]
        assert last.retryAfter == 1
        orders = [trader.send(buy(account, 100_000)) for _ in range(25)]
        answers = [(await trader.answers(k, 1))[0] for k in orders]
        accepted = [a for a in answers if a.DESCRIPTOR.name == "ProtoOAExecutionEvent"]
        assert len(accepted) == 18  # two of the twenty went into signing in


async def test_silent_sessions_hear_heartbeats_and_are_ended() -> None:
    async with running_venue(heartbeat_s=0.5, silence_s=2.5) as venue:
        trader = await Trader.signed_in(venue)
        await trader.wait(lambda f: f.payload_type == CommonPayloadType.HEARTBEAT_EVENT, 1)
        await trader.hang_up()
        [goodbye] = await trader.events(PayloadType.PROTO_OA_CLIENT_DISCONNECT_EVENT)
        assert "heartbeat" in goodbye.reason


async def test_garbage_ends_a_session_and_unknown_messages_do_not(venue: TestVenue) -> None:
    trader = await Trader.signed_in(venue)
    envelope = m.ProtoMessage(payloadType=2137, clientMsgId="u").SerializeToString()
    trader.send_raw(len(envelope).to_bytes(4, "big") + envelope)
    [unknown] = await trader.answers("u", 1)
    assert unknown.errorCode == "UNSUPPORTED_MESSAGE"
    broken = m.ProtoMessage(payloadType=2106, payload=b"\x08", clientMsgId="b").SerializeToString()
    trader.send_raw(len(broken).to_bytes(4, "big") + broken)
    [answer] = await trader.answers("b", 1)
    assert answer.errorCode == "INVALID_REQUEST"
    trader.send_raw(b"\xff" * 64)
    await trader.hang_up()


async def test_tls_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    async with running_venue(tmp_path, tls=True) as venue:
        context = ssl.create_default_context(cafile=str(tmp_path / "venue.crt"))
        trader = await Trader.connect(venue.host, venue.port, context)
        answer = await trader.sign_in(venue.client_id, venue.client_secret)
        assert answer.DESCRIPTOR.name == "ProtoOAApplicationAuthRes"
        await trader.close()


async def test_a_burst_for_a_thousand_accounts_is_filled_whole(tmp_path: Path) -> None:
    async with running_venue(tmp_path) as venue:
        accounts = venue.open_accounts(
            [{"name": f"f{n}", "owner": "all", "deposit": "10000"} for n in range(1_000)]
        )
        trader = await Trader.signed_in(venue, *accounts[:1])
        for account in accounts[1:]:
            trader.send(
                m.ProtoOAAccountAuthReq(
                    ctidTraderAccountId=account.account_id, accessToken=account.access_token
                )
            )
        auth = PayloadType.PROTO_OA_ACCOUNT_AUTH_RES
        await trader.wait(lambda f: f.payload_type == auth, 1_000)
        for account in accounts:
            trader.send(buy(account, 100_000), f"o{account.account_id}")
        frames = await trader.wait(lambda f: f.payload_type == EXECUTION, 2_000)
        filled = [f.message() for f in frames if f.message().executionType == 3]
        assert {f.ctidTraderAccountId for f in filled} == {a.account_id for a in accounts}
        assert len({f.deal.dealId for f in filled}) == 1_000


async def test_the_admin_channel_answers_on_its_port(venue: TestVenue) -> None:
    from apps.papervenue.admin_client import AdminClient, AdminRefused

    client = AdminClient(venue.admin_port)
    opened = await client.ask("open_accounts", accounts=[{"name": "Anna", "deposit": "12.50"}])
    [account] = opened["accounts"]
    assert account["balance"] == "12.50"
    assert set(opened["owners"]) == {"Anna"}
    with pytest.raises(AdminRefused, match="no account 5"):
        await client.ask("deposit", account=5, amount="1")
    with pytest.raises(AdminRefused, match="no command"):
        await client.ask("dance")
    with pytest.raises(AdminRefused, match="at most 2 decimals"):
        await client.ask("deposit", account=account["account"], amount="0.001")
    [listed] = (await client.ask("accounts"))["accounts"]
    assert listed == account
    await asyncio.gather(*(client.ask("ping") for _ in range(5)))
