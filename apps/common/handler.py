"""Django over ASGI, each request in one thread from its beginning to its end.

Django's own handler starts a thread for every request and goes back and forth between it and the
event loop: for its signals, around the middleware, around the view, to close the response. Views
and middleware here are all synchronous, so that only the changes cost: some three milliseconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.db import close_old_connections
from django.http import FileResponse, HttpResponseBase
from django.urls import set_script_prefix

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
#: Requests that are answered at the same time; more of them wait for one to end. Most wait for
#: PostgreSQL, of whose connections there are fewer.
THREADS = 32


class ThreadedHandler(ASGIHandler):
    """Answers each request in a thread that is kept for later ones.

    A streamed answer is begun so; its parts then come from a thread of their own, for a client
    who reads slowly must not hold one that others wait for.
    """

    def __init__(self) -> None:
        BaseHandler.__init__(self)
        self.load_middleware(is_async=False)
        threads = ThreadPoolExecutor(THREADS, thread_name_prefix="page")
        self._in_thread = sync_to_async(self._answer, thread_sensitive=False, executor=threads)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        response = await self._in_thread(scope, body)
        if not response.streaming:
            await self.send_response(response, send)
            return
        set_script_prefix(get_script_prefix(scope))  # also what is streamed knows addresses
        async with ThreadSensitiveContext():
            try:
                await self._stream(response, receive, send)
            finally:
                await sync_to_async(response.close)()

    def _answer(self, scope: dict[str, Any], body: Any) -> HttpResponseBase:
        """The response, closed unless more of it is to come."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body)
        if request is None:
            body.close()
        response: Any = refusal if request is None else self.get_response(request)
        response._handler_class = self.__class__
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        if response.streaming:
            close_old_connections()  # this thread's; the parts have one of their own
        else:
            response.close()
        return response  # type: ignore[no-any-return]

    async def _stream(self, response: HttpResponseBase, receive: Receive, send: Send) -> None:
        """Send the parts until there are no more, or nobody who reads them."""
        sending = asyncio.ensure_future(self.send_response(response, send))
        leaving = asyncio.ensure_future(self.listen_for_disconnect(receive))
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        for task in (leaving, sending):
            if not task.done():
                task.cancel()
            with suppress(asyncio.CancelledError, RequestAborted):
                await task
