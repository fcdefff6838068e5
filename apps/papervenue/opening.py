"""Opening accounts at the venue, whoever asks for it."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from apps.papervenue.engine import Account
from apps.papervenue.venue import Venue
from apps.trading.money import currency_digits


class BadCommand(Exception):
    """The command cannot be carried out; the text says why."""


def open_account(
    venue: Venue,
    *,
    name: str,
    owner: str = "",
    currency: str = "EUR",
    leverage: int = 100,
    margin_mode: str = "hedging",
    deposit: str | int = "0",
    live: bool = False,
) -> Account:
    """A new account of ``owner`` (of its own name without one). BadCommand for wrong terms."""
    if currency not in venue.assets:
        raise BadCommand(f"accounts are in {', '.join(venue.assets)}, not {currency!r}")
    if margin_mode not in ("hedging", "netting"):
        raise BadCommand(f"the margin mode is hedging or netting, not {margin_mode!r}")
    if not 1 <= leverage <= 1_000:
        raise BadCommand(f"the leverage is 1 to 1000, not {leverage}")
    digits = currency_digits(currency)
    amount = amount_of(deposit, digits)
    number, now = venue.engine.book.counters.take("account"), venue.now()
    account = Account(
        account_id=number,
        login=number + 8_000_000,
        owner=venue.owners.get(owner or name, now).name,
        name=name,
        currency=currency,
        money_digits=digits,
        leverage=leverage,
        netting=margin_mode == "netting",
        opened_ms=now,
        is_live=live,
    )
    venue.engine.book.accounts[number] = account
    venue.store.account(account)
    if amount:
        venue.engine.change_balance(account, amount, now, "deposit")
    return account


def amount_of(text: str | int, digits: int) -> int:
    """Text to a scaled integer; refused where it is finer."""
    try:
        scaled = Decimal(str(text)).scaleb(digits)
    except InvalidOperation as error:
        raise BadCommand(f"{text!r} is not a number") from error
    if not scaled.is_finite() or scaled != int(scaled) or scaled < 0:
        raise BadCommand(f"{text!r} must be positive and have at most {digits} decimals")
    return int(scaled)
