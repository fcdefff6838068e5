"""The latest deal of each position: platforms may tell of deals out of order."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime

from apps.trading.deals import Deal

_REMEMBERED = 20_000

#: Where a deal stands: deals of one moment follow each other by their ids, which count up.
_Place = tuple[datetime, int, str]
_Places = OrderedDict[tuple[int, str], _Place]


class Latest:
    """Tells whether a deal still says how things stand, or a later one had said so before.

    A deal tells its position and balance as they were right after it. One that arrives behind
    a later deal would bring back what has been overtaken. A deal may be told some time before
    it is applied, while its account is being read; in between others are told, or applied.
    """

    def __init__(self) -> None:
        self._told: _Places = OrderedDict()
        self._applied: _Places = OrderedDict()
        self._balances: dict[int, _Place] = {}

    def told(self, account_id: int, deal: Deal) -> bool:
        """Whether no later deal of its position was told before it: it says what to store."""
        return _pass(self._told, (account_id, deal.position_id), _place(deal))

    def applied(self, account_id: int, deal: Deal) -> bool:
        """Whether no later deal of its position was applied before it."""
        return _pass(self._applied, (account_id, deal.position_id), _place(deal))

    def of_balance(self, account_id: int, deal: Deal) -> bool:
        """Whether no later deal that told the account's balance was told before it."""
        place = _place(deal)
        if place < self._balances.get(account_id, place):
            return False
        self._balances[account_id] = place
        return True


def _pass(places: _Places, key: tuple[int, str], place: _Place) -> bool:
    if place < places.get(key, place):
        return False
    places[key] = place
    places.move_to_end(key)
    if len(places) > _REMEMBERED:
        places.popitem(last=False)
    return True


def _place(deal: Deal) -> _Place:
    return deal.executed_at, len(deal.deal_id), deal.deal_id
