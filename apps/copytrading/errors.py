"""Refusals of copying; the text is for the person who asked, ``code`` is stable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class CopyError(Exception):
    """Base of all refusals."""

    code = "INVALID_DATA"


class InvalidSettings(CopyError):
    """Settings that cannot be; ``fields`` gives a sentence for each field concerned."""

    code = "INVALID_DATA"

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)


class InvalidAccount(CopyError):
    code = "INVALID_ACCOUNT"


class NotPermitted(CopyError):
    code = "PERMISSION_DENIED"


class NotAllowedToCustomer(NotPermitted):
    """Staff have taken this permission from the customer."""

    code = "NOT_PERMITTED"


class NotFound(CopyError):
    code = "RET_ERR_NOTFOUND"


class MasterNotFound(CopyError):
    code = "MASTER_NOT_FOUND"


class MasterNotAvailable(CopyError):
    code = "MASTER_NOT_AVAILABLE"


class MasterGated(MasterNotAvailable):
    """A rule holds: the master takes no new followers for now."""


class FollowerNotFound(CopyError):
    code = "FOLLOWER_NOT_FOUND"


class FollowerModeNotAllowed(CopyError):
    code = "FOLLOWER_MODE_NOT_ALLOWED"


class AlreadyExists(CopyError):
    code = "ALREADY_EXISTS"


class LoopNotAllowed(CopyError):
    code = "LOOP_NOT_ALLOWED"


class MaxMastersReached(CopyError):
    code = "MAX_MASTERS_REACHED"


class TermsNotAccepted(CopyError):
    code = "TERMS_NOT_ACCEPTED"


class InvalidPairs(CopyError):
    """Symbol pairs that cannot be; ``problems`` gives line number and sentence of each."""

    code = "INVALID_DATA"

    def __init__(self, problems: Sequence[tuple[int, str]]) -> None:
        super().__init__(" ".join(f"Line {line}: {sentence}" for line, sentence in problems))
        self.problems = list(problems)


class OrderUnderWay(CopyError):
    code = "ORDER_UNDER_WAY"


class AccountInUse(CopyError):
    """An account that cannot be removed; ``reasons`` has a sentence each."""

    code = "ACCOUNT_IN_USE"

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = list(reasons)


class MasterFull(CopyError):
    code = "MASTER_FULL"


class BelowMinimumInvestment(CopyError):
    code = "BELOW_MINIMUM_INVESTMENT"
