"""A paper venue beside a test that is not asynchronous: on a loop and in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from apps.papervenue.testing import TestVenue, running_venue


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class BesideVenue:
    """Speaks to a venue that runs on another thread's loop."""

    def __init__(self, venue: TestVenue, loop: asyncio.AbstractEventLoop) -> None:
        self.venue = venue
        self._loop = loop
        self._opener = urllib.request.build_opener(_NoRedirect)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.venue.server.http_port}"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.venue.port}"

    def ask(self, do: str, **terms: Any) -> dict[str, Any]:
        """An admin command, carried out on the venue's own loop."""

        async def carried_out() -> dict[str, Any]:
            return self.venue.ask(do, **terms)

        return asyncio.run_coroutine_threadsafe(carried_out(), self._loop).result(10)

    def fetch(self, address: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Status, body and Location of a page, as a browser sees it before it follows."""
        data = None if form is None else urllib.parse.urlencode(form).encode()
        try:
            with self._opener.open(address, data, timeout=10) as response:
                return response.status, response.read().decode(), ""
        except urllib.error.HTTPError as answer:
            with answer:
                where = answer.headers.get("Location", "")
                return answer.code, answer.read().decode(), where

    def restart(self) -> None:
        """Stop and start again on the same ports."""
        asyncio.run_coroutine_threadsafe(self.venue.restart(), self._loop).result(10)

    def stop(self) -> None:
        """Be away."""
        asyncio.run_coroutine_threadsafe(self.venue.stop(), self._loop).result(10)


@contextmanager
def venue_beside(**settings: Any) -> Iterator[BesideVenue]:
    """A venue with its pages, until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def call(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(10)

    manager = running_venue(http_port=0, **settings)
    venue = call(manager.__aenter__())
    try:
        yield BesideVenue(venue, loop)
    finally:
        call(manager.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
