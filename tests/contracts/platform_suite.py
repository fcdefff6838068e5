"""What every adapter must do, told through the Connector protocol alone.

A subclass supplies the fixture ``bench`` and inherits the cases. A case is left out only by
what :class:`~apps.platforms.ports.Capabilities` says that a platform cannot do.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from apps.platforms.limits import Limits
from apps.platforms.ports import (
    AccountUpdate,
    Answer,
    AuthLost,
    AuthRefused,
    ConnectionDown,
    ConnectionUp,
    Connector,
    DealDone,
    Finding,
    OrderUpdate,
    PositionUpdate,
    Presence,
    QuoteUpdate,
    StopsOnOpen,
    SubmitResult,
)
from apps.trading.deals import DealEffect
from apps.trading.orders import (
    CancelRequest,
    CloseRequest,
    OrderRequest,
    OrderState,
    OrderType,
    ProtectRequest,
    Side,
    TradeRequest,
)
from apps.trading.positions import MarginMode, Position
from apps.trading.symbols import Instrument
from tests.contracts.bench import DELAY_S, Fault, PlatformBench, Watcher, until

D = Decimal
_numbers = itertools.count(1)


def new_id() -> str:
    """A client order id of the length that is used in earnest."""
    return f"c{next(_numbers):024d}"


@dataclass
class Desk:
    """A connected connector with one account and somebody who reads its events."""

    bench: PlatformBench
    connector: Connector
    watcher: Watcher
    account: str
    instrument: Instrument

    @property
    def lot(self) -> Decimal:
        """The smallest volume that can be traded."""
        return self.instrument.min_units

    def order(
        self, units: Decimal | None = None, side: Side = Side.BUY, **more: object
    ) -> OrderRequest:
        fields: dict[str, object] = {
            "client_order_id": new_id(),
            "instrument_id": self.instrument.instrument_id,
            "side": side,
            "units": self.lot if units is None else units,
        }
        return OrderRequest(**(fields | more))  # type: ignore[arg-type]

    async def submit(self, request: TradeRequest) -> SubmitResult:
        return await self.connector.submit(self.account, request)

    async def deal_of(self, client_order_id: str, number: int = 1) -> DealDone:
        return await self.watcher.next(
            DealDone, number, lambda event: event.deal.client_order_id == client_order_id
        )

    async def opened(
        self, units: Decimal | None = None, side: Side = Side.BUY, **more: object
    ) -> Position:
        """Open a position at market and answer it as its deal told of it."""
        request = self.order(units, side, **more)
        result = await self.submit(request)
        assert result.answer is Answer.ACCEPTED, result
        position = (await self.deal_of(request.client_order_id)).position
        assert position is not None
        return position

    async def found(self, client_order_id: str, since: datetime) -> Finding:
        return await self.connector.find_by_client_id(self.account, client_order_id, since)


MakeDesk = Callable[..., Awaitable[Desk]]


class PlatformSuite:
    """The cases. Subclasses are collected, this class is not."""

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

    # --- signing in ---

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

    # --- what is there ---

    async def test_05_instruments_are_in_exact_units(self, desk: Desk) -> None:
        expected = desk.bench.exact
        assert {name: getattr(desk.instrument, name) for name in expected} == expected
        assert desk.instrument.price_step == D(1).scaleb(-desk.instrument.digits)

    async def test_06_a_new_account_is_its_deposit_and_nothing_else(
        self, bench: PlatformBench, make_desk: MakeDesk
    ) -> None:
        before = datetime.now(UTC)
        account = await bench.open_account(deposit=D("2500.75"), currency="EUR")
        desk = await make_desk(account)
        snapshot = await desk.connector.snapshot(account)
        assert snapshot.state.balance == D("2500.75")
        assert snapshot.state.currency == "EUR"
        assert snapshot.state.leverage > 0
        assert (snapshot.positions, snapshot.orders) == ((), ())
        assert before <= snapshot.as_of <= datetime.now(UTC)

    async def test_07_money_is_exact_in_a_currency_without_decimals(
        self, bench: PlatformBench, make_desk: MakeDesk
    ) -> None:
        account = await bench.open_account(deposit=D(1_000_000), currency="JPY")
        desk = await make_desk(account)
        assert (await desk.connector.snapshot(account)).state.balance == D(1_000_000)
        position = await desk.opened()
        request = CloseRequest(new_id(), position.position_id, position.units)
        await desk.submit(request)
        deal = (await desk.deal_of(request.client_order_id)).deal
        assert deal.balance == (await desk.connector.snapshot(account)).state.balance

    async def test_08_margin_mode_is_told(self, bench: PlatformBench, make_desk: MakeDesk) -> None:
        for mode in (MarginMode.HEDGING, MarginMode.NETTING):
            desk = await make_desk(mode=mode)
            assert (await desk.connector.snapshot(desk.account)).state.margin_mode is mode
            assert desk.connector.capabilities(mode).margin_mode is mode

    # --- trading ---

    async def test_09_hedging_opens_a_position_for_each_order(self, desk: Desk) -> None:
        requests = [desk.order(), desk.order(side=Side.SELL), desk.order(desk.lot * 2)]
        for request in requests:
            result = await desk.submit(request)
            assert result.answer is Answer.ACCEPTED
            assert result.client_order_id == request.client_order_id
            assert result.platform_order_id
            assert result.answered_at is not None
            done = await desk.deal_of(request.client_order_id)
            assert done.account == desk.account
            assert done.deal.platform_order_id == result.platform_order_id
            assert (done.deal.side, done.deal.units) == (request.side, request.units)
            assert done.deal.effect is DealEffect.OPEN
            assert done.position is not None
            assert done.position.tag == request.client_order_id
            assert (done.position.side, done.position.units) == (request.side, request.units)
        positions = (await desk.connector.snapshot(desk.account)).positions
        assert sorted(p.tag for p in positions) == sorted(r.client_order_id for r in requests)

    async def test_10_a_buy_is_filled_at_the_ask_and_a_sell_at_the_bid(self, desk: Desk) -> None:
        buy, sell = await desk.opened(), await desk.opened(side=Side.SELL)
        assert (buy.price, sell.price) == (desk.bench.ask, desk.bench.bid)

    async def test_11_netting_keeps_one_position(self, make_desk: MakeDesk) -> None:
        desk = await make_desk(mode=MarginMode.NETTING)
        first = await desk.opened(desk.lot * 3)
        more = await desk.opened(desk.lot * 2)
        assert (more.position_id, more.units) == (first.position_id, desk.lot * 5)
        less = await desk.opened(desk.lot, side=Side.SELL)
        assert (less.side, less.units) == (Side.BUY, desk.lot * 4)
        closing = desk.watcher.deals(desk.account)[-1].deal
        assert closing.effect is DealEffect.CLOSE
        assert closing.balance is not None

    async def test_12_netting_goes_through_to_the_other_side(self, make_desk: MakeDesk) -> None:
        desk = await make_desk(mode=MarginMode.NETTING)
        await desk.opened(desk.lot)
        request = desk.order(desk.lot * 3, side=Side.SELL)
        await desk.submit(request)
        await desk.watcher.next(
            DealDone,
            where=lambda e: e.position is not None and e.position.side is Side.SELL,
        )
        deals = [
            e.deal
            for e in desk.watcher.deals(desk.account)
            if e.deal.client_order_id == request.client_order_id
        ]
        assert sum(deal.units for deal in deals) == desk.lot * 3
        assert deals[0].effect in (DealEffect.CLOSE, DealEffect.REVERSE)
        (position,) = (await desk.connector.snapshot(desk.account)).positions
        assert (position.side, position.units) == (Side.SELL, desk.lot * 2)

    async def test_13_an_order_can_add_to_a_position(self, desk: Desk) -> None:
        if not desk.connector.capabilities(MarginMode.HEDGING).adds_to_position:
            pytest.skip("the platform does not add to a position")
        position = await desk.opened()
        more = await desk.opened(desk.lot * 2, position_id=position.position_id)
        assert (more.position_id, more.units) == (position.position_id, desk.lot * 3)

    async def test_14_a_partial_close_leaves_the_rest(self, desk: Desk) -> None:
        position = await desk.opened(desk.lot * 3)
        request = CloseRequest(new_id(), position.position_id, desk.lot)
        assert (await desk.submit(request)).answer is Answer.ACCEPTED
        done = await desk.deal_of(request.client_order_id)
        assert done.deal.effect is DealEffect.CLOSE
        assert (done.deal.side, done.deal.units) == (Side.SELL, desk.lot)
        assert done.position is not None
        assert done.position.position_id == position.position_id
        assert done.position.units == desk.lot * 2

    async def test_15_a_full_close_books_the_result(self, desk: Desk) -> None:
        position = await desk.opened(desk.lot * 2)
        gain = desk.instrument.price_step * 100
        await desk.bench.set_price(desk.bench.ask + gain, desk.bench.ask + gain * 2)
        request = CloseRequest(new_id(), position.position_id, position.units)
        assert (await desk.submit(request)).answer is Answer.ACCEPTED
        done = await desk.deal_of(request.client_order_id)
        assert done.position is None
        assert done.deal.profit == gain * position.units
        snapshot = await desk.connector.snapshot(desk.account)
        assert snapshot.positions == ()
        assert done.deal.balance == snapshot.state.balance

    async def test_16_a_position_that_is_gone_cannot_be_closed(self, desk: Desk) -> None:
        position = await desk.opened()
        await desk.submit(CloseRequest(new_id(), position.position_id, position.units))
        again = await desk.submit(CloseRequest(new_id(), position.position_id, position.units))
        assert again.answer is Answer.REJECTED
        assert again.code
        assert not again.retryable

    @pytest.mark.parametrize("what", ["off the step", "too small", "too big", "too fine", "zero"])
    async def test_17_a_volume_that_cannot_be_traded_is_rejected(
        self, desk: Desk, what: str
    ) -> None:
        traded = desk.instrument
        units = {
            "off the step": traded.min_units + traded.step_units / 2,
            "too small": traded.min_units / 2,
            "too big": traded.max_units + traded.step_units,
            "too fine": traded.min_units + D("0.00000001"),
            "zero": D(0),
        }[what]
        result = await desk.submit(desk.order(units))
        assert (result.answer, result.retryable) == (Answer.REJECTED, False)
        assert result.code
        assert await desk.bench.books(desk.account) == []

    async def test_18_more_than_the_money_allows_is_rejected(self, desk: Desk) -> None:
        result = await desk.submit(desk.order(desk.instrument.max_units))
        assert (result.answer, result.retryable) == (Answer.REJECTED, False)
        assert await desk.bench.books(desk.account) == []

    async def test_19_an_unknown_instrument_is_rejected(self, desk: Desk) -> None:
        for instrument_id in ("999999", "no-such-symbol"):
            result = await desk.submit(desk.order(instrument_id=instrument_id))
            assert (result.answer, result.retryable) == (Answer.REJECTED, False)

    # --- stops ---

    async def test_20_stops_are_set_changed_and_removed(self, desk: Desk) -> None:
        if not desk.connector.capabilities(MarginMode.HEDGING).protects_positions:
            pytest.skip("the platform does not protect positions")
        position = await desk.opened()
        far = desk.instrument.price_step * 1000
        low, high = desk.bench.bid - far, desk.bench.ask + far
        steps = [(low, None), (low, high), (low - far, high), (None, high), (None, None)]
        for number, (stop, target) in enumerate(steps, start=1):
            request = ProtectRequest(new_id(), position.position_id, stop, target)
            assert (await desk.submit(request)).answer is Answer.ACCEPTED
            update = await desk.watcher.next(PositionUpdate, number)
            assert update.position.position_id == position.position_id
            assert (update.position.stop_loss, update.position.take_profit) == (stop, target)
            assert update.position.units == position.units
            assert abs(update.changed_at - update.received_at) < timedelta(minutes=1)
        (left,) = (await desk.connector.snapshot(desk.account)).positions
        assert (left.stop_loss, left.take_profit) == (None, None)

    async def test_21_a_stop_on_the_wrong_side_is_rejected(self, desk: Desk) -> None:
        position = await desk.opened()
        wrong = desk.bench.ask + desk.instrument.price_step * 1000
        result = await desk.submit(ProtectRequest(new_id(), position.position_id, wrong, None))
        assert (result.answer, result.retryable) == (Answer.REJECTED, False)

    async def test_22_stops_given_with_a_market_order_are_on_its_position(self, desk: Desk) -> None:
        stops = desk.connector.capabilities(MarginMode.HEDGING).stops_on_open
        if stops is StopsOnOpen.NONE:
            pytest.skip("the platform takes no stops with an order")
        far = desk.instrument.price_step * 500
        request = desk.order(
            stop_loss=desk.bench.ask - far,
            take_profit=desk.bench.ask + far,
            base_price=desk.bench.ask,
        )
        assert (await desk.submit(request)).answer is Answer.ACCEPTED
        await desk.deal_of(request.client_order_id)
        (position,) = (await desk.connector.snapshot(desk.account)).positions
        assert (position.stop_loss, position.take_profit) == (
            desk.bench.ask - far,
            desk.bench.ask + far,
        )

    async def test_23_a_stop_that_is_hit_is_a_deal_of_nobodys_order(self, desk: Desk) -> None:
        position = await desk.opened()
        far = desk.instrument.price_step * 200
        stop = desk.bench.bid - far
        await desk.submit(ProtectRequest(new_id(), position.position_id, stop, None))
        await desk.bench.set_price(stop - far, stop - far / 2)
        done = await desk.watcher.next(DealDone, where=lambda e: e.deal.effect is DealEffect.CLOSE)
        assert done.position is None
        assert done.deal.client_order_id == ""
        assert done.deal.position_id == position.position_id
        assert done.deal.profit < 0

    # --- events ---

    async def test_24_trades_of_others_are_seen(self, desk: Desk) -> None:
        units = desk.lot * 3
        position_id = await desk.bench.trade_elsewhere(desk.account, Side.SELL, units)
        await desk.bench.trade_elsewhere(desk.account, Side.BUY, desk.lot, close=position_id)
        await desk.bench.trade_elsewhere(desk.account, Side.BUY, desk.lot * 2, close=position_id)
        await desk.watcher.next(DealDone, 3)
        events = desk.watcher.deals(desk.account)
        assert [e.deal.client_order_id for e in events] == ["", "", ""]
        assert [e.deal.position_id for e in events] == [position_id] * 3
        left = [e.position.units if e.position else D(0) for e in events]
        assert left == [units, desk.lot * 2, D(0)]
        effects = [e.deal.effect for e in events]
        assert effects == [DealEffect.OPEN, DealEffect.CLOSE, DealEffect.CLOSE]

    async def test_25_events_come_in_the_order_in_which_they_happened(self, desk: Desk) -> None:
        requests = [desk.order(desk.lot * (1 + n % 3)) for n in range(30)]
        await asyncio.gather(*desk.connector.submit_many([(desk.account, r) for r in requests]))
        await desk.watcher.next(DealDone, 30)
        events = desk.watcher.deals(desk.account)
        assert [e.deal.client_order_id for e in events] == [r.client_order_id for r in requests]
        assert [e.deal.executed_at for e in events] == sorted(e.deal.executed_at for e in events)
        assert [e.received_at for e in events] == sorted(e.received_at for e in events)

    async def test_26_a_fill_in_parts_is_a_deal_for_each(self, desk: Desk) -> None:
        await desk.bench.fault(Fault.PARTIAL_FILL, desk.account)
        request = desk.order(desk.lot * 4)
        assert (await desk.submit(request)).answer is Answer.ACCEPTED
        await desk.watcher.until(
            lambda: sum(e.deal.units for e in desk.watcher.deals(desk.account)) == desk.lot * 4,
            "all of the order filled",
        )
        events = desk.watcher.deals(desk.account)
        assert len(events) > 1
        assert len({e.deal.deal_id for e in events}) == len(events)
        assert {e.deal.client_order_id for e in events} == {request.client_order_id}
        last = events[-1].position
        assert last is not None
        assert last.units == desk.lot * 4

    async def test_27_a_deal_told_twice_is_the_same_deal(self, desk: Desk) -> None:
        await desk.bench.fault(Fault.DUPLICATE, desk.account)
        request = desk.order()
        assert (await desk.submit(request)).answer is Answer.ACCEPTED
        await desk.deal_of(request.client_order_id, 2)
        assert len({e.deal.deal_id for e in desk.watcher.deals(desk.account)}) == 1
        assert len(await desk.bench.books(desk.account)) == 1

    async def test_28_a_deposit_changes_the_account(self, desk: Desk) -> None:
        before = (await desk.connector.snapshot(desk.account)).state
        await desk.bench.deposit(desk.account, D("123.45"))
        update = await desk.watcher.next(AccountUpdate)
        assert update.account == desk.account
        assert update.state.balance == before.balance + D("123.45")
        assert (update.state.currency, update.state.leverage) == (
            before.currency,
            before.leverage,
        )

    async def test_29_a_deposit_before_any_snapshot_is_told_too(self, desk: Desk) -> None:
        await desk.bench.deposit(desk.account, D(500))
        update = await desk.watcher.next(AccountUpdate)
        assert update.state.balance == D(10_500)

    async def test_30_quotes_are_exact_and_outlive_a_reconnect(self, desk: Desk) -> None:
        ids = [desk.instrument.instrument_id]
        await desk.connector.subscribe_quotes(desk.account, ids)
        await desk.connector.subscribe_quotes(desk.account, ids)
        bid, ask = desk.bench.bid, desk.bench.ask
        for reconnect in (False, True):
            if reconnect:
                await desk.bench.cut()
                await desk.watcher.next(ConnectionUp)
            bid, ask = bid + desk.instrument.price_step * 7, ask + desk.instrument.price_step * 7
            await desk.bench.set_price(bid, ask)
            await desk.watcher.next(
                QuoteUpdate, where=lambda q, b=bid, a=ask: (q.bid, q.ask) == (b, a)
            )
        assert {q.instrument_id for q in desk.watcher.all(QuoteUpdate)} == set(ids)

    # --- many at once ---

    async def test_31_a_batch_has_a_result_for_each_item_in_order(
        self, bench: PlatformBench, make_desk: MakeDesk
    ) -> None:
        desk = await make_desk()
        accounts = [desk.account] + [await bench.open_account() for _ in range(9)]
        assert await desk.connector.attach(accounts) == {}
        items: list[tuple[str, TradeRequest]] = []
        for number in range(200):
            account = accounts[number % 10]
            units = desk.lot / 2 if number % 7 == 3 else desk.lot
            items.append((account, desk.order(units)))
        items[50] = (accounts[0], CloseRequest(new_id(), "424242", desk.lot))
        items[60] = (accounts[0], desk.order(instrument_id="nothing"))
        items[70] = ("no-such-account", desk.order())
        results = await asyncio.gather(*desk.connector.submit_many(items))
        assert [r.client_order_id for r in results] == [r.client_order_id for _, r in items]
        for number, result in enumerate(results):
            bad = number % 7 == 3 or number in (50, 60, 70)
            assert (result.answer is Answer.REJECTED) is bad, (number, result)
            assert (result.answer is Answer.ACCEPTED) is not bad, (number, result)
        booked = [p.tag for account in accounts for p in await bench.books(account)]
        accepted = [r.client_order_id for r in results if r.answer is Answer.ACCEPTED]
        assert sorted(booked) == sorted(accepted)

    async def test_32_the_same_request_twice_at_once_is_written_once(self, desk: Desk) -> None:
        request = desk.order()
        items = [(desk.account, request), (desk.account, request)]
        first, second = await asyncio.gather(*desk.connector.submit_many(items))
        assert (first.answer, second.answer) == (Answer.ACCEPTED, Answer.REJECTED)
        assert len(await desk.bench.books(desk.account)) == 1

    # --- what is not known ---

    async def test_33_accepted_but_not_answered_is_unknown_then_found(self, desk: Desk) -> None:
        await desk.bench.fault(Fault.SILENCE, desk.account)
        request, since = desk.order(), datetime.now(UTC)
        (future,) = desk.connector.submit_many([(desk.account, request)], timeout=0.3)
        assert (await future).answer is Answer.UNKNOWN
        finding = await desk.found(request.client_order_id, since)
        assert finding.presence is Presence.FOUND
        assert finding.order is not None
        assert finding.order.state is OrderState.FILLED
        assert [d.units for d in finding.deals] == [desk.lot]
        assert finding.position is not None
        assert finding.position.tag == request.client_order_id

    async def test_34_dropped_is_unknown_then_absent(self, desk: Desk) -> None:
        await desk.bench.fault(Fault.DROP, desk.account)
        request, since = desk.order(), datetime.now(UTC)
        (future,) = desk.connector.submit_many([(desk.account, request)], timeout=0.3)
        assert (await future).answer is Answer.UNKNOWN
        finding = await desk.found(request.client_order_id, since)
        assert finding.presence is Presence.ABSENT
        assert await desk.bench.books(desk.account) == []

    async def test_35_what_is_under_way_is_not_called_absent(self, desk: Desk) -> None:
        await desk.bench.fault(Fault.DELAY, desk.account)
        request, since = desk.order(), datetime.now(UTC)
        (future,) = desk.connector.submit_many([(desk.account, request)])
        finding = await desk.found(request.client_order_id, since)
        assert finding.presence is not Presence.ABSENT
        assert (await future).answer is Answer.ACCEPTED

    async def test_36_a_late_answer_counts_until_the_deadline(self, desk: Desk) -> None:
        await desk.bench.fault(Fault.DELAY, desk.account, count=2)
        patient, hasty = desk.order(), desk.order()
        (first,) = desk.connector.submit_many([(desk.account, patient)])
        (second,) = desk.connector.submit_many([(desk.account, hasty)], timeout=DELAY_S / 4)
        assert (await first).answer is Answer.ACCEPTED
        assert (await second).answer is Answer.UNKNOWN
        assert (await desk.deal_of(hasty.client_order_id)).deal.units == desk.lot

    async def test_37_a_break_in_the_middle_of_a_batch_loses_no_order(self, desk: Desk) -> None:
        await desk.bench.fault(Fault.DISCONNECT, desk.account, after=10)
        since = datetime.now(UTC)
        requests = [desk.order() for _ in range(40)]
        results = await asyncio.gather(
            *desk.connector.submit_many([(desk.account, r) for r in requests])
        )
        assert {r.answer for r in results} <= {Answer.ACCEPTED, Answer.UNKNOWN}
        unknown = [r.client_order_id for r in results if r.answer is Answer.UNKNOWN]
        assert unknown
        await desk.watcher.next(ConnectionUp)
        booked = {p.tag for p in await desk.bench.books(desk.account)}
        for client_order_id in unknown:
            finding = await desk.found(client_order_id, since)
            expected = Presence.FOUND if client_order_id in booked else Presence.ABSENT
            assert finding.presence is expected
        accepted = {r.client_order_id for r in results if r.answer is Answer.ACCEPTED}
        assert accepted <= booked

    async def test_38_an_old_position_is_found_by_its_tag(self, desk: Desk) -> None:
        position = await desk.opened()
        finding = await desk.found(position.tag, datetime.now(UTC) + timedelta(days=1))
        assert finding.presence is Presence.FOUND
        assert finding.position is not None
        assert finding.position.position_id == position.position_id

    async def test_39_a_closed_trade_is_found_in_the_history(self, desk: Desk) -> None:
        since = datetime.now(UTC)
        position = await desk.opened()
        await desk.submit(CloseRequest(new_id(), position.position_id, position.units))
        finding = await desk.found(position.tag, since)
        assert finding.presence is Presence.FOUND
        assert finding.position is None
        assert [d.effect for d in finding.deals] == [DealEffect.OPEN]

    async def test_40_without_a_session_nothing_is_known(self, desk: Desk) -> None:
        await desk.bench.stop()
        await desk.watcher.next(ConnectionDown)
        finding = await desk.found(new_id(), datetime.now(UTC))
        assert finding.presence is Presence.UNKNOWN

    # --- up and down ---

    async def test_41_a_broken_session_comes_back_by_itself(self, desk: Desk) -> None:
        await desk.bench.cut()
        down = await desk.watcher.next(ConnectionDown)
        up = await desk.watcher.next(ConnectionUp)
        assert down.reason
        assert up.received_at >= down.received_at
        await desk.opened()

    async def test_42_without_a_session_orders_are_rejected_unsent(self, desk: Desk) -> None:
        seen = await desk.bench.requests_seen()
        await desk.bench.stop()
        await desk.watcher.next(ConnectionDown)
        result = await desk.submit(desk.order())
        assert (result.answer, result.code) == (Answer.REJECTED, "NOT_CONNECTED")
        assert result.retryable
        await desk.bench.restart()
        await desk.watcher.next(ConnectionUp)
        assert await desk.bench.requests_seen() == seen

    async def test_43_deals_missed_in_a_gap_are_read_afterwards(self, desk: Desk) -> None:
        position = await desk.opened()
        since = desk.watcher.deals(desk.account)[-1].deal.executed_at
        await desk.bench.hold_off()
        await desk.bench.cut()
        await desk.watcher.next(ConnectionDown)
        other = await desk.bench.trade_elsewhere(desk.account, Side.SELL, desk.lot)
        await desk.bench.trade_elsewhere(
            desk.account, Side.SELL, desk.lot, close=position.position_id
        )
        await desk.bench.let_in()
        await desk.watcher.next(ConnectionUp)
        deals = await desk.connector.deals_since(desk.account, since)
        assert [(d.position_id, d.effect) for d in deals] == [
            (position.position_id, DealEffect.OPEN),
            (other, DealEffect.OPEN),
            (position.position_id, DealEffect.CLOSE),
        ]
        assert deals[0].client_order_id == position.tag
        assert [d.client_order_id for d in deals[1:]] == ["", ""]
        assert len({d.deal_id for d in deals}) == 3

    async def test_44_deals_since_reads_all_pages(self, desk: Desk) -> None:
        await desk.bench.page_history(7)
        since = datetime.now(UTC) - timedelta(seconds=1)
        told: list[str] = []
        for _ in range(6):
            requests = [desk.order() for _ in range(5)]
            items = [(desk.account, request) for request in requests]
            await asyncio.gather(*desk.connector.submit_many(items))
            await asyncio.sleep(0.003)
        await desk.watcher.next(DealDone, 30)
        told = [e.deal.deal_id for e in desk.watcher.deals(desk.account)]
        deals = await desk.connector.deals_since(desk.account, since)
        assert [d.deal_id for d in deals] == told
        assert [d.executed_at for d in deals] == sorted(d.executed_at for d in deals)

    async def test_45_a_deal_is_the_same_from_history_as_from_the_stream(self, desk: Desk) -> None:
        since = datetime.now(UTC) - timedelta(seconds=1)
        position = await desk.opened(desk.lot * 2)
        await desk.bench.trade_elsewhere(
            desk.account, Side.SELL, desk.lot, close=position.position_id
        )
        await desk.watcher.next(DealDone, 2)
        streamed = [e.deal for e in desk.watcher.deals(desk.account)]
        assert await desk.connector.deals_since(desk.account, since) == streamed

    async def test_46_what_was_acknowledged_survives_the_platforms_restart(
        self, desk: Desk
    ) -> None:
        position = await desk.opened()
        before = await desk.connector.snapshot(desk.account)
        await desk.bench.stop()
        await desk.watcher.next(ConnectionDown)
        await desk.bench.restart()
        await desk.watcher.next(ConnectionUp)
        after = await desk.connector.snapshot(desk.account)
        assert [p.position_id for p in after.positions] == [position.position_id]
        assert after.state.balance == before.state.balance

    async def test_47_a_quiet_session_is_kept_alive(self, desk: Desk) -> None:
        await asyncio.sleep(desk.bench.dead_after_s * 2)
        assert desk.watcher.all(ConnectionDown) == []
        await desk.opened()

    async def test_48_a_dead_peer_is_noticed(self, desk: Desk) -> None:
        await desk.bench.freeze()
        await desk.watcher.next(ConnectionDown)
        await desk.watcher.next(ConnectionUp)
        await desk.opened()

    async def test_49_abort_writes_nothing_more(self, desk: Desk) -> None:
        await desk.opened()
        await desk.bench.fault(Fault.DELAY, desk.account)
        (pending,) = desk.connector.submit_many([(desk.account, desk.order())])
        await asyncio.sleep(DELAY_S / 4)
        sent = await desk.bench.bytes_sent()
        desk.connector.abort()
        (late,) = desk.connector.submit_many([(desk.account, desk.order())])
        assert (await pending).answer is Answer.UNKNOWN
        assert ((await late).answer, (await late).code) == (Answer.REJECTED, "NOT_CONNECTED")
        await desk.watcher.until(lambda: desk.watcher.ended, "the events end")
        await asyncio.sleep(0.2)
        assert await desk.bench.bytes_sent() == sent

    async def test_50_close_ends_the_events(self, desk: Desk) -> None:
        await desk.connector.close()
        await desk.watcher.until(lambda: desk.watcher.ended, "the events end")
        assert desk.watcher.all(ConnectionDown) == []
        with pytest.raises(ConnectionError):
            await desk.connector.snapshot(desk.account)

    # --- limits ---

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

    # --- tokens ---

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

    # --- pending orders ---

    async def test_57_a_pending_order_rests_and_is_cancelled(self, desk: Desk) -> None:
        pending = desk.connector.capabilities(MarginMode.HEDGING).pending_types
        if OrderType.LIMIT not in pending:
            pytest.skip("the platform has no limit orders")
        price = desk.bench.bid - desk.instrument.price_step * 1000
        request = desk.order(type=OrderType.LIMIT, price=price)
        placed = await desk.submit(request)
        assert placed.answer is Answer.ACCEPTED
        update = await desk.watcher.next(OrderUpdate)
        assert (update.order.client_order_id, update.order.price) == (
            request.client_order_id,
            price,
        )
        assert update.order.state is OrderState.ACCEPTED
        (resting,) = (await desk.connector.snapshot(desk.account)).orders
        assert resting.platform_order_id == placed.platform_order_id
        cancel = CancelRequest(new_id(), placed.platform_order_id)
        assert (await desk.submit(cancel)).answer is Answer.ACCEPTED
        gone = await desk.watcher.next(OrderUpdate, 2)
        assert gone.order.state is OrderState.CANCELLED
        again = await desk.submit(CancelRequest(new_id(), placed.platform_order_id))
        assert (again.answer, again.retryable) == (Answer.REJECTED, False)

    async def test_58_a_pending_order_that_is_reached_becomes_a_deal_of_ours(
        self, desk: Desk
    ) -> None:
        pending = desk.connector.capabilities(MarginMode.HEDGING).pending_types
        if OrderType.LIMIT not in pending:
            pytest.skip("the platform has no limit orders")
        far = desk.instrument.price_step * 300
        request = desk.order(type=OrderType.LIMIT, price=desk.bench.bid - far)
        await desk.submit(request)
        await desk.bench.set_price(desk.bench.bid - far * 2, desk.bench.ask - far * 2)
        done = await desk.deal_of(request.client_order_id)
        assert done.position is not None
        assert done.position.tag == request.client_order_id

    async def test_59_a_market_range_order_out_of_reach_ends_without_a_position(
        self, desk: Desk
    ) -> None:
        step = desk.instrument.price_step
        request = desk.order(
            type=OrderType.MARKET_RANGE,
            base_price=desk.bench.ask - step * 100,
            max_slippage=step * 10,
        )
        result = await desk.submit(request)
        if result.answer is Answer.ACCEPTED:
            update = await desk.watcher.next(OrderUpdate)
            assert update.order.client_order_id == request.client_order_id
            assert update.order.state in (OrderState.CANCELLED, OrderState.REJECTED)
        assert await desk.bench.books(desk.account) == []
