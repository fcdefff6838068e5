"""Files begin at once and are sent as they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import islice

from django.http import HttpRequest
from django.middleware.gzip import GZipMiddleware

from apps.common.csv_files import FIRST_PART, PART, as_file, sizes_of_parts


def test_the_first_parts_are_small() -> None:
    sizes = list(islice(sizes_of_parts(), 7))
    assert sizes == [FIRST_PART] * 4 + [PART] * 3
    assert sum(sizes[:4]) == PART


def test_a_file_does_not_wait_to_be_compressed() -> None:
    async def parts() -> AsyncIterator[str]:
        yield "a,b\r\n"

    request = HttpRequest()
    request.META["HTTP_ACCEPT_ENCODING"] = "gzip"
    sent = as_file(parts(), "things")
    assert GZipMiddleware(lambda _: sent)(request) is sent
    assert sent.headers["Content-Encoding"] == "identity"
