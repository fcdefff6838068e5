"""Pages that stay current: who shows them says what is on them, apps.live carries it.

A live page consists of sections, a section of rows; each row is one element with an id of its
own. The page's view and its socket render the same sections, so what arrives later looks like
what was there at first. Screens register their pages when they start up; they know nothing of
sockets, and the sockets know nothing of screens.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe

Item = TypeVar("Item")
Params = Mapping[str, str]

#: Channel groups by what changed; a page names those of which it wants to hear.
STAFF_GROUP = "copy.staff"


def master_group(master_account_id: int) -> str:
    """Group of everybody who sees copies of this master."""
    return f"copy.master.{master_account_id}"


@dataclass(frozen=True, slots=True)
class Row:
    """One element, rendered; ``html`` begins with it and carries ``id`` on it."""

    id: str
    html: SafeString


@dataclass(frozen=True, slots=True)
class Section:
    """Rows inside the element with this id. ``tag`` is that element's."""

    id: str
    rows: tuple[Row, ...]
    tag: str = "tbody"


def own_audience(user: Any, params: Params) -> str:
    """For pages that show what is a user's own: nobody else sees the same."""
    return f"user {user.pk}"


@dataclass(frozen=True, slots=True)
class LivePage:
    """What a page shows to whom, and what makes it look again.

    ``allowed``, ``groups`` and ``sections`` take the user and the parameters of the page's
    address and read the database. ``refresh_s`` is how often figures that move with prices
    are read without an event. Users for whom ``audience`` answers the same see the same with
    the same parameters: their pages are rendered together, for one of them.
    """

    name: str
    allowed: Callable[[Any, Params], bool]
    groups: Callable[[Any, Params], Iterable[str]]
    sections: Callable[[Any, Params], Iterable[Section]]
    refresh_s: float = 2.0
    audience: Callable[[Any, Params], str] = own_audience


@dataclass(frozen=True, slots=True)
class Shown:
    """A live page as its view shows it first."""

    url: str
    sections: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)


_pages: dict[str, LivePage] = {}
_beside: dict[str, Callable[[Any], str]] = {}
_lately: dict[tuple[str, str], Mapping[str, Section]] = {}
#: Between answering a page and its socket there are a second or two.
_PAGES_REMEMBERED = 200
_RENDERED_ROWS = 8000
_rendered: dict[tuple[str, str], tuple[object, Mapping[str, Any], Row]] = {}


def register(page: LivePage) -> LivePage:
    """Make a page known under its name; called once when a screen's app starts."""
    _pages[page.name] = page
    return page


def find(name: str) -> LivePage | None:
    """The page registered under this name."""
    return _pages.get(name)


def beside(name: str, value: Callable[[Any], str]) -> None:
    """Have every page's socket know what the page says to its user beside its sections."""
    _beside[name] = value


def show(
    page: LivePage, user: Any, params: Params, sections: Iterable[Section] | None = None
) -> Shown:
    """The page's sections now, and the address of the socket that keeps them current.

    ``sections``: the same as the page would make them, by a view that has read them already.
    """
    sections = tuple(page.sections(user, params) if sections is None else sections)
    mark = digest(sections)
    _remember(page, mark, sections)
    said = {name: value(user) for name, value in _beside.items()}
    query = urlencode({**params, **said, "seen": mark})
    return Shown(f"/ws/live/{page.name}/?{query}", {s.id: s.rows for s in sections})


def lately(page: LivePage, mark: str) -> Mapping[str, Section]:
    """What a page showed that was answered with this digest by this process, not long ago.

    Empty where that is not known: by another process, or too many pages ago.
    """
    return _lately.get((page.name, mark), {})


def _remember(page: LivePage, mark: str, sections: Iterable[Section]) -> None:
    _lately[page.name, mark] = {part.id: part for part in sections}
    while len(_lately) > _PAGES_REMEMBERED:
        _lately.pop(next(iter(_lately)), None)


def section(
    section_id: str,
    template: str,
    items: Iterable[Item],
    *,
    key: Callable[[Item], object],
    tag: str = "tbody",
    empty: str = "",
    **context: Any,
) -> Section:
    """Render each item by ``template`` as ``row``, with ``row_id`` made of the section and key.

    Items are plain values that can be compared; one that is equal to what was rendered under
    its id before is not rendered again. ``empty`` is the template of the single row that
    stands there when nothing else does.
    """
    rows = [_row(template, f"{section_id}-{key(item)}", item, context) for item in items]
    if not rows and empty:
        rows = [_row(empty, f"{section_id}-none", None, context)]
    return Section(section_id, tuple(rows), tag)


def _row(template: str, row_id: str, item: object, context: Mapping[str, Any]) -> Row:
    known = _rendered.get((template, row_id))
    if known is not None and known[0] == item and known[1] == context:
        return known[2]
    html = get_template(template).render({**context, "row": item, "row_id": row_id})
    row = Row(row_id, mark_safe(html.strip()))
    if len(_rendered) >= _RENDERED_ROWS:
        for oldest in list(_rendered)[: _RENDERED_ROWS // 4]:
            _rendered.pop(oldest, None)
    _rendered[template, row_id] = (item, context, row)
    return row


def digest(sections: Iterable[Section]) -> str:
    """A short mark of what is shown; equal marks, equal pages."""
    mark = hashlib.blake2b(digest_size=9)
    for part in sections:
        mark.update(part.id.encode())
        for row in part.rows:
            mark.update(row.html.encode())
    return mark.hexdigest()
