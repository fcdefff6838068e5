"""What became of copies, as tests of the engine look at it."""

from __future__ import annotations

from typing import Any

from apps.copytrading.models import Outcome, TradeLink


def codes() -> list[tuple[str, str, str]]:
    """Event, state and code of every outcome, in their order."""
    return list(Outcome.objects.order_by("id").values_list("event_kind", "state", "code"))


def only(**which: Any) -> TradeLink:
    """The one link that there is."""
    return TradeLink.objects.get(**which)
