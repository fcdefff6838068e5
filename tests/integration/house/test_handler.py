"""A request over ASGI: one thread from beginning to end, and streams that end with their reader."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.core.signals import request_finished, request_started
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import get_script_prefix, path

from apps.common.handler import ThreadedHandler

_seen: list[str] = []


def _note(what: str) -> None:
    _seen.append(f"{what} {threading.current_thread().name.partition('_')[0]}")


def _plain(request: HttpRequest) -> HttpResponse:
    _note(f"view of {get_script_prefix()}")
    return HttpResponse(request.body)


async def _parts() -> AsyncIterator[str]:
    try:
        for number in range(1_000):
            yield await sync_to_async(str)(number)
            await asyncio.sleep(0)
    finally:
        _seen.append("stream ended")


def _streamed(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(_parts())


urlpatterns = [path("plain/", _plain), path("streamed/", _streamed)]


@pytest.fixture
def handler() -> Iterator[ThreadedHandler]:
    def started(**_: Any) -> None:
        _note("started")

    def finished(**_: Any) -> None:
        _note("finished")

    _seen.clear()
    request_started.connect(started)
    request_finished.connect(finished)
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]):
        yield ThreadedHandler()
    request_started.disconnect(started)
    request_finished.disconnect(finished)


def _scope(address: str) -> dict[str, Any]:
    return {"type": "http", "method": "POST", "path": address, "headers": [], "root_path": "/under"}


@pytest.mark.django_db
async def test_a_request_stays_in_one_thread(handler: ThreadedHandler) -> None:
    visit = ApplicationCommunicator(handler, _scope("/under/plain/"))
    await visit.send_input({"type": "http.request", "body": b"ab", "more_body": True})
    await visit.send_input({"type": "http.request", "body": b"cd"})

    begun = await visit.receive_output()
    body = await visit.receive_output()

    assert (begun["status"], body["body"]) == (200, b"abcd")
    assert _seen == ["started page", "view of /under/ page", "finished page"]


@pytest.mark.django_db
async def test_a_stream_ends_with_its_reader(handler: ThreadedHandler) -> None:
    visit = ApplicationCommunicator(handler, _scope("/under/streamed/"))
    await visit.send_input({"type": "http.request"})
    await visit.receive_output()
    assert (await visit.receive_output())["body"] == b"0"

    await visit.send_input({"type": "http.disconnect"})
    await visit.wait()

    assert _seen[0] == "started page"
    assert _seen[1] == "stream ended"
    assert _seen[2].startswith("finished ")
    assert visit.output_queue.qsize() < 999


@pytest.mark.django_db
async def test_a_stream_comes_whole(handler: ThreadedHandler) -> None:
    visit = ApplicationCommunicator(handler, _scope("/under/streamed/"))
    await visit.send_input({"type": "http.request"})
    await visit.wait()

    parts = [visit.output_queue.get_nowait() for _ in range(visit.output_queue.qsize())]
    assert b"".join(part.get("body", b"") for part in parts) == b"".join(
        b"%d" % number for number in range(1_000)
    )
    assert not parts[-1].get("more_body")
