"""What a run that was interrupted has committed already; the next run keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from apps.copytrading.domain.rows import Decided
from apps.copytrading.services.decisions import Decision, numbers_text
from apps.copytrading.services.notes import load_notes
from apps.execution.intents import Col, rows_of
from apps.execution.selectors import PendingBatch


@dataclass(slots=True)
class Resumed:
    """Orders that were committed for events which are not planned to their end.

    ``decided`` gives them by subscription and position, ``decisions`` as they are to be stored.
    """

    batch_ids: list[int] = field(default_factory=list)
    event_ids: set[int] = field(default_factory=set)
    decided: dict[int, dict[str, Decided]] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)


def resumed_from(master_account_id: int, batches: Sequence[PendingBatch]) -> Resumed:
    """What was committed for a master and has not been taken over yet; nearly always nothing."""
    resumed = Resumed()
    for batch in batches:
        _add(resumed, master_account_id, batch)
    return resumed


def _add(resumed: Resumed, master_account_id: int, batch: PendingBatch) -> None:
    resumed.batch_ids.append(batch.id)
    items = {row[Col.CLIENT_ORDER_ID]: row for row in rows_of(batch.items)}
    for cid, event_id, subscription_id, link, numbers in load_notes(batch.notes):
        row = items[cid]
        resumed.event_ids.add(event_id)
        decided = resumed.decided.setdefault(subscription_id, {})
        decided[link.position_key] = Decided(event_id, link)
        resumed.decisions.append(
            Decision(
                event_id, subscription_id, row[Col.LEG], master_account_id, row[Col.ACCOUNT_ID],
                link.position_key, cid, batch.id, row[Col.UNITS], numbers_text(numbers),
                batch.created_at,
            )
        )  # fmt: skip
