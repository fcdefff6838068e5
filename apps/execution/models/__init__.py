"""The journal, the batches of committed intentions, and what platforms made of them.

Rows here are written by gateways and workers in bulk. References between hot tables are plain
ids without database foreign keys: they are written thousands at a time, and a journal outlives
what it speaks of.
"""

from apps.execution.models.books import Deal, Position, RestingOrder, StrayOrder
from apps.execution.models.control import (
    CloseConfirmation,
    ConnectionLease,
    Fence,
    Gate,
    GatewayProcess,
)
from apps.execution.models.intentions import AccountEvent, Batch, Order, Withdrawal
from apps.execution.models.troubles import SettleTrouble

__all__ = [
    "AccountEvent",
    "Batch",
    "CloseConfirmation",
    "ConnectionLease",
    "Deal",
    "Fence",
    "Gate",
    "GatewayProcess",
    "Order",
    "Position",
    "RestingOrder",
    "SettleTrouble",
    "StrayOrder",
    "Withdrawal",
]
