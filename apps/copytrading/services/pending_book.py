"""Writing down what a look at pending orders has decided, in the running transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from apps.copytrading.domain.codes import Code, OutcomeState
from apps.copytrading.domain.pending import Pending, Terms
from apps.copytrading.domain.pending_steps import PendingOrder, PendingStep
from apps.copytrading.domain.plan import Changed, Ended, PendingChange, Plan, Planned, Waits
from apps.copytrading.domain.rows import Row
from apps.copytrading.domain.steps import Ending, Step
from apps.copytrading.services import sql
from apps.copytrading.services.decisions import (
    Decision,
    decisions_of,
    numbers_text,
    store_decisions,
)
from apps.copytrading.services.holds import hold_symbols, take
from apps.copytrading.services.links import store_links
from apps.copytrading.services.orders import SOURCE, commit_orders, send_guards
from apps.copytrading.services.outcomes import insert_outcomes, records_of
from apps.copytrading.services.pending_store import store_pendings, store_taken_over
from apps.copytrading.services.waiting import store_waits
from apps.execution import api as execution
from apps.execution.intents import Intent, client_order_id
from apps.trading.orders import Leg
from apps.trading.quantity import ZERO

#: Causes of orders that are about a resting order; others are about positions.
CAUSE = "order:"


class Wanted(NamedTuple):
    """A placement or an amendment, with the pending link as it makes it."""

    row: Row
    pending: Pending
    order: PendingOrder


class Book:
    """What was decided so far for the subscriptions of one master."""

    def __init__(self, master_account_id: int, now: datetime) -> None:
        self._master_account_id = master_account_id
        self._now = now
        self._wanted: list[Wanted] = []
        self._pendings: list[PendingChange] = []
        self._plan = Plan()

    def add_orders(self, row: Row, step: PendingStep) -> None:
        """Take over what events of a resting order made."""
        if step.order is not None and step.pending is not None:
            self._wanted.append(Wanted(row, step.pending, step.order))
        elif step.pending is not None:
            self._pendings.append(PendingChange(row, step.pending))
        if step.link is not None:
            self._plan.changes.append(Changed(row, step.link, step.excess))
            if step.excess is not None:
                self._plan.orders.append(Planned(row, step.excess, step.link))
        self._plan.endings.extend(Ended(row, ending) for ending in step.endings)
        self._plan.waits.extend(Waits(row, event) for event in step.waiting)

    def add_links(self, row: Row, step: Step) -> None:
        """Take over what events of a position made."""
        self._plan.add(row, step)

    def write(self) -> None:
        """Submit the orders and store everything, in the running transaction."""
        now, master_account_id, plan = self._now, self._master_account_id, self._plan
        self._take_symbols()
        self._commit_wanted()
        store_pendings(master_account_id, self._pendings, now)
        store_taken_over(master_account_id, plan.pendings, now)
        plan = hold_symbols(plan)
        links = [(c.row, c.link) for c in plan.changes if c.order is None]
        if plan.orders:
            sent = commit_orders(master_account_id, plan.orders, now)
            store_decisions([*decisions_of(master_account_id, sent, now)])
            links.extend((each.planned.row, each.link) for each in sent)
        store_links(master_account_id, links, now)
        insert_outcomes(records_of(master_account_id, plan.endings, now))
        store_waits(master_account_id, plan.waits)

    def _take_symbols(self) -> None:
        """A symbol of a netting account is taken before an order in it is placed."""
        placing = [w for w in self._wanted if w.row.netting and w.order.leg is Leg.OPEN]
        if not placing:
            return
        holders = take([_place(wanted) for wanted in placing])
        for wanted in placing:
            account_id, instrument_id, subscription_id = _place(wanted)
            if holders.get((account_id, instrument_id)) != subscription_id:
                self._wanted.remove(wanted)
                event, numbers = wanted.order.event, wanted.order.numbers
                ending = Ending(event, OutcomeState.SKIPPED, Code.SYMBOL_IN_USE, numbers, None)
                self._plan.endings.append(Ended(wanted.row, ending))

    def _commit_wanted(self) -> None:
        intents, connections, made = [], {}, {}
        for wanted in self._wanted:
            intent = _intent(self._master_account_id, wanted)
            intents.append(intent)
            connections[intent.account_id] = wanted.row.connection_id
            made[intent.client_order_id] = wanted
            self._pendings.append(PendingChange(wanted.row, _under_way(wanted, intent)))
        if not intents:
            return
        now = self._now
        batches = execution.submit(intents, connection_ids=connections, now=now)
        store_decisions(
            [
                _decision(self._master_account_id, made[cid], cid, batch.batch_id, now)
                for batch in batches
                for cid in batch.client_order_ids
            ]
        )


def before_of(numbers: Mapping[str, Any]) -> Terms | None:
    """The terms that an amendment was to replace."""
    values = numbers.get("before")
    return _terms_from(str(values)) if values else None


def _under_way(wanted: Wanted, intent: Intent) -> Pending:
    pending = wanted.pending._replace(in_flight=intent.client_order_id)
    if wanted.order.leg is Leg.OPEN:
        return pending._replace(client_order_id=intent.client_order_id)
    return pending


def _place(wanted: Wanted) -> tuple[int, str, int]:
    row = wanted.row
    return row.account_id, wanted.pending.instrument_id, row.subscription_id


def _intent(master_account_id: int, wanted: Wanted) -> Intent:
    row, pending, order = wanted
    terms = pending.terms
    placing = order.leg is Leg.OPEN
    return Intent(
        client_order_id(order.event.id, row.key, order.leg.value),
        row.account_id,
        row.platform_account,
        order.leg,
        SOURCE,
        relation=f"sub:{row.subscription_id}",
        wake_key=master_account_id,
        cause=f"{CAUSE}{order.event.id}",
        trace_id=order.event.trace_id,
        instrument_id=pending.instrument_id,
        side=pending.side,
        units=terms.units,
        platform_order_id=pending.platform_order_id,
        stop_loss=terms.stop_loss,
        take_profit=terms.take_profit,
        not_after=order.not_after,
        type=pending.type,
        price=terms.price,
        stop_price=terms.stop_price,
        expires_at=terms.expires_at,
        guards=send_guards(row.rules, None)._replace(min_margin_level=ZERO) if placing else None,
    )


def _decision(
    master_account_id: int, wanted: Wanted, cid: str, batch_id: int, now: datetime
) -> Decision:
    row, pending, order = wanted
    numbers = dict(order.numbers)
    if order.leg is Leg.PROTECT and order.before is not None:
        numbers["before"] = _terms_text(order.before)
    return Decision(
        order.event.id, row.subscription_id, order.leg.value, master_account_id, row.account_id,
        order.event.position_key, cid, batch_id, pending.terms.units, numbers_text(numbers), now,
    )  # fmt: skip


def _terms_text(terms: Terms) -> str:
    return orjson.dumps(terms._asdict(), default=sql.plain).decode()


def _terms_from(text: str) -> Terms:
    values = orjson.loads(text)
    expires = values.pop("expires_at")
    prices: dict[str, Any] = {name: None if v is None else Decimal(v) for name, v in values.items()}
    return Terms(**prices, expires_at=None if expires is None else datetime.fromisoformat(expires))
