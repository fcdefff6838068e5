"""Numbers of a computation as people read them: exact where they are short, else cut."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal

#: Digits from the first that is not zero; enough to compute again by hand what a story tells.
SIGNIFICANT = 6
PRICE_DIGITS = 10
_WHOLE = Decimal(1)


def significant(value: Decimal, digits: int = SIGNIFICANT, *, down: bool = False) -> Decimal:
    """The value with so many significant digits; digits before the point always stay.

    ``down`` cuts towards zero instead: what is rounded down to a step afterwards must not look
    as if it had reached it.
    """
    if not value.is_finite() or len(value.as_tuple().digits) <= digits:
        return value
    rounding = ROUND_DOWN if down else ROUND_HALF_EVEN
    if value.adjusted() >= digits:  # more digits before the point than that
        context = Context(prec=value.adjusted() + 2)
        return value.quantize(_WHOLE, rounding=rounding, context=context)
    return Context(prec=digits, rounding=rounding).plus(value)


def shown(value: Decimal, digits: int = SIGNIFICANT) -> str:
    """A number in words: rounded, without trailing zeros and exponents."""
    return f"{significant(value, digits).normalize():f}"
