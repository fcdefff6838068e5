"""Visiting pages through the product's own ASGI application, in process, and counting."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.utils.module_loading import import_string

from apps.accounts.models import User

#: A download is timed until so many bytes of it are there.
DOWNLOAD_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and time to the last byte; of a download, to its first ones.

    ``worked`` is the processor time that this process used for it, also in seconds.
    """

    status: int
    seconds: float
    worked: float
    queries: int
    size: int


class Counter:
    """Statements sent to PostgreSQL, also those that go around Django."""

    def __init__(self) -> None:
        self.count = 0

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        cursor: Any = psycopg.Cursor
        execute = cursor.execute

        def counted(*arguments: Any, **options: Any) -> Any:
            self.count += 1
            return execute(*arguments, **options)

        cursor.execute = counted
        try:
            yield
        finally:
            cursor.execute = execute


class Visitor:
    """Somebody signed in, who asks the application for pages."""

    def __init__(self, user: User, counter: Counter) -> None:
        self._counter = counter
        self._application = import_string(settings.ASGI_APPLICATION)
        self._cookie = cookie_of(user).encode()

    async def get(self, path: str, query: str = "", *, htmx: bool = False) -> Answer:
        """The page at a path."""
        size, status, enough = 0, 0, asyncio.Event()
        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await enough.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            nonlocal size, status
            if message["type"] == "http.response.start":
                status = message["status"]
                return
            size += len(message.get("body", b""))
            if size > DOWNLOAD_BYTES and message.get("more_body"):
                enough.set()

        before, start, busy = self._counter.count, time.perf_counter(), time.process_time()
        asking = asyncio.ensure_future(
            self._application(self._scope(path, query, htmx), receive, send)
        )
        hurry = asyncio.ensure_future(enough.wait())
        await asyncio.wait({asking, hurry}, return_when=asyncio.FIRST_COMPLETED)
        seconds, worked = time.perf_counter() - start, time.process_time() - busy
        enough.set()
        await asyncio.gather(asking, hurry)
        return Answer(status, seconds, worked, self._counter.count - before, size)

    def _scope(self, path: str, query: str, htmx: bool) -> dict[str, Any]:
        headers = [
            (b"host", b"localhost"),
            (b"cookie", self._cookie),
            (b"accept", b"text/html"),
            (b"accept-encoding", b"gzip"),
        ]
        if htmx:
            headers.append((b"hx-request", b"true"))
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }


def cookie_of(user: User) -> str:
    """A cookie header of somebody who has just signed in."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"
