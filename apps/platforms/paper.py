"""Paper accounts: opened by customers at the built-in venue, in one step."""

from __future__ import annotations

import base64
import json
import urllib.request
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.selectors import product_config
from apps.platforms.errors import LimitReached, NotOffered, PlatformAway, PlatformRefusal
from apps.platforms.found import split_address
from apps.platforms.models import Connection, ConnectionState, TradingAccount
from apps.platforms.oauth import ask_json
from apps.platforms.opening import add_account, group_for
from apps.trading.money import currency_digits
from apps.trading.positions import MarginMode

PLATFORM = "paper"
SERVER = "Paper-1"
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "JPY", "AUD", "CAD", "NZD")
LEAST, MOST, USUAL = Decimal(100), Decimal(10_000_000), Decimal(10_000)
LEVERAGE = Decimal(100)
#: Most that a customer opens in 24 hours, whatever is removed meanwhile.
A_DAY = 20


def is_offered() -> bool:
    """Whether customers can open paper accounts here."""
    return bool(settings.PAPERVENUE_URL) and product_config().max_paper_accounts > 0


def left_to_open(owner: User) -> int:
    """How many more paper accounts a customer may open."""
    return max(0, product_config().max_paper_accounts - _opened(owner)) if is_offered() else 0


@transaction.atomic
def open_paper_account(
    *,
    owner: User,
    currency: str = "EUR",
    balance: Decimal = USUAL,
    name: str = "",
    margin_mode: MarginMode = MarginMode.HEDGING,
) -> TradingAccount:
    """Open an account with play money; the gateway attaches it within seconds.

    LimitReached, NotOffered, PlatformAway or another PlatformRefusal say why not. A customer's
    requests follow one another, so that the limit holds.
    """
    User.objects.select_for_update().get(pk=owner.pk)
    if not is_offered():
        raise NotOffered("Paper accounts are not offered here; ask our staff.")
    if not left_to_open(owner):
        raise LimitReached(
            f"You have {_opened(owner)} paper accounts, which is as many as one may open. Remove "
            "one that you do not need any more."
        )
    if _opened_since(owner, timezone.now() - timedelta(days=1)) >= A_DAY:
        raise LimitReached("You opened many paper accounts today; open another one tomorrow.")
    _check(currency, balance)
    opened = _ask_venue(
        name=name or f"{currency} account",
        owner=settings.PAPERVENUE_OWNER,
        currency=currency,
        leverage=int(LEVERAGE),
        margin_mode=margin_mode.value,
        deposit=f"{balance:f}",
    )
    return add_account(
        owner=owner,
        connection=_connection(opened),
        group=group_for(mode="demo", currency=currency, leverage=LEVERAGE),
        login=str(opened["login"]),
        platform_account_id=str(opened["account"]),
        currency=currency,
        leverage=LEVERAGE,
        margin_mode=margin_mode,
        name=name.strip()[:64] or f"Paper {currency}",
        opened_by_owner=True,
    )


def _opened_since(owner: User, since: datetime) -> int:
    """Those that were removed since are among them: each is an account at the venue for good."""
    return TradingAccount.objects.filter(
        owner=owner, opened_by_owner=True, created_at__gte=since
    ).count()


def _opened(owner: User) -> int:
    return TradingAccount.objects.filter(
        owner=owner, opened_by_owner=True, archived_at=None
    ).count()


def _check(currency: str, balance: Decimal) -> None:
    if currency not in CURRENCIES:
        raise PlatformRefusal(f"Choose one of {', '.join(CURRENCIES)}.")
    if not balance.is_finite() or not LEAST <= balance <= MOST:
        raise PlatformRefusal(f"Choose a balance from {LEAST:,} to {MOST:,}.")
    digits = currency_digits(currency)
    if balance != round(balance, digits):
        raise PlatformRefusal(f"{currency} has {digits or 'no'} decimals.")


def _ask_venue(**terms: Any) -> dict[str, Any]:
    """The account as the venue opened it, with the tokens of its owner."""
    secret = f"{settings.PAPERVENUE_CLIENT_ID}:{settings.PAPERVENUE_CLIENT_SECRET}"
    request = urllib.request.Request(
        f"{settings.PAPERVENUE_URL.rstrip('/')}/accounts",
        data=json.dumps(terms).encode(),
        headers={
            "Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}",
            "Content-Type": "application/json",
        },
    )
    answer = ask_json(request, "The paper venue")
    if answer.get("errorCode") or "account" not in answer:
        raise PlatformAway(
            "The paper venue opened no account: "
            f"{answer.get('description') or 'it did not say why'}. Please ask our staff."
        )
    return answer


def _connection(opened: dict[str, Any]) -> Connection:
    """The house's connection with the venue, made with the first account."""
    found = Connection.objects.filter(platform=PLATFORM, owner=None, enabled=True)
    connection = found.order_by("id").first()
    if connection is not None:
        return connection
    host, port = split_address(settings.PAPERVENUE_ADDRESS)
    values = {
        "client_id": settings.PAPERVENUE_CLIENT_ID,
        "client_secret": settings.PAPERVENUE_CLIENT_SECRET,
        "access_token": opened["accessToken"],
        "refresh_token": opened["refreshToken"],
    }
    connection, made = Connection.objects.get_or_create(
        name="Paper venue",
        defaults={
            "platform": PLATFORM,
            "server": SERVER,
            "host": host,
            "port": port,
            "tls": False,
            "credentials": values,
        },
    )
    if made:
        ConnectionState.objects.create(connection=connection)
    return connection
