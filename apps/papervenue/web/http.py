"""As much of an HTTP server as the venue's few pages need; h11 reads and writes the protocol."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import h11

MAX_BODY_BYTES = 64 * 1024
_READ_S = 15.0


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose body has arrived; ``headers`` by their names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def form(self) -> dict[str, str]:
        """Fields of a form that was sent."""
        return dict(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; ``location`` makes it a redirection."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    location: str = ""

    def headers(self) -> list[tuple[str, str]]:
        found = [
            ("Content-Type", self.content_type),
            ("Content-Length", str(len(self.body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            ("Referrer-Policy", "no-referrer"),
            ("Connection", "close"),
        ]
        return [*found, ("Location", self.location)] if self.location else found


Answer = Callable[[Request], Response]


class HttpServer:
    """Answers one request a connection by ``answer``, which must not wait for anything."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def listen(self, host: str, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._client, host, port)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        protocol = h11.Connection(h11.SERVER)
        try:
            async with asyncio.timeout(_READ_S):
                response = await self._respond(protocol, reader)
            writer.write(_encoded(protocol, response))
            await writer.drain()
        except (OSError, TimeoutError, h11.LocalProtocolError, asyncio.CancelledError):
            pass
        finally:
            with contextlib.suppress(Exception):
                writer.close()

    async def _respond(self, protocol: h11.Connection, reader: asyncio.StreamReader) -> Response:
        try:
            request = await _read(protocol, reader)
        except h11.RemoteProtocolError:
            return Response(400, b"This is no HTTP request.")
        if request is None:
            return Response(413, b"This is too much at once.")
        return self._answer(request)


async def _read(protocol: h11.Connection, reader: asyncio.StreamReader) -> Request | None:
    """The whole request; None where its body is too large."""
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = protocol.next_event()
        if event is h11.NEED_DATA:
            protocol.receive_data(await reader.read(65_536))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > MAX_BODY_BYTES:
                return None
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return _request(head, bytes(body))
        else:
            raise h11.RemoteProtocolError("the connection ended within the request")


def _request(head: h11.Request, body: bytes) -> Request:
    target = urlsplit(head.target.decode("ascii", "replace"))
    return Request(
        method=head.method.decode("ascii"),
        path=target.path,
        query=dict(parse_qsl(target.query, keep_blank_values=True)),
        headers={n.decode("latin-1"): v.decode("latin-1") for n, v in head.headers},
        body=body,
    )


def _encoded(protocol: h11.Connection, response: Response) -> bytes:
    head = h11.Response(status_code=response.status, headers=response.headers())
    parts = [protocol.send(head)]
    if response.body:
        parts.append(protocol.send(h11.Data(data=response.body)))
    parts.append(protocol.send(h11.EndOfMessage()))
    return b"".join(part or b"" for part in parts)
