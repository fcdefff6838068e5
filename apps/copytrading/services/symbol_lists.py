"""Symbols as users type them: the names that a platform knows, and the nearest to a wrong one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from apps.copytrading.domain.limits import MOST_SYMBOLS
from apps.platforms.selectors import symbol_names

#: So many unknown names are spelled out in one message.
_SHOWN = 5
_LONGEST = 64


def clean_symbols(connection_id: int, text: str, before: str = "") -> tuple[str, str]:
    """Comma-separated names as the platform of a connection writes them, and what is wrong.

    Names are trimmed, their case is of no account, and each stands once. Those that were listed
    before are kept even where the platform has dropped them, and while nothing is known of its
    symbols every name is. The second value is '' where all is well.
    """
    wanted = dict.fromkeys(name.upper() for name in _names(text))
    if len(wanted) > MOST_SYMBOLS:
        return text, f"List at most {MOST_SYMBOLS:,} symbols."
    if not wanted:
        return "", ""
    odd = next((name for name in wanted if not name.isprintable() or len(name) > _LONGEST), "")
    if odd:
        return text, f"Use names of at most {_LONGEST} letters, digits and signs."
    known = {name.upper(): name for name in symbol_names(connection_id)}
    kept = {name.upper(): name for name in _names(before)}
    unknown = [name for name in wanted if known and name not in known and name not in kept]
    if unknown:
        return text, unknown_symbols(unknown, known.values())
    return ", ".join(known.get(n) or kept.get(n) or n for n in wanted), ""


def unknown_symbols(names: list[str], known: Iterable[str]) -> str:
    """Says of names that no symbol has them, and which symbols they may have meant."""
    by_fold = {name.upper(): name for name in known}
    told = [_with_guess(name, by_fold) for name in names[:_SHOWN]]
    if len(names) > _SHOWN:
        told.append(f"And {len(names) - _SHOWN} more.")
    return " ".join(told)


def _with_guess(name: str, by_fold: dict[str, str]) -> str:
    near = get_close_matches(name.upper(), by_fold, n=1, cutoff=0.6)
    guess = f"; did you mean {by_fold[near[0]]}?" if near else "."
    return f"{name[:64]} is not a symbol of this platform{guess}"


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
