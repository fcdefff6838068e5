"""Connections to public addresses only, whatever a name resolves to at the last moment.

A name that was public when it was checked may resolve to a machine inside a second later, and
a server outside may redirect to one. So the resolver itself refuses, in the thread that sends a
message for a customer and while it does; other threads are not concerned.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_guarded = threading.local()
_installing = threading.Lock()
_resolve = socket.getaddrinfo


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet's."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_global and not ip.is_multicast


@contextmanager
def public_hosts_only() -> Iterator[None]:
    """Within it, this thread connects to public addresses alone; OSError for any other."""
    with _installing:
        if socket.getaddrinfo is not _checked:
            global _resolve
            _resolve, socket.getaddrinfo = socket.getaddrinfo, _checked
    _guarded.on = True
    try:
        yield
    finally:
        _guarded.on = False


def _checked(*args: Any, **kwargs: Any) -> Any:
    found = _resolve(*args, **kwargs)
    if getattr(_guarded, "on", False) and not all(is_public(str(e[4][0])) for e in found):
        raise OSError("the host is in a private network")
    return found
