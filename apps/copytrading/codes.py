"""Outcome states and reason codes, and their choices for tables and forms."""

from __future__ import annotations

from apps.copytrading.domain.codes import Code, OutcomeState

STATE_CHOICES = [(state.value, state.label) for state in OutcomeState]
CODE_CHOICES = [(code.value, code.label) for code in Code]

__all__ = ["CODE_CHOICES", "STATE_CHOICES", "Code", "OutcomeState"]
