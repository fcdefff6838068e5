"""Outcome states and reason codes: what users read, and what would have changed them."""

from __future__ import annotations

import enum
from typing import Self


class Labelled(enum.StrEnum):
    """A stable value with the words that users read."""

    label: str

    def __new__(cls, value: str, label: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member


class OutcomeState(Labelled):
    """How an event ended for a subscription."""

    COPIED = "copied", "Copied"
    PARTIAL = "partial", "Partly copied"
    SKIPPED = "skipped", "Skipped"
    SUPERSEDED = "superseded", "Superseded"
    REJECTED = "rejected", "Rejected"
    FAILED = "failed", "Failed"


class Code(Labelled):
    """Stable reason codes. The label is the sentence that users read."""

    COPIED = "COPIED", "Copied in full"
    CAPPED = "CAPPED", "Copied up to the maximum volume"
    ROUNDED_UP = "ROUNDED_UP", "Rounded up to the smallest volume"
    PARTIALLY_FILLED = "PARTIALLY_FILLED", "The platform filled only a part"
    NOTHING_TO_CHANGE = "NOTHING_TO_CHANGE", "The copy already was as it should be"
    BELOW_MINIMUM = (
        "BELOW_MINIMUM",
        "The volume is below the smallest that can be traded",
    )
    NOT_LINKED = "NOT_LINKED", "Nothing was copied from this position"
    NOT_MAPPED = "NOT_MAPPED", "The copy has no symbol for it"
    PAUSED = "PAUSED", "Copying was paused"
    STOPPED = "STOPPED", "Copying was stopped"
    MASTER_PAUSED = "MASTER_PAUSED", "The master was paused"
    MODULE_DISABLED = "MODULE_DISABLED", "Copy trading was switched off"
    STALE_ACCOUNT = "STALE_ACCOUNT", "Equity of an account was too old to size on"
    NO_EQUITY = "NO_EQUITY", "An account has no equity or balance to size on"
    NO_RATE = "NO_RATE", "No price converts between the account currencies"
    SYMBOL_IN_USE = (
        "SYMBOL_IN_USE",
        "Another copy holds this symbol on a netting account",
    )
    TOO_LATE = "TOO_LATE", "The order could not be sent within the maximum delay"
    WITHHELD = "WITHHELD", "Held back at the moment of sending"
    STOPS_OFF = "STOPS_OFF", "Stop loss and take profit are not copied"
    SUPERSEDED = "SUPERSEDED", "A newer change overtook this one"
    REJECTED = "REJECTED", "The platform refused the order"
    CANCELLED = "CANCELLED", "The order was cancelled on the platform"
    NOT_DELIVERED = "NOT_DELIVERED", "No trace of the order on the platform"
    POSITION_GONE = "POSITION_GONE", "The copied position was no longer there"
    DETACHED = "DETACHED", "The position was detached from its copy"
    OPENS_ONLY = "OPENS_ONLY", "This copy only opens; closing is up to you"
    CLOSES_ONLY = "CLOSES_ONLY", "This copy only closes"
    SYMBOL_FILTERED = "SYMBOL_FILTERED", "The symbol is left out by the settings of this copy"
    PARTIAL_CLOSE_OFF = "PARTIAL_CLOSE_OFF", "Partial closes are not copied"
    PENDING_OFF = "PENDING_OFF", "Pending orders are not copied"
    MAX_POSITIONS = "MAX_POSITIONS", "The maximum of open trades is reached"
    MIN_EQUITY = "MIN_EQUITY", "Equity is below the minimum"
    SLIPPAGE = "SLIPPAGE", "The price had moved too far"
    MARGIN = "MARGIN", "Too little margin would remain"
    MARKET_CLOSED = "MARKET_CLOSED", "The market is closed"
    KILL_SWITCH = "KILL_SWITCH", "Held back by the kill switch"
    LOSS_LIMIT = "LOSS_LIMIT", "The loss limit was reached"
    ALREADY_LINKED = "ALREADY_LINKED", "This position is copied already"
    PENDING_FILLED = "PENDING_FILLED", "The copy's own order had filled already"
    NOT_REVERSIBLE = "NOT_REVERSIBLE", "The platform has no opposite of this kind of order"


#: Reasons that the customer chose: no news for somebody who set it so, or knows it already.
CHOSEN = frozenset(
    {
        Code.NOTHING_TO_CHANGE,
        Code.NOT_LINKED,
        Code.PAUSED,
        Code.STOPPED,
        Code.MASTER_PAUSED,
        Code.MODULE_DISABLED,
        Code.STOPS_OFF,
        Code.SUPERSEDED,
        Code.DETACHED,
        Code.OPENS_ONLY,
        Code.CLOSES_ONLY,
        Code.SYMBOL_FILTERED,
        Code.PARTIAL_CLOSE_OFF,
        Code.PENDING_OFF,
        Code.KILL_SWITCH,
        Code.LOSS_LIMIT,
        Code.ALREADY_LINKED,
        Code.PENDING_FILLED,
    }
)
