"""Browsers in words."""

from __future__ import annotations

import pytest

from apps.accounts.devices import device_words

_MOZILLA = "Mozilla/5.0"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (f"{_MOZILLA} (X11; Linux x86_64) Gecko/20100101 Firefox/128.0", "Firefox on Linux"),
        (
            f"{_MOZILLA} (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/131.0 Safari/537.36 Edg/131.0",
            "Edge on Windows",
        ),
        (
            f"{_MOZILLA} (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 "
            "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            f"{_MOZILLA} (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/131.0 Mobile "
            "Safari/537.36",
            "Chrome on Android",
        ),
        ("curl/8.5.0", "A program"),
        ("", "A browser"),
        ("<script>alert(1)</script>", "A browser"),
    ],
)  # fmt: skip
def test_a_browser_has_a_name_for_people(agent: str, words: str) -> None:
    assert device_words(agent) == words
