"""Logs tell where something failed, never what was in the variables there."""

from __future__ import annotations

import logging

import pytest

from apps.common.logging import logging_config


@pytest.mark.parametrize("as_json", [False, True])
def test_tracebacks_show_no_local_variables(as_json: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.config, "dictConfig", lambda config: None)
    formatter = dict(logging_config(level="INFO", as_json=as_json)["formatters"]["structured"])
    made = formatter.pop("()")(**formatter)

    def sign_in() -> None:
        password = "-".join(("hunter", "two"))
        raise RuntimeError(f"refused {len(password)}")

    try:
        sign_in()
    except RuntimeError as error:
        exc_info = (type(error), error, error.__traceback__)
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", None, exc_info)
    text = made.format(record)
    assert "refused 10" in text
    assert "hunter-two" not in text
