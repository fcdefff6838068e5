"""Apprise addresses: which services are allowed, and how an address is shown.

An address comes from a customer and makes this server speak to another one. So only services
on the list below are taken, none of which reads files or sends what a caller chooses to a page
of its choice; and where an address names a host, that host must be a public one, when it is
stored and again when it is used.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings

from apps.notifications.errors import AddressRefused
from apps.notifications.public_hosts import is_public

if TYPE_CHECKING:
    from apprise import NotifyBase


@dataclass(frozen=True, slots=True)
class Service:
    """A service and an example of its address; ``hosted``: the address names a server."""

    name: str
    example: str
    hosted: bool = False


#: By the scheme of the address. Services with a fixed server of their own, and a few for
#: servers of one's own.
SERVICES: dict[str, Service] = {
    "tgram": Service("Telegram", "tgram://bottoken/ChatID"),
    "discord": Service("Discord", "discord://WebhookID/WebhookToken"),
    "slack": Service("Slack", "slack://TokenA/TokenB/TokenC/#channel"),
    "pover": Service("Pushover", "pover://user@token"),
    "ntfy": Service("ntfy", "ntfy://topic", hosted=True),
    "ntfys": Service("ntfy", "ntfys://host/topic", hosted=True),
    "gotifys": Service("Gotify", "gotifys://host/token", hosted=True),
    "matrixs": Service("Matrix", "matrixs://user:password@host/#room", hosted=True),
    "signals": Service("Signal", "signals://host:port/FromPhoneNo/ToPhoneNo", hosted=True),
    "mailtos": Service("E-mail", "mailtos://user:password@example.org", hosted=True),
    "mailto": Service("E-mail", "mailto://user:password@example.org", hosted=True),
    "pbul": Service("Pushbullet", "pbul://accesstoken"),
    "msteams": Service("Microsoft Teams", "msteams://TokenA/TokenB/TokenC/TokenD"),
    "threema": Service("Threema", "threema://GatewayID@secret/ToPhoneNo"),
}

#: The only options that an address may carry; others redirect, read files or switch off checks.
_OPTIONS = frozenset({"to", "from", "name", "topic", "thread"})


def checked(address: str) -> Service:
    """The service of an address that may be used; AddressRefused says what is wrong with it."""
    address = address.strip()
    if not address or any(ch.isspace() or ord(ch) < 32 for ch in address):
        raise AddressRefused("An address is a single word like tgram://bottoken/ChatID.")
    scheme = address.partition("://")[0].lower()
    service = SERVICES.get(scheme) if "://" in address else None
    if service is None:
        raise AddressRefused(
            f"This service is not available. Use one of: {', '.join(sorted(names()))}."
        )
    check_options(address)
    if service.hosted:
        check_host(address)
    if plugin_of(address) is None:
        raise AddressRefused(
            f"This is no address of {service.name}. It looks like {service.example}."
        )
    return service


def plugin_of(address: str) -> NotifyBase | None:
    """What speaks to the service; None for an address that it does not understand."""
    from apprise import Apprise  # loads all services it knows: only those pay who need one

    return Apprise.instantiate(address, suppress_exceptions=True)


def names() -> set[str]:
    """The services by their names."""
    return {service.name for service in SERVICES.values()}


def check_options(address: str) -> None:
    """AddressRefused for an option that is not harmless."""
    _, _, query = address.partition("?")
    given = {name.lower().lstrip("+-:") for name, _ in parse_qsl(query, keep_blank_values=True)}
    if given - _OPTIONS or (query and not given):
        raise AddressRefused("Leave out the options after the question mark.")


def check_host(address: str) -> None:
    """AddressRefused unless every address behind the host is a public one."""
    if settings.NOTIFY_PRIVATE_HOSTS:
        return
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressRefused("The host in this address cannot be read.") from None
    if "." not in host and ":" not in host:
        # A bare word is a topic of the public ntfy server; anything else names a machine inside.
        topic = parts.scheme in ("ntfy", "ntfys") and not parts.path.strip("/")
        if topic and host and host.lower() != "localhost":
            return
        raise AddressRefused("The host must be a public one, with its full name.")
    for found in _resolved(host, port):
        if not is_public(found):
            raise AddressRefused("The host must be a public one; this one is in a private network.")


def _resolved(host: str, port: int | None) -> set[str]:
    try:
        return {str(entry[4][0]) for entry in socket.getaddrinfo(host, port or 443)}
    except (OSError, UnicodeError):
        raise AddressRefused("The host in this address is not known.") from None


def masked(address: str) -> str:
    """The address with everything hidden that gives access: tgram://…4711."""
    scheme, _, rest = address.strip().partition("://")
    rest = rest.partition("?")[0].rstrip("/")
    tail = "".join(ch for ch in rest if ch.isalnum())[-2:] if len(rest) > 12 else ""
    return f"{scheme.lower()}://…{tail}"
