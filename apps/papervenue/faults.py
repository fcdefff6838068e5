"""The fault plan: what goes wrong on purpose, and when.

A rule names the request it strikes by payload type, account and count; the first rule that
matches a request strikes. Everything random comes from the rule's own seed.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from apps.openapi_wire.payloads import PayloadType

Json = Mapping[str, Any]


class Fault(enum.StrEnum):
    """What happens to a request."""

    DROP = "drop"  # it is lost: not carried out, not answered
    MUTE = "mute"  # it is carried out, and nobody hears of it
    DUPLICATE = "duplicate"  # every answer and event of it is sent twice
    DELAY = "delay"  # it is carried out after ``delay_ms``
    DELAY_ANSWER = "delay_answer"  # it is carried out now and answered after ``delay_ms``
    REORDER = "reorder"  # its events arrive in the opposite order, after the next other one
    REJECT = "reject"  # it is refused with ``code``
    REJECT_AFTER_ACCEPT = "reject_after_accept"  # accepted, then rejected with ``code``
    # ``fraction`` is filled now, the rest after ``delay_ms``; a resting order is filled by so
    # much with each price that reaches it.
    PARTIAL = "partial"
    PARTIAL_CANCEL = "partial_cancel"  # ``fraction`` is filled, the rest is cancelled
    SLIP = "slip"  # it is filled ``points`` worse than the price
    DISCONNECT = "disconnect"  # the session is cut before it is carried out
    DISCONNECT_AFTER = "disconnect_after"  # it is carried out, then the session is cut


@dataclass(slots=True)
class FaultRule:
    """One line of the plan.

    ``message`` is a payload type number or name (``NEW_ORDER_REQ``), '' for every request.
    ``account`` strikes one account only, ``spare`` names accounts that are left in peace.
    ``nth`` strikes only that matching request (from 1), ``every`` each so many-th,
    ``probability`` by chance; ``count`` ends the rule after so many strikes.
    """

    action: Fault
    message: str | int = ""
    account: int | None = None
    spare: Collection[int] = ()
    nth: int | None = None
    every: int | None = None
    probability: float | None = None
    seed: int = 0
    count: int | None = None
    delay_ms: int = 100
    code: str = "TRADING_DISABLED"
    fraction: float = 0.5
    points: int = 10
    seen: int = field(default=0, init=False)
    struck: int = field(default=0, init=False)
    _random: Random = field(init=False, repr=False)
    _type: int | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.action = Fault(self.action)
        self._random = Random(self.seed)
        self._type = _payload_type(self.message)
        self.spare = frozenset(self.spare)

    @classmethod
    def from_json(cls, data: Json) -> FaultRule:
        """From the admin channel; ValueError says what does not fit."""
        try:
            return cls(**data)
        except TypeError as error:
            raise ValueError(f"a fault rule cannot have these fields: {error}") from error

    def strikes(self, payload_type: int, account: int) -> bool:
        if self._type not in (None, payload_type) or self.account not in (None, account):
            return False
        if account in self.spare:
            return False
        if self.count is not None and self.struck >= self.count:
            return False
        self.seen += 1
        if self.nth is not None and self.seen != self.nth:
            return False
        if self.every is not None and self.seen % self.every:
            return False
        if self.probability is not None and self._random.random() >= self.probability:
            return False
        self.struck += 1
        return True


class FaultPlan:
    """The rules in force. Empty: the venue is honest."""

    def __init__(self, rules: Iterable[FaultRule] = ()) -> None:
        self.rules = list(rules)

    def __bool__(self) -> bool:
        return bool(self.rules)

    def set(self, *rules: FaultRule) -> None:
        """Replace all rules."""
        self.rules = list(rules)

    def add(self, action: Fault | str, **terms: Any) -> FaultRule:
        """Append a rule and return it, so that a test can ask how often it struck."""
        rule = FaultRule(Fault(action), **terms)
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        self.rules = []

    def strike(self, payload_type: int, account: int) -> FaultRule | None:
        for rule in self.rules:
            if rule.strikes(payload_type, account):
                return rule
        return None


def _payload_type(name: str | int) -> int | None:
    if name == "":
        return None
    if isinstance(name, int):
        return name
    full = name if name.startswith("PROTO_OA_") else f"PROTO_OA_{name}"
    if full not in PayloadType.__members__:
        raise ValueError(f"no message is called {name!r}; names are like NEW_ORDER_REQ")
    return int(PayloadType[full])
