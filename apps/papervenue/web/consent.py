"""The page on which an owner gives an application access."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

_KEPT = ("client_id", "redirect_uri", "scope", "state")
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:4rem auto;padding:0 1rem;"
    "color:#1c2430;background:#f6f7f9}label{display:block;margin:1rem 0 .25rem}"
    "input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;border:1px solid #8a94a3;"
    "border-radius:4px}button{font:inherit;padding:.5rem 1rem;margin:1.5rem .5rem 0 0}"
    "@media(prefers-color-scheme:dark){body{color:#e6e9ee;background:#14181f}"
    "input{background:#1c222c;color:inherit}}"
)


def consent_page(terms: Mapping[str, str], error: str = "") -> str:
    """Asks for cTrader ID and password, and whether to allow it."""
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(terms.get(name, ""))}">'
        for name in _KEPT
    )
    wrong = f'<p role="alert"><strong>{escape(error)}</strong></p>' if error else ""
    return _document(
        f"<h1>Give access to your accounts?</h1>"
        f"<p>The application <strong>{escape(terms.get('client_id', ''))}</strong> asks to see and "
        "trade all accounts of your cTrader ID at this venue.</p>"
        f'{wrong}<form method="post" action="/oauth/authorize">{hidden}'
        '<label for="ctid">cTrader ID</label><input id="ctid" name="ctid" autocomplete="username">'
        '<label for="password">Password</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password">'
        '<button name="decision" value="allow">Allow access</button>'
        '<button name="decision" value="deny">Deny</button></form>'
    )


def message_page(text: str) -> str:
    """A page with one sentence."""
    return _document(f"<h1>Paper venue</h1><p>{escape(text)}</p>")


def _document(body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>Paper venue</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )
