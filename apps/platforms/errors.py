"""Refusals about connections and accounts; the text is for the person who asked."""

from __future__ import annotations


class PlatformRefusal(Exception):
    """Base of all refusals; ``code`` is stable."""

    code = "INVALID_DATA"


class NotOffered(PlatformRefusal):
    """This installation is not set up for it."""

    code = "NOT_OFFERED"


class AccessDenied(PlatformRefusal):
    """The customer, or the platform, gave no access."""

    code = "ACCESS_DENIED"


class PlatformAway(PlatformRefusal):
    """The platform cannot be reached or does not answer; later it may work."""

    code = "PLATFORM_AWAY"


class AlreadyAdded(PlatformRefusal):
    code = "ALREADY_EXISTS"


class LimitReached(PlatformRefusal):
    code = "LIMIT_REACHED"
