"""How much money an account needs so that nearly everything of a master is copied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal

from apps.copytrading.domain.rehearsal import OPENS, Heard, Mark, Rehearsal, Terms, rehearse
from apps.copytrading.domain.volume import VolumeMode
from apps.trading.quantity import ZERO

#: How near the search comes to the smallest balance.
_CLOSE = Decimal("1.05")
#: So much more than the guess is tried first: sizes follow the equity, which moves.
_SPARE = Decimal("1.02")
#: Modes that do not ask for the balance.
_GIVEN = frozenset({VolumeMode.FIXED, VolumeMode.MULTIPLIER})


def smallest_balance(
    items: Sequence[Heard | Mark],
    terms: Terms,
    share: Decimal = Decimal("0.95"),
    *,
    made: Rehearsal | None = None,
) -> Decimal | None:
    """The smallest balance, within 5 %, that copies at least ``share`` of what asks for volume.

    Found by halving between a balance that is too small and one that is enough; None where no
    balance up to a thousand times the account's own (at least a million) is. More is taken to be
    no worse than less. Whole units of the account's currency, rounded up. ``made``, the rehearsal
    with these terms, tells where to look first.
    """
    opens = sum(1 for item in items if isinstance(item, Heard) and item.event.kind in OPENS)
    spare = int(opens * (1 - share))

    def tried(balance: Decimal) -> Rehearsal:
        funds = terms.row.funds._replace(balance=balance, equity=balance)
        changed = replace(terms, row=terms.row._replace(funds=funds))
        return rehearse(items, changed, most_skipped=spare)

    def copies(balance: Decimal) -> bool:
        return _enough(tried(balance), spare)

    most = max(terms.row.funds.balance * 1_000, Decimal(1_000_000))
    if made is not None and _given(terms) and not _enough(made, spare):
        made = tried(most)  # with all that is copied it tells what that needs
        if not _enough(made, spare):
            return None
    guess = _guess(made, terms, spare) if made is not None else None
    found = _bracket(copies, guess, terms.row.funds.balance, most)
    if found is None:
        return None
    too_small, enough = found
    while enough > 1 and enough > too_small * _CLOSE:
        middle = (too_small * enough).sqrt() if too_small else enough / 8
        if copies(middle):
            enough = middle
        else:
            too_small = middle
    return enough.to_integral_value(rounding=ROUND_CEILING)


def _bracket(
    copies: Callable[[Decimal], bool], guess: Decimal | None, own: Decimal, most: Decimal
) -> tuple[Decimal, Decimal] | None:
    """A balance that is too small (0: none is known) and one that is enough, if any is."""
    enough = max(own if guess is None else guess, Decimal(1))
    if copies(enough):
        if guess is None:
            return ZERO, enough
        step = _CLOSE  # near a guess at first, then further and further
        while enough > 1 and copies(enough / step):
            enough, step = enough / step, step * step
        return enough / step, enough
    too_small = enough
    # Near a guess the next step is a small one.
    enough = too_small * (4 if guess is None else _CLOSE * _CLOSE)
    while not copies(enough):
        too_small, enough = enough, enough * 4
        if too_small >= most:
            return None
    return too_small, enough


def _guess(made: Rehearsal, terms: Terms, spare: int) -> Decimal | None:
    """About the balance that is looked for, from a rehearsal that went to the end."""
    if made.ended:
        return None
    if _given(terms):
        needs = sorted(made.needs, reverse=True)[max(0, spare - made.skipped) :]
        return max(made.needed, *needs[:1], Decimal(1)) * _SPARE
    # Volumes grow with the balance: the largest shortage that need not be spared decides.
    others = made.opens - len(made.shortages)
    if terms.row.round_up or not 0 <= spare - others < len(made.shortages):
        return None
    shortage = sorted(made.shortages, reverse=True)[spare - others]
    return terms.row.funds.balance * shortage * _SPARE


def _enough(made: Rehearsal, spare: int) -> bool:
    return not made.ended and made.skipped <= spare


def _given(terms: Terms) -> bool:
    """Whether volumes are the same with whatever balance."""
    sizing = terms.row.sizing
    return sizing.mode in _GIVEN or sizing.allocated_capital > 0
