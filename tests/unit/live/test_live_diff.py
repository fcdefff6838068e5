"""Applying the swaps to a page must give the page that the server has in mind."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from apps.common.live_pages import Row, Section
from apps.live.diff import swaps

_ROW = re.compile(r'<tr id="(?P<id>[^"]+)"(?P<mark>[^>]*)>(?P<text>[^<]*)</tr>')


def section(rows: dict[str, str]) -> Section:
    made = (Row(k, f'<tr id="{k}">{v}</tr>') for k, v in rows.items())  # type: ignore[arg-type]
    return Section("feed", tuple(made))


def apply(shown: dict[str, str], messages: list[str]) -> dict[str, str]:
    """What htmx makes of the messages, for rows of the form used here."""
    for message in messages:
        found = {m["id"]: (m["text"], m["mark"]) for m in _ROW.finditer(message)}
        texts = {key: text for key, (text, _) in found.items()}
        if message.startswith("<tbody"):
            whole = "innerHTML:#feed" in message
            assert whole or "afterbegin:#feed" in message
            shown = texts if whole else {**texts, **shown}
            continue
        for key, (text, mark) in found.items():
            assert key in shown, "a swap needs its target"
            if "delete" in mark:
                del shown[key]
            else:
                shown[key] = text
    return shown


rows = st.dictionaries(
    st.integers(0, 12).map(lambda n: f"r{n}"), st.sampled_from(["a", "b", "c"]), max_size=8
)


@given(before=rows, after=rows)
def test_swaps_lead_from_any_state_to_any_other(
    before: dict[str, str], after: dict[str, str]
) -> None:
    result = apply(dict(before), swaps(section(before), section(after)))

    assert list(result.items()) == list(after.items())


@given(before=rows)
def test_nothing_is_sent_where_nothing_changed(before: dict[str, str]) -> None:
    assert swaps(section(before), section(before)) == []


def test_a_new_row_on_top_leaves_the_others_alone() -> None:
    before = {"r1": "one", "r2": "two"}

    [message] = swaps(section(before), section({"r3": "three", **before}))

    assert "afterbegin:#feed" in message
    assert "one" not in message
    assert 'id="r3" data-new' in message


def test_an_unknown_page_gets_everything_without_highlight() -> None:
    [message] = swaps(None, section({"r1": "one"}))

    assert "innerHTML:#feed" in message
    assert "data-new" not in message


def test_only_the_changed_row_is_sent() -> None:
    [message] = swaps(section({"r1": "one", "r2": "two"}), section({"r1": "one", "r2": "changed"}))

    assert message == '<tr id="r2" hx-swap-oob="true">changed</tr>'
