"""What a claim may pass over when it is asked a second time."""

from __future__ import annotations

from apps.execution.gateway.claims import Gates


def test_only_gates_that_halt_were_looked_at() -> None:
    """One that reduces may be made to halt between two looks, and must be looked at then."""
    gates = Gates([("account", "7", "halted", "stop"), ("account", "8", "reducing", "margin")])
    assert gates.halting() == ["account:7"]
