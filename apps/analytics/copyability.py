"""How much of the trading of listed masters one account could copy."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

from apps.analytics.domain.minimum_lot import Copyable, Lots, copyable
from apps.analytics.listing import MasterEntry
from apps.platforms.selectors import currency_rates, instruments_folded
from apps.trading.errors import NoConversionRate
from apps.trading.money import Rates

if TYPE_CHECKING:
    from apps.platforms.models import TradingAccount


def copyable_shares(
    entries: Collection[MasterEntry], account: TradingAccount, equity: Decimal | None
) -> Mapping[int, Copyable]:
    """What ``account`` with ``equity`` could copy of these masters, by the master's id.

    See :func:`apps.analytics.domain.minimum_lot.copyable`. Masters without trades, without known
    equity, or in a currency without a rate are left out, and so is the account itself. At most
    two queries, whatever the number of masters.
    """
    others = [e for e in entries if e.account_id != account.pk and e.equity and e.openings]
    if not others or equity is None:
        return {}
    rates = _rates({entry.currency for entry in others} | {account.currency})
    traded = {opening.symbol for entry in others for opening in entry.openings}
    lots = {
        folded: Lots(symbol.min_units, symbol.step_units, symbol.max_units)
        for folded, symbol in instruments_folded(account.connection_id, traded).items()
    }
    found = {}
    for entry in others:
        try:
            rate = rates.rate(account.currency, entry.currency)
        except NoConversionRate:
            continue
        share = copyable(entry.openings, lots, equity * rate / (entry.equity or Decimal(1)))
        if share is not None:
            found[entry.id] = share
    return found


def _rates(currencies: Collection[str]) -> Rates:
    return currency_rates(currencies) if len(currencies) > 1 else Rates({})
