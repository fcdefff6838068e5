"""The rules that a future master must meet, beside the figures of its account.

Written without a template: a page of applications has fifty of them.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from apps.common.components import Given, Write, badge
from apps.common.markup import escaped
from apps.common.templatetags.figures import amount, plain

_NONE = (
    '<p class="soft">There are no rules in numbers here; our staff look at each application.</p>'
)
#: How a rule and a figure are told, by the rule's name; the second text is the currency.
_TOLD: dict[str, tuple[Callable[[Decimal, str], str], Callable[[Decimal, str], str]]] = {
    "age": (lambda v, _: f"Known for at least {plain(v)} days", lambda v, _: f"{plain(v)} days"),
    "trades": (
        lambda v, _: f"At least {plain(v)} closed trades",
        lambda v, _: f"{plain(v)} trades",
    ),
    "equity": (
        lambda v, unit: f"Equity of at least {amount(v, unit)} {unit}",
        lambda v, unit: f"{amount(v, unit)} {unit}",
    ),
    "drawdown": (
        lambda v, _: f"Never more than {plain(v)} % below its high",
        lambda v, _: f"{amount(v)} %",
    ),
}


def checks(given: Given, slot: str) -> str:
    """Each of the ``checks`` with the figure that there is, in ``currency``, and whether it is
    met."""
    rows = given.get("checks")
    if not rows:
        return _NONE
    unit = str(given.get("currency") or "")
    return f'<dl class="rules">{"".join(_row(check, unit) for check in rows)}</dl>'


def _row(check: Any, unit: str) -> str:
    wants, has = _TOLD[check.name]
    figure = "not known yet" if check.has is None else has(check.has, unit)
    met = badge({"tone": "good"}, "Met") if check.met else badge({"tone": "bad"}, "Not met")
    return (
        f"<dt>{escaped(wants(check.wants, unit))}</dt>"
        f'<dd><span class="figure">{escaped(figure)}</span> {met}</dd>'
    )


WRITTEN: dict[str, Write] = {"ui.checks": checks}
