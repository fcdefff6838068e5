"""What stands around every page, written without a template."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import RequestFactory

from apps.common import shell
from apps.common.navigation import NavItem


def _menu(theme: str = "", path: str = "/discover/?q=%3C&page=2") -> str:
    request: Any = RequestFactory().get(path)
    request.user = SimpleNamespace(email="ann<b>@example.com")
    if theme:
        request.COOKIES["theme"] = theme
    return shell.account_menu({"request": request, "token": 'to"ken'}, "")


def test_the_brand_is_that_of_the_house() -> None:
    house = SimpleNamespace(name="A & B", logo_mark="")
    html = shell.brand({"house": house, "area": "Desk"}, "")
    assert '<span class="brand-name">A &amp; B</span><span class="brand-area">Desk</span>' in html
    assert "<svg" in html and "brand-area" not in shell.brand({"house": house}, "")
    assert ">Bellwether<" in shell.brand({}, "")


def test_a_logo_takes_the_place_of_the_mark() -> None:
    html = shell.brand({"house": SimpleNamespace(name="A", logo_mark="0123abcd0123abcd")}, "")
    assert "0123abcd0123abcd" in html and "<svg" not in html


def test_the_bar_marks_where_the_reader_is() -> None:
    items = [NavItem("A & B", "/a/", True), NavItem("C", "/c/", False)]
    assert shell.nav({"items": items}, "") == (
        '<nav class="mainnav" aria-label="Main"><ul>'
        '<li><a href="/a/" aria-current="page">A &amp; B</a></li>'
        '<li><a href="/c/">C</a></li></ul></nav>'
    )


def test_the_menu_leads_back_and_escapes_what_it_shows() -> None:
    html = _menu()
    assert '<input type="hidden" name="next" value="/discover/?q=%3C&amp;page=2">' in html
    assert html.count('name="csrfmiddlewaretoken" value="to&quot;ken"') == 2
    assert "menu for ann&lt;b&gt;@example.com" in html and ">AN</span>" in html


@pytest.mark.parametrize("theme", ["", "light", "dark"])
def test_the_menu_says_which_theme_is_chosen(theme: str) -> None:
    html = _menu(theme)
    assert html.count('aria-pressed="true"') == 1
    assert f'value="{theme or "auto"}" aria-pressed="true"' in html
