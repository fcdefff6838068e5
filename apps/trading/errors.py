"""Errors of the field, shared by every part."""

from __future__ import annotations


class TradingError(Exception):
    """Base of all errors that name something wrong with a trade, an account or a price."""


class NoConversionRate(TradingError):
    """No price is known that leads from one currency to the other."""

    def __init__(self, source: str, target: str) -> None:
        super().__init__(f"no price converts {source} to {target}; subscribe to a pair of them")
        self.source = source
        self.target = target
