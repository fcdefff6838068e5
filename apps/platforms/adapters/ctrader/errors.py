"""What the Open API's error codes mean for whoever sent the request."""

from __future__ import annotations

from typing import Any

from apps.platforms.ports import PlatformError

RATE_LIMITED = frozenset(
    {"REQUEST_FREQUENCY_EXCEEDED", "BLOCKED_PAYLOAD_TYPE", "CHANNEL_IS_BLOCKED"}
)

# The access token is no longer good; a refresh may help.
TOKEN_CODES = frozenset({"CH_ACCESS_TOKEN_INVALID", "OA_AUTH_TOKEN_EXPIRED"})

# The application itself is refused; nothing helps but other credentials.
APPLICATION_CODES = frozenset({"CH_CLIENT_AUTH_FAILURE", "CH_OA_CLIENT_NOT_FOUND"})

# The session is not, or no longer, authorised for the account.
SESSION_CODES = frozenset({"ACCOUNT_NOT_AUTHORIZED", "CH_CLIENT_NOT_AUTHENTICATED"})

ALREADY_THERE = frozenset(
    {"ALREADY_LOGGED_IN", "CH_CLIENT_ALREADY_AUTHENTICATED", "ALREADY_SUBSCRIBED"}
)

_PASSING = frozenset(
    {
        "CANT_ROUTE_REQUEST",
        "CH_SERVER_NOT_REACHABLE",
        "CONCURRENT_MODIFICATION",
        "CONNECTIONS_LIMIT_EXCEEDED",
        "MARKET_CLOSED",
        "NO_QUOTES",
        "NOT_CONNECTED",
        "PENDING_EXECUTION",
        "POSITION_LOCKED",
        "SERVER_IS_UNDER_MAINTENANCE",
        "SYMBOL_HAS_HOLIDAY",
        "TIMEOUT_ERROR",
        "TRADING_DISABLED",
    }
)


def is_retryable(code: str) -> bool:
    """Whether the same request may be accepted later, without any change to it."""
    return code in _PASSING or code in RATE_LIMITED or code in SESSION_CODES


def pause_s(message: Any) -> float:
    """How long to be silent after an error message; a second where it does not say."""
    return float(getattr(message, "retryAfter", 0) or 1)


class Throttled(PlatformError):
    """A query came too early; ``pause_s`` is how long the platform wants to be left alone."""

    def __init__(self, code: str, description: str, pause_s: float) -> None:
        super().__init__(code, description)
        self.pause_s = pause_s


class CannotExpress(ValueError):
    """A request that the Open API has no words for."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
