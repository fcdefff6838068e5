"""The books on disk."""

from __future__ import annotations

from pathlib import Path

from apps.openapi_wire import messages
from apps.openapi_wire.enums import OrderStatus
from apps.papervenue import codec
from apps.papervenue.engine import DEFAULT_SYMBOLS
from apps.papervenue.engine.book import Book
from apps.papervenue.engine.records import Order, Position
from apps.papervenue.owners import Owner
from apps.papervenue.store import CHECKPOINT_BYTES, Store
from tests.unit.papervenue.venue_desk import BUY, EURUSD, LOT, NOW, SELL, USDJPY, Desk, OrderType


def fields(record: Order | Position) -> dict[str, object]:
    return {
        name: getattr(record, name) for name in record.__slots__ if name not in ("account", "spec")
    }


def test_every_field_of_orders_and_positions_comes_back(tmp_path: Path) -> None:
    desk = Desk()
    account = desk.account(netting=False, currency="EUR")
    desk.place(account, SELL, LOT, symbol=USDJPY, label="ä", comment="why", client_order_id="c")
    desk.place(account, BUY, LOT, relative_stop_loss=777, relative_take_profit=999, trailing=True)
    desk.price(EURUSD, 110_003, 110_013)
    first = next(p for p in account.positions.values() if p.spec.symbol_id == EURUSD)
    desk.place(account, BUY, 300_000, position_id=first.position_id)
    desk.place(
        account, SELL, LOT, type=OrderType.STOP_LIMIT, stop_price=109_000, slippage_points=7,
        stop_loss=111_000, expires_ms=NOW + 5, label="pending",
    )  # fmt: skip
    store = Store(tmp_path)
    store.load(desk.book)
    store.account(account)
    for position in account.positions.values():
        store.position(position, codec.position_message(position).SerializeToString())
    for order in account.orders.values():
        store.order(order, codec.order_message(order).SerializeToString())
    store.owner(Owner("me", 1, "access", "refresh", 5))
    store.meta("seen", 42)
    store.close()
    again, book = Store(tmp_path), Book(DEFAULT_SYMBOLS)
    assert again.load(book) == {"seen": 42}
    loaded = book.accounts[account.account_id]
    assert loaded.balance == account.balance
    for kept, back in ((account.positions, loaded.positions), (account.orders, loaded.orders)):
        assert {n: fields(r) for n, r in kept.items()} == {n: fields(r) for n, r in back.items()}
    assert book.counters.order == desk.book.counters.order
    assert [owner.access_token for owner in again.owners()] == ["access"]
    again.close()


def test_the_log_is_moved_into_the_file_and_does_not_grow_for_ever(tmp_path: Path) -> None:
    store = Store(tmp_path)
    log = tmp_path / "venue.sqlite3-wal"
    for turn in range(3):
        number = 0
        while not store.checkpoint_due:
            number += 1
            store.meta(f"{turn}:{number}:" + "x" * 10_000, number)
            store.commit()
        store.checkpoint()
        store.meta("after", turn)
        store.commit()
        assert log.stat().st_size <= CHECKPOINT_BYTES
    store.close()


def test_an_order_at_market_that_a_killed_venue_left_is_cancelled(tmp_path: Path) -> None:
    desk = Desk()
    account = desk.account()
    order = desk.place(account, SELL, LOT, type=OrderType.LIMIT, limit_price=120_000)
    order.type = OrderType.MARKET  # accepted, and killed before its fill was booked
    store = Store(tmp_path)
    store.load(desk.book)
    store.account(account)
    store.order(order, codec.order_message(order).SerializeToString())
    store.close()
    again, book = Store(tmp_path), Book(DEFAULT_SYMBOLS)
    again.load(book)
    assert not book.accounts[account.account_id].orders
    (body,) = again.rows("SELECT body FROM orders WHERE NOT live")
    status = messages.ProtoOAOrder.FromString(body).orderStatus
    assert status == OrderStatus.ORDER_STATUS_CANCELLED
    again.close()
