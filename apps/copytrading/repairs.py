"""Differences between copies and accounts: what would end them, ending them, accepting them.

Like :mod:`apps.copytrading.api`, of which these are a part: the acting user first, refusals are
:class:`apps.copytrading.errors.CopyError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from django.db import transaction

from apps.accounts.models import User
from apps.copytrading.receivers import wake
from apps.copytrading.services.accepting import let_be
from apps.copytrading.services.remedies import NotNow, Repair
from apps.copytrading.services.repair import HasChanged, Worked, mark_of, preview, send

__all__ = [
    "HasChanged", "NoRepair", "RepairOrder", "RepairPreview", "accept_drift", "preview_repair",
    "repair",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class RepairOrder:
    """An order against one difference: at market, or the cancel of one that rests.

    ``lots`` are of the account's platform. ``estimate`` is in ``currency`` at the quotes of
    now: what a close realises, or the spread that an open costs; None where no price is known,
    and of a cancel.
    """

    drift_id: int
    kind: str
    login: str
    symbol: str
    closes: bool
    side: str
    units: Decimal
    lots: Decimal
    estimate: Decimal | None
    currency: str
    cancels: bool = False


@dataclass(frozen=True, slots=True)
class NoRepair:
    """A difference that nothing can be sent against now, and why."""

    drift_id: int
    kind: str
    login: str
    symbol: str
    reason: str


@dataclass(frozen=True, slots=True)
class RepairPreview:
    """What a repair sends. ``confirm`` names exactly these orders."""

    orders: tuple[RepairOrder, ...]
    refused: tuple[NoRepair, ...]
    confirm: str


def preview_repair(*, actor: User | None, drift_ids: Sequence[int]) -> RepairPreview:
    """The orders that would end these differences now; nothing is sent.

    NotFound where one of them is not the actor's to decide about.
    """
    return _shown(preview(actor, drift_ids))


def repair(
    *, actor: User | None, drift_ids: Sequence[int], confirm: str, reason: str = ""
) -> RepairPreview:
    """Send the orders of a preview, each once; what cannot be repaired now stays and says why.

    HasChanged where they would be others than those that ``confirm`` names.
    """
    worked, masters = send(actor, drift_ids, mark=confirm, reason=reason)
    _wake(masters)
    return _shown(worked)


def accept_drift(*, actor: User | None, drift_ids: Sequence[int], reason: str = "") -> int:
    """Take what is there for the truth; answers for how many differences that was possible."""
    count, masters = let_be(actor, drift_ids, reason=reason)
    _wake(masters)
    return count


def _wake(masters: Iterable[int]) -> None:
    # A worker that found the lock taken has gone away.
    transaction.on_commit(partial(wake, sorted(masters)), robust=True)


def _shown(worked: Worked) -> RepairPreview:
    return RepairPreview(
        tuple(_order(one) for one in worked if isinstance(one, Repair)),
        tuple(_refused(one) for one in worked if isinstance(one, NotNow)),
        mark_of(worked),
    )


def _order(one: Repair) -> RepairOrder:
    drift, order = one.drift, one.order
    return RepairOrder(
        drift.pk, drift.kind, one.place.login, drift.symbol, one.closes, order.side.value,
        order.units, order.units / drift.lot_units, one.estimate, one.place.currency, one.cancels,
    )  # fmt: skip


def _refused(one: NotNow) -> NoRepair:
    drift = one.drift
    return NoRepair(drift.pk, drift.kind, one.place.login, drift.symbol, one.reason)
