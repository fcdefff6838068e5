"""Refusals of notifications; the text is for the customer."""

from __future__ import annotations


class NotificationError(Exception):
    """Base of all refusals."""

    code = "INVALID_DATA"


class AddressRefused(NotificationError):
    """An address that is not taken; never carries the address itself."""


class TooManyChannels(NotificationError):
    pass


class NameTaken(NotificationError):
    pass


class NotDelivered(NotificationError):
    """A message that did not arrive; the sentence says why as far as it is known."""


class TooSoon(NotificationError):
    pass
