"""What a tape is made of: the pieces of a record in the order in which they happened."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from apps.copytrading.domain.codes import Code, OutcomeState
from apps.copytrading.domain.events import MasterEvent
from apps.copytrading.domain.rows import Market, Row
from apps.trading.orders import Leg, OrderState
from apps.trading.quantity import ZERO


class Answer(NamedTuple):
    """How an order ended. ``units`` were ordered then, of which ``filled`` were filled.

    ``rested``: it was a resting order that the platform had taken; what was filled is then what
    its outcome has. ``assumed`` says that there was no such order and that it is taken to have
    been filled, or to rest.
    """

    state: OrderState
    code: str
    message: str
    units: Decimal
    filled: Decimal
    price: Decimal | None
    assumed: bool = False
    rested: bool = False


Answers = Mapping[tuple[int, Leg], Answer]


class Result(NamedTuple):
    """What becomes of one event: an outcome without its times. Volumes in units."""

    event_id: int
    state: OutcomeState
    code: Code
    units: Decimal = ZERO
    filled: Decimal = ZERO
    price: Decimal | None = None
    assumed: bool = False

    def same_as(self, other: Result) -> bool:
        """Whether both say the same: state, code, what was ordered and what was filled."""
        return self[:5] == other[:5]


class OrderNews(NamedTuple):
    """A copy's order has filled so much in all, or has ended (``state``, None while it rests).

    ``cause`` is why it was to be cancelled, '' where it was not.
    """

    key: str
    filled: Decimal
    price: Decimal | None
    state: OrderState | None
    cause: str


Stops = tuple[Decimal | None, Decimal | None]


class Given(NamedTuple):
    """What was known when something was decided; the row's links are the replay's own.

    ``shown`` are the stops that the platform showed on the copied position, where recorded.
    """

    row: Row
    market: Market
    shown: Stops | None = None


class Run(NamedTuple):
    """Events of one position that were planned together."""

    key: str
    events: tuple[MasterEvent, ...]
    given: Given


class GoesOn(NamedTuple):
    """What had waited for a resting order was decided on."""

    key: str
    given: Given


class Settled(NamedTuple):
    """The order of (event, leg) came to its end; ``given`` is for the events that waited.

    A placement of a resting order: it rests.
    """

    key: str
    event_id: int
    leg: Leg
    given: Given


class Taken(NamedTuple):
    """Note was taken that others had reduced what a link held, in units."""

    key: str
    before: Decimal
    after: Decimal


class Detached(NamedTuple):
    """Its owner took the copied position out of the copy."""

    key: str


class Begun(NamedTuple):
    """A close of so many units was committed for a cause of its own: a person's or a guard's."""

    key: str
    units: Decimal
    cause: str


class Reopened(NamedTuple):
    """An order for ``units`` that were missing was committed, while ``after`` were there."""

    key: str
    before: Decimal
    after: Decimal
    units: Decimal


class Ended(NamedTuple):
    """That close or open came to its end; ``given`` is for the events that waited for it."""

    key: str
    answer: Answer
    given: Given


Item = Run | Settled | Taken | Detached | Begun | Reopened | Ended | GoesOn | OrderNews
