"""Requests as our pages use them.

Page or fragment: a template serves both, a fragment being a named part of its page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render


def posted(request: HttpRequest) -> QueryDict | None:
    """The data of a form that was sent, also when it is empty; None where it is only shown."""
    return request.POST if request.method == "POST" else None


def render_page(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any],
    *,
    fragments: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the page, or the part of it for which htmx asked.

    ``fragments`` gives the name of a partial by the id of htmx's target. The response varies
    by that header, so that a cache or the back button never shows a fragment as a page.
    """
    details = getattr(request, "htmx", None)
    target = details.target if details else None
    name = (fragments or {}).get(target or "")
    response = render(
        request, f"{template}#{name}" if name else template, dict(context), status=status
    )
    response.headers["Vary"] = "HX-Request, HX-Target, Cookie"
    return response
