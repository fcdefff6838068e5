"""Charts in a real browser: drawn under the strict policy, themed, readable by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from apps.accounts.models import User
from tests.e2e.conftest import NewPage, overflow, sign_in

pytestmark = pytest.mark.django_db(transaction=True)

_PIXELS = "canvas => canvas.toDataURL()"


def test_a_chart_is_drawn_in_the_theme_and_read_by_keyboard(new_page: NewPage, owner: User) -> None:
    page = new_page(width=375, height=812, color_scheme="light")
    sign_in(page, owner)
    page.goto("/gallery/?show=charts")
    page.emulate_media(color_scheme="dark")  # the sections keep their own theme, drawn anew
    chart = page.get_by_role("figure", name="Equity and drawdown").first
    plot = chart.get_by_role("group", name="Equity from 10,000.00 USD on 1 Jan 2026")
    picture = plot.locator(".chart-still")
    expect(picture).to_contain_text("12,000")  # on its scale, before anything is drawn
    expect(plot.locator("canvas")).to_have_count(0)
    plot.hover()
    expect(plot.locator("canvas").first).to_be_visible()
    expect(picture).to_be_hidden()
    drawn = plot.locator("canvas").first.evaluate(_PIXELS)

    plot.focus()
    page.keyboard.press("Home")
    expect(chart.get_by_text("1 Jan 2026", exact=True).first).to_be_visible()
    for key in ["PageDown"] * 2 + ["ArrowRight"] * 4:  # a page is a tenth: 18 days
        page.keyboard.press(key)
    expect(chart.locator("[data-chart-when]")).to_have_text("10 Feb 2026 · Deposit +2,500.00 USD")
    expect(chart.locator("[data-chart-said]")).to_contain_text("Equity 9,5")

    page.evaluate("document.querySelector('.gallery-theme').dataset.theme = 'dark'")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert plot.locator("canvas").first.evaluate(_PIXELS) != drawn
    chart.get_by_text("Show as a table").click()
    row = chart.get_by_role("row", name="10 Feb 2026")
    expect(row).to_contain_text("Deposit +2,500.00 USD")
    assert overflow(page) <= 0
