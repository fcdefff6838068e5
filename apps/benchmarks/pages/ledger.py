"""What masters did and what became of it for every copy: events, outcomes, links, positions.

Every master has as many events as each of its copies has outcomes, a pair of an open and a close
for each position; the last position of every fifth copy, and of every master, is still open.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.benchmarks.pages.rows import execute, multiply
from apps.copytrading.domain.link import LinkState
from apps.copytrading.models import CopySubscription, LinkLeg, Outcome, TradeLink
from apps.execution import journal
from apps.execution.models import AccountEvent, Deal, Order, Position
from apps.trading.deals import DealEffect
from apps.trading.orders import Leg, OrderState, OrderType, Side

#: Positions of each copy of which there are links, deals and orders.
LINKED = 2
_PRICE = Decimal("1.10000")

_COPIES = (
    "(SELECT s.id AS copy, m.account_id AS master, f.account_id AS account, m.place "
    "FROM copytrading_copysubscription s "
    "JOIN copytrading_copyfollower f ON f.id = s.follower_id "
    "JOIN bench_masters m ON m.id = s.master_id) c"
)
_STATES = "(ARRAY['copied','copied','copied','copied','copied','skipped','partial','failed'])"
_CODES = (
    "(ARRAY['COPIED','COPIED','COPIED','COPIED','COPIED','BELOW_MINIMUM','PARTIALLY_FILLED',"
    "'NOT_DELIVERED'])"
)
#: Ids from here on, wherever the numbers of the tables stand, which are empty.
_FIRST_EVENT, _FIRST_LINK = 999, 9


def build(subscriptions: int, outcomes: int, now: datetime) -> None:
    """Events, outcomes, and what is held; ids ascend with time."""
    each = max(2, outcomes // subscriptions // 2 * 2)
    execute(
        "CREATE TABLE bench_masters AS SELECT id, account_id, "
        "row_number() OVER (ORDER BY id) - 1 AS place FROM copytrading_copymaster"
    )
    began = now - timedelta(hours=3 * each)
    first = CopySubscription.objects.select_related("master", "follower").order_by("id")[0]
    _events(first, each, began)
    _outcomes(first, each, began)
    _held(first, each, began)
    execute("DROP TABLE bench_masters")


def _moment(began: datetime, event: str = "k", offset: str = "0 seconds") -> str:
    return (
        f"timestamptz '{began.isoformat()}' + ({event}) * interval '3 hours' "
        f"+ c.place * interval '20 milliseconds' + interval '{offset}'"
    )


def _event(number: str = "k") -> str:
    """Id of a master's event with that number."""
    return f"{_FIRST_EVENT} + 1 + (({number}) - 1) * (SELECT count(*) FROM bench_masters) + c.place"


def _events(first: CopySubscription, each: int, began: datetime) -> None:
    payload = journal.DealPayload(
        "1", "1", "", "1", "1", "EURUSD", Side.BUY, Decimal(100_000), _PRICE, DealEffect.OPEN,
        Decimal(100_000), Side.BUY, _PRICE, None, None,
    )  # fmt: skip
    event = AccountEvent.objects.create(
        id=_FIRST_EVENT,
        account_id=first.master.account_id, connection_id=1, kind="deal", dedupe_key="deal:0",
        position_id="0", payload=journal.values(payload), trace_id="0" * 32, ts_event=began,
        received_at=began, planned_at=began,
    )  # fmt: skip
    deal = (
        "jsonb_build_object('deal_id', k::text, 'position_id', ((k + 1) / 2)::text, "
        "'side', CASE WHEN k % 2 = 1 THEN 'buy' ELSE 'sell' END, "
        "'effect', CASE WHEN k % 2 = 1 THEN 'open' ELSE 'close' END, "
        "'position_units', CASE WHEN k % 2 = 1 THEN '100000' ELSE '0' END)"
    )
    multiply(
        event, f"bench_masters c CROSS JOIN generate_series(1, {each}) k",
        id=_event(), account_id="c.account_id", dedupe_key="'deal:' || k",
        position_id="((k + 1) / 2)::text", payload=f"t.payload || {deal}",
        trace_id="md5(c.place || ' ' || k)", ts_event=_moment(began),
        received_at=_moment(began, offset="30 milliseconds"),
        planned_at=_moment(began, offset="35 milliseconds"),
    )  # fmt: skip


def _outcomes(first: CopySubscription, each: int, began: datetime) -> None:
    numbers: Any = {"ratio": "0.1", "units": "100000", "target": "10000"}
    outcome = Outcome.objects.create(
        event_id=1, subscription_id=first.pk, master_account_id=first.master.account_id,
        account_id=first.follower.account_id, position_key="1", event_kind="opened",
        symbol="EURUSD", state="copied", code="COPIED", side="buy", units=10_000,
        filled_units=10_000, lot_units=100_000, master_price=_PRICE, fill_price=_PRICE,
        slippage=0, slippage_money=0,
        numbers=numbers,
        master_deal_at=began, received_at=began, final_at=began,
    )  # fmt: skip
    kinds = "CASE WHEN k % 2 = 1 THEN 'opened' ELSE 'closed' END"
    times = {
        name: _moment(began, offset=f"{offset} milliseconds")
        for name, offset in (
            ("master_deal_at", 0), ("received_at", 30), ("planned_at", 35), ("sent_at", 42),
            ("accepted_at", 48), ("filled_at", 55), ("final_at", 60),
        )
    }  # fmt: skip
    multiply(
        outcome, f"{_COPIES} CROSS JOIN generate_series(1, {each}) k",
        event_id=_event(), subscription_id="c.copy", master_account_id="c.master",
        account_id="c.account", position_key="((k + 1) / 2)::text", event_kind=kinds,
        state=f"{_STATES}[1 + (c.copy * 7 + k) % 8]", code=f"{_CODES}[1 + (c.copy * 7 + k) % 8]",
        side="CASE WHEN k % 2 = 1 THEN 'buy' ELSE 'sell' END",
        client_order_id="'o' || c.copy || '-' || k", trace_id="md5(c.place || ' ' || k)",
        **times,
    )  # fmt: skip


def _held(first: CopySubscription, each: int, began: datetime) -> None:
    """Links of the last positions with their legs, positions, deals and orders."""
    pairs = each // 2
    open_pair = f"(j = {pairs} AND c.copy % 5 = 1)"
    source = f"{_COPIES} CROSS JOIN generate_series({max(1, pairs - LINKED + 1)}, {pairs}) j"
    opened, closed = _moment(began, "2 * j - 1"), _moment(began, "2 * j")
    ended = f"CASE WHEN {open_pair} THEN NULL ELSE {closed} END"
    units = f"CASE WHEN {open_pair} THEN 10000 ELSE 0 END"
    position = "'f' || c.copy || '-' || j"
    at = {"opened_at": opened, "closed_at": ended}
    link = TradeLink.objects.create(
        id=_FIRST_LINK,
        subscription_id=first.pk, master_account_id=first.master.account_id,
        account_id=first.follower.account_id, position_key="0", symbol="EURUSD",
        instrument_id="1", side="buy", state=LinkState.CLOSED, ratio=Decimal("0.1"), grows=True,
        master_units=0, target_units=0, held_units=0, position_id="0", master_price=_PRICE,
        result=0, opened_event_id=1, last_event_id=1, opened_at=began, closed_at=began,
    )  # fmt: skip
    link_id = f"{_FIRST_LINK} + 1 + (c.copy - 1) * {LINKED} + {pairs} - j"
    multiply(
        link, source, id=link_id, subscription_id="c.copy", master_account_id="c.master",
        account_id="c.account", position_key="j::text", position_id=position,
        state=f"CASE WHEN {open_pair} THEN 'open' ELSE 'closed' END", held_units=units,
        target_units=units, master_units=f"10 * ({units})", result="c.copy % 97 - 40",
        opened_event_id=_event("2 * j - 1"), last_event_id=_event("2 * j"), **at,
    )  # fmt: skip
    leg = LinkLeg.objects.create(
        link_id=1, account_id=1, position_id="0", units=0, opened_units=10_000, open_price=_PRICE,
        opened_at=began, closed_at=began,
    )  # fmt: skip
    multiply(
        leg, source, link_id=link_id, account_id="c.account", position_id=position,
        units=units, **at,
    )  # fmt: skip
    _positions(source, position, units, at, open_pair, began)
    _deals(source, position, open_pair, began)
    _orders(source, position, began)


def _positions(
    source: str, position: str, units: str, at: dict[str, str], open_pair: str, began: datetime
) -> None:
    held = Position.objects.create(
        account_id=0, position_id="0", instrument_id="1", side="buy", units=0, price=_PRICE,
        margin=0, open_result=0, opened_at=began, closed_at=began, updated_at=began,
    )  # fmt: skip
    multiply(
        held, source, account_id="c.account", position_id=position, units=units,
        margin=f"CASE WHEN {open_pair} THEN 110 ELSE 0 END",
        open_result=f"CASE WHEN {open_pair} THEN c.copy % 31 - 12 ELSE 0 END", **at,
    )  # fmt: skip
    multiply(
        held, "bench_masters c", account_id="c.account_id", position_id="'m' || c.place",
        units="100000", margin="1100", open_result="c.place % 301 - 120", closed_at="NULL",
    )  # fmt: skip


def _deals(source: str, position: str, open_pair: str, began: datetime) -> None:
    deal = Deal.objects.create(
        account_id=0, deal_id="0", platform_order_id="0", position_id="0", instrument_id="1",
        side=Side.BUY, effect=DealEffect.OPEN, units=10_000, price=_PRICE,
        commission=Decimal("-0.3"), executed_at=began, received_at=began,
    )  # fmt: skip
    both = f"{source} JOIN generate_series(0, 1) e ON NOT ({open_pair} AND e = 1)"
    at = _moment(began, "2 * j - 1 + e")
    common: dict[str, Any] = {
        "side": "CASE WHEN e = 0 THEN 'buy' ELSE 'sell' END",
        "effect": "CASE WHEN e = 0 THEN 'open' ELSE 'close' END",
        "executed_at": at,
        "received_at": at,
    }
    multiply(
        deal, both,
        account_id="c.account", deal_id=f"{position} || '-' || e", position_id=position,
        client_order_id="'o' || c.copy || '-' || (2 * j - 1 + e)",
        profit="CASE WHEN e = 0 THEN 0 ELSE c.copy % 97 - 40 END", **common,
    )  # fmt: skip
    ten = "CROSS JOIN generate_series(1, 10) j CROSS JOIN generate_series(0, 1) e"
    multiply(
        deal, f"bench_masters c {ten}",
        account_id="c.account_id", deal_id="j || '-' || e", position_id="j::text",
        profit="CASE WHEN e = 0 THEN 0 ELSE (c.place * 13 + j * 29) % 97 - 40 END",
        units="100000", **common,
    )  # fmt: skip


def _orders(source: str, position: str, began: datetime) -> None:
    order = Order.objects.create(
        client_order_id="0", account_id=0, connection_id=1, source="copy", leg=Leg.OPEN,
        instrument_id="1", side=Side.BUY, type=OrderType.MARKET, units=10_000,
        filled_units=10_000, average_price=_PRICE, state=OrderState.FILLED, committed_at=began,
        sent_at=began, accepted_at=began, final_at=began, settled_at=began,
    )  # fmt: skip
    times = {
        name: _moment(began, "2 * j - 1", f"{offset} milliseconds")
        for name, offset in (
            ("committed_at", 36), ("sent_at", 42), ("accepted_at", 48), ("final_at", 55),
            ("settled_at", 60),
        )
    }  # fmt: skip
    multiply(
        order, source, account_id="c.account",
        client_order_id="'o' || c.copy || '-' || (2 * j - 1)",
        wake_key="c.master", relation="'sub:' || c.copy", position_id=position, **times,
    )  # fmt: skip
