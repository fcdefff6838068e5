"""The latest deal of each position: platforms may tell of deals out of order."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime

from apps.trading.deals import Deal

_REMEMBERED = 20_000

#: Where a deal stands: deals of one moment follow each other by their ids, which count up.
_Place = tuple[datetime, int, str]


class Latest:
    """Tells whether a deal still says how things stand, or a later one had said so before.

    A deal tells its position and balance as they were right after it. One that arrives behind
    a later deal would bring back what has been overtaken.
    """

    def __init__(self) -> None:
        self._places: OrderedDict[tuple[int, str], _Place] = OrderedDict()
        self._answers: OrderedDict[tuple[int, str], bool] = OrderedDict()
        self._balances: dict[int, _Place] = {}

    def of_position(self, account_id: int, deal: Deal) -> bool:
        """Whether no later deal of its position was told before it.

        A deal that is asked about again, because it was parked, gets the answer it had.
        """
        answer = self._answers.get((account_id, deal.deal_id))
        if answer is None:
            key, place = (account_id, deal.position_id), _place(deal)
            answer = place >= self._places.get(key, place)
            if answer:
                self._places[key] = place
                self._places.move_to_end(key)
            self._answers[account_id, deal.deal_id] = answer
            for known in (self._places, self._answers):
                if len(known) > _REMEMBERED:
                    known.popitem(last=False)
        return answer

    def of_balance(self, account_id: int, deal: Deal) -> bool:
        """Whether no later deal that told the account's balance was told before it."""
        place = _place(deal)
        if place < self._balances.get(account_id, place):
            return False
        self._balances[account_id] = place
        return True


def _place(deal: Deal) -> _Place:
    return deal.executed_at, len(deal.deal_id), deal.deal_id
