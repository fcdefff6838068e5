"""Which addresses are taken, and that none of them leads into this network."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest
from django.conf import LazySettings

from apps.notifications import addresses
from apps.notifications.errors import AddressRefused
from apps.notifications.public_hosts import is_public, public_hosts_only

PUBLIC = "93.184.216.34"


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What names resolve to."""
    known = {"chat.example.org": PUBLIC, "inside.example.org": "10.0.0.7"}

    def resolve(host: str, port: Any = None, *_: Any, **__: Any) -> list[Any]:
        if host not in known and not host[0].isdigit() and ":" not in host:
            raise socket.gaierror(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (known.get(host, host), port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


@pytest.mark.parametrize(
    ("address", "service"),
    [
        ("tgram://123456789:AAHsecretTokenOfTheBot/55512345/", "Telegram"),
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "Discord"),
        ("ntfy://my-topic", "ntfy"),
        ("ntfys://chat.example.org/topic", "ntfy"),
        ("  pover://uQiRzpo4DXghDmr9QzzfQu27cmVRsG@azGDORePK8gMaC0QOYAMyEEuzJnyUi ", "Pushover"),
    ],
)
def test_services_on_the_list_are_taken(address: str, service: str) -> None:
    assert addresses.checked(address).name == service


@pytest.mark.parametrize(
    "address",
    [
        "json://chat.example.org/hook",
        "xml://chat.example.org/hook",
        "form://chat.example.org",
        "file:///etc/passwd",
        "syslog://",
        "dbus://",
        "https://discord.com/api/webhooks/1/2",
        "tgram",
        "",
        "tgram://123456789:AAHsecretTokenOfTheBot/55512345/ json://a",
        "tgram://not-a-token/1",
        "tgram://123456789:AAHsecretTokenOfTheBot/5?template=/etc/passwd",
        "ntfy://chat.example.org/topic?mode=private&attach=http://10.0.0.1/",
        "mailtos://user:pass@chat.example.org?smtp=10.0.0.1",
    ],
)
def test_everything_else_is_refused(address: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        addresses.checked(address)
    assert "AAHsecret" not in str(refused.value)


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "0.0.0.0",
        "[::1]", "[fd00::1]", "[::ffff:10.0.0.1]", "inside.example.org", "redis", "224.0.0.1",
        "unknown.example.org", "2130706433",
    ],
)  # fmt: skip
def test_hosts_inside_are_refused(host: str, settings: LazySettings) -> None:
    address = f"ntfys://{host}/topic"
    with pytest.raises(AddressRefused):
        addresses.checked(address)
    if host not in ("unknown.example.org", "2130706433"):
        settings.NOTIFY_PRIVATE_HOSTS = True
        assert addresses.checked(address).name == "ntfy"


def test_a_name_that_turns_inside_after_the_check_is_not_reached(names: dict[str, str]) -> None:
    addresses.checked("ntfys://chat.example.org/topic")
    names["chat.example.org"] = "127.0.0.1"
    other: list[Any] = []

    with public_hosts_only():
        with pytest.raises(OSError, match="private network"):
            socket.create_connection(("chat.example.org", 443), timeout=1)
        thread = threading.Thread(
            target=lambda: other.append(socket.getaddrinfo("chat.example.org", 443))
        )
        thread.start()
        thread.join()
    assert other  # other threads go where they like
    assert socket.getaddrinfo("chat.example.org", 443)


def test_what_is_public() -> None:
    assert is_public(PUBLIC)
    assert not is_public("100.64.0.1")
    assert not is_public("fe80::1%eth0")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("tgram://123456789:AAHsecretTokenOfTheBot/55512345/", "tgram://…45"),
        ("pover://a@b", "pover://…"),
        ("mailtos://me:geheim@example.org?to=x@example.org", "mailtos://…rg"),
    ],
)
def test_an_address_is_shown_without_its_secret(address: str, shown: str) -> None:
    assert addresses.masked(address) == shown
