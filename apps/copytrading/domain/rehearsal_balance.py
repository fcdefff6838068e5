"""How much money an account needs so that nearly everything of a master is copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal

from apps.copytrading.domain.rehearsal import OPENS, Heard, Mark, Terms, rehearse
from apps.trading.quantity import ZERO

#: How near the search comes to the smallest balance.
_CLOSE = Decimal("1.05")


def smallest_balance(
    items: Sequence[Heard | Mark], terms: Terms, share: Decimal = Decimal("0.95")
) -> Decimal | None:
    """The smallest balance, within 5 %, that copies at least ``share`` of what asks for volume.

    Found by halving between a balance that is too small and one that is enough; None where no
    balance up to a thousand times the account's own (at least a million) is. More is taken to be
    no worse than less. Whole units of the account's currency, rounded up.
    """
    opens = sum(1 for item in items if isinstance(item, Heard) and item.event.kind in OPENS)
    spare = int(opens * (1 - share))

    def copies(balance: Decimal) -> bool:
        funds = terms.row.funds._replace(balance=balance, equity=balance)
        changed = replace(terms, row=terms.row._replace(funds=funds))
        made = rehearse(items, changed, most_skipped=spare)
        return made.stopped_out_at is None and made.skipped <= spare

    most = max(terms.row.funds.balance * 1_000, Decimal(1_000_000))
    enough, too_small = max(terms.row.funds.balance, Decimal(1)), ZERO
    while not copies(enough):
        too_small, enough = enough, enough * 4
        if too_small >= most:
            return None
    while enough > 1 and enough > too_small * _CLOSE:
        middle = (too_small * enough).sqrt() if too_small else enough / 8
        if copies(middle):
            enough = middle
        else:
            too_small = middle
    return enough.to_integral_value(rounding=ROUND_CEILING)
