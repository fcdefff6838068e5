"""Closes that are committed and that no gateway has sent, with what each waits for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from apps.execution.models import CloseConfirmation
from apps.execution.underway import Underway, halted_accounts, unsent_closes
from apps.platforms.models import Symbol, TradingAccount
from apps.trading.orders import Side
from apps.trading.schedule import Schedule


class ClosesHold(StrEnum):
    """Why a close waits."""

    KILL_SWITCH = "kill_switch"
    MARKET = "market"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class WaitingClose:
    """A close that is committed and that no gateway has sent.

    ``why`` is a sentence for people; ``confirmed``: staff let it pass the kill switch.
    """

    client_order_id: str
    account_id: int
    login: str
    server: str
    platform: str
    symbol: str
    side: Side | None
    lots: Decimal
    position_id: str
    relation: str
    committed_at: datetime
    hold: ClosesHold
    why: str
    confirmed: bool


def waiting_closes(now: datetime) -> list[WaitingClose]:
    """All closes that wait to be sent, oldest first, with what each waits for. Five queries."""
    closes = unsent_closes(older_than=now)
    if not closes:
        return []
    account_ids = {close.account_id for close in closes}
    accounts = {
        account.pk: account
        for account in TradingAccount.objects.filter(pk__in=account_ids).only(
            "login", "server", "platform", "connection_id"
        )
    }
    places = halted_accounts(sorted(account_ids))
    confirmed = set(
        CloseConfirmation.objects.filter(
            client_order_id__in=[close.client_order_id for close in closes]
        ).values_list("client_order_id", flat=True)
    )
    symbols = _symbols(accounts.values(), closes)
    return [
        _waiting(close, account, symbols, places.get(close.account_id, ""), confirmed, now)
        for close in closes
        if (account := accounts.get(close.account_id)) is not None
    ]


def _symbols(
    accounts: Collection[TradingAccount], closes: Sequence[Underway]
) -> dict[tuple[int, str], Symbol]:
    found = Symbol.objects.filter(
        connection_id__in={account.connection_id for account in accounts},
        instrument_id__in={close.instrument_id for close in closes},
    )
    return {(symbol.connection_id, symbol.instrument_id): symbol for symbol in found}


def _waiting(
    close: Underway,
    account: TradingAccount,
    symbols: dict[tuple[int, str], Symbol],
    place: str,
    confirmed: set[str],
    now: datetime,
) -> WaitingClose:
    symbol = symbols.get((account.connection_id, close.instrument_id))
    hold, why = _why(symbol, place, close.client_order_id in confirmed, now)
    return WaitingClose(
        client_order_id=close.client_order_id,
        account_id=close.account_id,
        login=account.login,
        server=account.server,
        platform=account.platform,
        symbol=symbol.name if symbol else close.instrument_id,
        side=close.side,
        lots=close.units / symbol.lot_units if symbol else close.units,
        position_id=close.position_id,
        relation=close.relation,
        committed_at=close.committed_at,
        hold=hold,
        why=why,
        confirmed=close.client_order_id in confirmed,
    )


def _why(
    symbol: Symbol | None, place: str, confirmed: bool, now: datetime
) -> tuple[ClosesHold, str]:
    if place and not confirmed:
        return ClosesHold.KILL_SWITCH, f"The kill switch on {place} is halted."
    schedule = Schedule.from_json(symbol.schedule) if symbol else Schedule()
    if symbol is None or schedule.is_open(now):
        return ClosesHold.QUEUE, "It waits for its turn on the platform."
    opens = schedule.next_open(now)
    when = f" until {opens:%Y-%m-%d %H:%M} UTC" if opens else ""
    return ClosesHold.MARKET, f"{symbol.name} is closed{when}."
