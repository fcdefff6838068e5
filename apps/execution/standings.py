"""How relations stand at the moment of sending, as the apps that own them tell it.

A source whose opens carry a limit of positions or of loss registers one statement here. The
gateway runs it in the round trip of a claim, and only where an open of that claim has such a
limit, so that it costs the others nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple


class Standing(NamedTuple):
    """One relation's positions and what it has won or lost for good.

    ``orders`` has an entry for each position that it holds or has ordered: the client order id
    of the order under way for it, '' where there is none. ``position_ids`` with ``units`` are
    its shares of the account's open positions. ``realised`` is in the account's currency.
    """

    realised: Decimal
    orders: Sequence[str]
    position_ids: Sequence[str]
    units: Sequence[Decimal]


Standings = dict[str, Standing]

_statements: dict[str, str] = {}


def register(source: str, statement: str) -> None:
    """Have a source's limits judged at sending.

    ``statement`` takes an array of relations as its only parameter and answers for each that it
    knows: the relation, then the fields of :class:`Standing`.
    """
    _statements[source] = statement


def statement_of(source: str) -> str | None:
    """The statement of a source, None where it has registered none."""
    return _statements.get(source)


def standings_of(rows: Sequence[Sequence[Any]]) -> Standings:
    """What the rows of such a statement say, by relation."""
    return {
        relation: Standing(realised, orders or (), position_ids or (), units or ())
        for relation, realised, orders, position_ids, units in rows
    }
