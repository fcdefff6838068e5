"""Masters, followers and subscriptions; and what the engine made of every master event.

Profiles are configuration and small. Links, decisions and outcomes are written in bulk by
workers, refer to each other by plain ids, and are never deleted.
"""

from apps.copytrading.models.alarms import MarginAlarm
from apps.copytrading.models.holdings import Drift, PendingLink, SymbolHold
from apps.copytrading.models.ledger import (
    Decision,
    LedgerHead,
    Outcome,
    OutcomeSeal,
    WaitingEvent,
)
from apps.copytrading.models.links import LinkCorrection, LinkLeg, TradeLink
from apps.copytrading.models.master_gates import MasterGate
from apps.copytrading.models.profiles import (
    CopyFollower,
    CopyMaster,
    CopySubscription,
    MasterPicture,
    SubscriptionVersion,
    SymbolPair,
)
from apps.copytrading.models.quality import ExecutionFigures, ExecutionRollup, WorstOutcome

__all__ = [
    "CopyFollower",
    "CopyMaster",
    "CopySubscription",
    "Decision",
    "Drift",
    "ExecutionFigures",
    "ExecutionRollup",
    "LedgerHead",
    "LinkCorrection",
    "LinkLeg",
    "MarginAlarm",
    "MasterGate",
    "MasterPicture",
    "Outcome",
    "OutcomeSeal",
    "PendingLink",
    "SubscriptionVersion",
    "SymbolHold",
    "SymbolPair",
    "TradeLink",
    "WaitingEvent",
    "WorstOutcome",
]
