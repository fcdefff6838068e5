"""What the venue does wrong during a storm: the rules of its fault plan."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

_ORDER, _CLOSE, _STOPS = "NEW_ORDER_REQ", "CLOSE_POSITION_REQ", "AMEND_POSITION_SLTP_REQ"
_REFUSALS = (
    "TRADING_DISABLED",
    "NO_QUOTES",
    "MARKET_CLOSED",
    "POSITION_LOCKED",
    "TRADING_BAD_VOLUME",
)

# Fault, what it strikes (None: all three), chance, further terms. A request that is carried out
# late is so within the time that a sender waits for its answer.
_FAULTS: tuple[tuple[str, tuple[str, ...], float, dict[str, Any]], ...] = (
    ("drop", (_ORDER, _CLOSE, _STOPS), 0.012, {}),
    ("mute", (_ORDER, _CLOSE, _STOPS), 0.012, {}),
    ("duplicate", (_ORDER, _CLOSE, _STOPS), 0.03, {}),
    ("delay", (_ORDER, _CLOSE, _STOPS), 0.02, {"delay_ms": 300}),
    ("delay", (_ORDER, _CLOSE, _STOPS), 0.008, {"delay_ms": 2500}),
    ("delay_answer", (_ORDER, _CLOSE, _STOPS), 0.02, {"delay_ms": 700}),
    ("delay_answer", (_ORDER, _CLOSE, _STOPS), 0.008, {"delay_ms": 7000}),
    ("reorder", (_ORDER, _CLOSE, _STOPS), 0.03, {"delay_ms": 400}),
    ("partial", (_ORDER,), 0.02, {"delay_ms": 900}),
    ("partial_cancel", (_ORDER,), 0.02, {"fraction": 0.6}),
    ("reject_after_accept", (_ORDER,), 0.01, {"code": "NOT_ENOUGH_MONEY"}),
    ("slip", (_ORDER, _CLOSE), 0.01, {"points": 7}),
    ("disconnect", (_ORDER, _CLOSE), 0.0003, {}),
    ("disconnect_after", (_ORDER, _CLOSE), 0.0003, {}),
)  # fmt: skip


def storm_rules(seed: int, spare: Sequence[int]) -> list[dict[str, Any]]:
    """The fault plan as the venue's admin channel takes it.

    ``spare`` are the masters' accounts: what they do is told truly, as it is on a line that is
    standing. Every rule rolls dice of its own, seeded anew with each start of the venue.
    """
    chance = Random(seed)
    rules = [
        _rule(action, message, probability, terms, chance, spare)
        for action, messages, probability, terms in _FAULTS
        for message in messages
    ]
    rules += [
        _rule("reject", message, 0.004, {"code": code}, chance, spare)
        for message in (_ORDER, _CLOSE, _STOPS)
        for code in _REFUSALS
    ]
    chance.shuffle(rules)
    return rules


def _rule(
    action: str,
    message: str,
    probability: float,
    terms: dict[str, Any],
    chance: Random,
    spare: Sequence[int],
) -> dict[str, Any]:
    return {
        "action": action,
        "message": message,
        "probability": probability,
        "seed": chance.randrange(2**31),
        "spare": list(spare),
        **terms,
    }
