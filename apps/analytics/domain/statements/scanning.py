"""Tags and text of an HTML file, in one pass.

Statements are uploaded by strangers: the standard library's HTMLParser takes quadratic time on
some damaged files, this scanner looks at each letter a fixed number of times. It knows as much of
HTML as reports use: tags with attributes, comments, declarations, style and script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

#: The most frequent tags, for which there is nothing more to find out.
_SIMPLE = re.compile(r"<(/?)([bB]|[tT][dDrRhH])>")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,19}")
_ATTRIBUTE = re.compile(r"""[\s/]*([^\s=>"'/<]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+)))?""")
_RAW_END = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("style", "script")}


class Token(NamedTuple):
    """A tag (``name`` in lower case, ``/`` before an end tag's) or text (``name`` is '')."""

    name: str
    at: int
    text: str = ""
    attributes: tuple[tuple[str, str], ...] = ()


def tokens(text: str) -> Iterator[Token]:
    """Tags and texts in order; a tag or comment that does not end is the end of all."""
    place = 0
    while place < len(text):
        begin = text.find("<", place)
        if begin < 0:
            yield Token("", place, unescape(text[place:]))
            return
        if begin > place:
            yield Token("", place, unescape(text[place:begin]))
        if simple := _SIMPLE.match(text, begin):
            yield Token((simple[1] + simple[2]).lower(), begin)
            place = simple.end()
            continue
        token, place = _markup(text, begin)
        if token is not None:
            yield token
        if place < 0:
            return


def _markup(text: str, begin: int) -> tuple[Token | None, int]:
    """What stands at a ``<`` and where to go on, -1 where it does not end."""
    if text.startswith("<!--", begin):
        return None, _behind(text, "-->", begin + 4)
    if text.startswith(("<!", "<?"), begin):
        return None, _behind(text, ">", begin + 2)
    closing = text.startswith("/", begin + 1)
    name = _NAME.match(text, begin + 1 + closing)
    if name is None:
        return Token("", begin, "<"), begin + 1
    word = name[0].lower()
    if closing:
        place = _behind(text, ">", name.end())
        return (None if place < 0 else Token(f"/{word}", begin)), place
    attributes, place = _attributes(text, name.end())
    if place >= 0 and word in _RAW_END:
        end = _RAW_END[word].search(text, place)
        return None, end.start() if end else -1
    return (None if place < 0 else Token(word, begin, attributes=attributes)), place


def _attributes(text: str, place: int) -> tuple[tuple[tuple[str, str], ...], int]:
    found = []
    while match := _ATTRIBUTE.match(text, place):
        value = next((group for group in match.groups()[1:] if group is not None), "")
        found.append((match[1].lower(), unescape(value)))
        place = match.end()
    while place < len(text) and (text[place].isspace() or text[place] == "/"):
        place += 1
    closed = text.startswith(">", place)
    return tuple(found), place + 1 if closed else -1


def _behind(text: str, what: str, place: int) -> int:
    end = text.find(what, place)
    return end + len(what) if end >= 0 else -1
