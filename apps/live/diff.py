"""The smallest set of changes that turns one state of a section into another.

They are written as htmx writes swaps out of band, and done by static/js/live.js, which leaves
alone what is equal within a row. Each returned text is one message. Rows of a table are never
mixed with table bodies in one message, since an HTML parser would move them apart.
"""

from __future__ import annotations

from collections.abc import Sequence

from apps.common.live_pages import Row, Section


def swaps(before: Section | None, after: Section) -> list[str]:
    """Messages that bring a page from ``before`` to ``after``; all of it when it is unknown.

    Unchanged rows are left alone, so that focus, selection and opened details stay. Rows that
    were added at the top are put there; when the order changed otherwise, the section is sent
    whole.
    """
    if before is None:
        return [_whole(after, new=frozenset())]
    if before.rows == after.rows:
        return []
    old, new = [r.id for r in before.rows], [r.id for r in after.rows]
    added = _added_on_top(old, new)
    if added is None:
        return [_whole(after, new=frozenset(new) - frozenset(old))]
    known = {row.id: row for row in before.rows}
    changed = [r for r in after.rows[added:] if r != known[r.id]]
    gone = [row_id for row_id in old if row_id not in set(new)]
    messages = []
    if added:
        rows = "".join(_marked(row) for row in after.rows[:added])
        messages.append(_container(after, "afterbegin", rows))
    if changed:
        messages.append("".join(_attribute(row, 'hx-swap-oob="true"') for row in changed))
    if gone:
        tag = known[gone[0]].html[1:].split(maxsplit=1)[0].rstrip(">")
        messages.append(
            "".join(f'<{tag} id="{row_id}" hx-swap-oob="delete"></{tag}>' for row_id in gone)
        )
    return messages


def _added_on_top(old: Sequence[str], new: Sequence[str]) -> int | None:
    """How many rows of ``new`` are new and stand first, if the others kept their order."""
    before = set(old)
    added = next((i for i, row_id in enumerate(new) if row_id in before), len(new))
    rest = new[added:]
    after = set(rest)
    kept = [row_id for row_id in old if row_id in after]
    return added if kept == list(rest) and rest else None


def _whole(section: Section, *, new: frozenset[str]) -> str:
    rows = "".join(_marked(row) if row.id in new else row.html for row in section.rows)
    return _container(section, "innerHTML", rows)


def _container(section: Section, how: str, rows: str) -> str:
    return f'<{section.tag} hx-swap-oob="{how}:#{section.id}">{rows}</{section.tag}>'


def _marked(row: Row) -> str:
    return _attribute(row, "data-new")


def _attribute(row: Row, attribute: str) -> str:
    mark = f'id="{row.id}"'
    return row.html.replace(mark, f"{mark} {attribute}", 1)
