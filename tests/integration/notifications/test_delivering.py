"""Messages arrive by real mail and real HTTP; what fails is tried again and shown."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests
from aiosmtpd.controller import Controller
from django.conf import LazySettings
from django.utils import timezone

from apps.accounts.models import User
from apps.common.embedded import free_port
from apps.notifications import api, sending
from apps.notifications.domain.kinds import Kind
from apps.notifications.models import Channel, Delivery, Notification
from apps.notifications.sending import claim, send_waiting
from apps.notifications.writing import Note, write
from tests.factories.accounts import UserFactory
from tests.support.telling import due_now, gather, hours

pytestmark = pytest.mark.django_db

ADDRESS = "tgram://123456789:AAHsecretTokenOfTheBot/55512345/"
MAIL, MESSENGER = Channel.Type.EMAIL, Channel.Type.APPRISE


class Inbox:
    """A mail server's end: keeps mails, or refuses recipients whose name says so."""

    def __init__(self) -> None:
        self.mails: list[Message] = []

    async def handle_RCPT(self, _s: Any, _e: Any, envelope: Any, address: str, _o: Any) -> str:
        if address.startswith("nobody"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _s: Any, _e: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
def inbox(settings: LazySettings) -> Iterator[Inbox]:
    """A real mail server on a port of its own."""
    kept = Inbox()
    controller = Controller(kept, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = controller.port
    settings.EMAIL_USE_TLS = False
    yield kept
    controller.stop()


class Telegram:
    """What a stand-in for Telegram heard, and what it answers."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.status = 200


@pytest.fixture
def telegram(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Telegram]:
    """Requests to Telegram's host go to a server on this machine."""
    stand_in = Telegram()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            stand_in.heard.append({"path": self.path, **json.loads(body)})
            self.send_response(stand_in.status)
            self.end_headers()
            self.wfile.write(b'{"ok": true, "result": {}}')

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    here = f"http://127.0.0.1:{server.server_port}"
    original = requests.Session.request

    def request(self: requests.Session, method: str, url: str, **kwargs: Any) -> Any:
        return original(self, method, url.replace("https://api.telegram.org", here), **kwargs)

    monkeypatch.setattr(requests.Session, "request", request)
    settings.NOTIFY_PRIVATE_HOSTS = True
    yield stand_in
    server.shutdown()
    server.server_close()


@pytest.fixture
def mara() -> User:
    return UserFactory(email="mara@example.org")


def happens(user: User, kind: Kind = Kind.LOSS_LIMIT, number: int = 1, key: str = "") -> None:
    """Something that has gathered and is to be sent now."""
    note = Note(user.pk, kind, key, "Harbour Swing: the limit is 500.00.", "/copying/", number)
    write([note], timezone.now())
    gather(hours(2))
    due_now()


def test_a_mail_arrives_with_its_count_and_where_to_read_on(
    mara: User, inbox: Inbox, settings: LazySettings
) -> None:
    settings.SITE_URL = "https://copy.example.org"
    happens(mara, Kind.COPY_FAILED, 1000)
    assert send_waiting(MAIL) == 1

    (mail,) = inbox.mails
    assert mail["Subject"] == "1,000 trades were not copied: their orders failed"
    assert mail["To"] == "mara@example.org"
    body = mail.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert "https://copy.example.org/copying/" in body
    assert send_waiting(MAIL) == 0


def test_a_channel_that_fails_is_tried_again_and_shows_why(mara: User, inbox: Inbox) -> None:
    User.objects.filter(pk=mara.pk).update(email="nobody@example.org")
    happens(mara)
    for attempt in range(len(sending.PAUSES_S)):
        due_now()
        assert send_waiting(MAIL) == 0
        delivery = Delivery.objects.get()
        waited = (delivery.not_before - timezone.now()).total_seconds()
        assert sending.PAUSES_S[attempt] - 5 < waited <= sending.PAUSES_S[attempt]
        assert (delivery.state, delivery.attempts) == ("waiting", attempt + 1)
    channel = Channel.objects.get()
    assert channel.fails
    assert channel.error == "The mail server refuses this address (550)."

    due_now()
    send_waiting(MAIL)
    assert Delivery.objects.get().state == "failed"

    User.objects.filter(pk=mara.pk).update(email="mara@example.org")
    happens(mara, key="another")
    assert send_waiting(MAIL) == 1
    channel.refresh_from_db()
    assert not channel.fails


def test_a_mail_server_that_is_down_is_not_asked_for_every_mail(
    mara: User, settings: LazySettings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    for person in (mara, UserFactory(), UserFactory()):
        happens(person)
    assert send_waiting(MAIL) == 0

    attempts = sorted(Delivery.objects.values_list("attempts", flat=True))
    assert attempts == [0, 0, 1]
    assert not Delivery.objects.filter(not_before__lte=timezone.now()).exists()


def test_one_that_died_while_sending_leaves_nothing_unsent(
    mara: User, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    happens(mara)
    (claimed,) = claim(MAIL, timezone.now())
    # Between the claim and the mail: killed. Nobody else takes it while the claim lasts.
    assert send_waiting(MAIL) == 0
    assert Delivery.objects.get(pk=claimed.pk).state == "waiting"
    due_now()
    assert send_waiting(MAIL) == 1

    # Between the mail and the mark: sent twice, under the same id, which mail programs fold.
    happens(mara, key="another")

    def killed(_: Delivery) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(sending, "_arrived", killed)
        with pytest.raises(SystemExit):
            send_waiting(MAIL)
    due_now()
    assert send_waiting(MAIL) == 1
    ids = [mail["Message-ID"] for mail in inbox.mails]
    assert len(ids) == 3 and ids[1] == ids[2] != ids[0]


def test_a_message_arrives_at_telegram(mara: User, telegram: Telegram) -> None:
    channel = api.add_channel(user=mara, name="", address=ADDRESS)
    happens(mara, Kind.KILL_SWITCH)
    assert send_waiting(MESSENGER) == 1 + 1  # and that a channel was added

    message = next(m for m in telegram.heard if "limit is 500" in m["text"])
    assert message["path"] == "/bot123456789:AAHsecretTokenOfTheBot/sendMessage"
    assert str(message["chat_id"]) == "55512345"
    channel.refresh_from_db()
    assert channel.name == "Telegram" and channel.delivered_at is not None


def test_secrets_are_in_no_log_and_no_column(
    mara: User, telegram: Telegram, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    channel = api.add_channel(user=mara, name="Phone", address=ADDRESS)
    telegram.status = 401
    happens(mara)
    assert send_waiting(MESSENGER) == 0

    channel.refresh_from_db()
    assert channel.error == "Telegram: the service does not accept the token; check the address."
    stored = str(Channel.objects.filter(pk=channel.pk).values()) + caplog.text
    stored += str(list(Delivery.objects.values())) + str(list(Notification.objects.values()))
    assert channel.masked == "tgram://…45"
    # `values` decrypts; the column itself holds nothing readable.
    stored = stored.replace(str(channel.address), "")
    assert "AAHsecret" not in stored


def test_choices_decide_which_channel_gets_what(mara: User, telegram: Telegram) -> None:
    channel = api.add_channel(user=mara, name="Phone", address=ADDRESS)
    gather(hours(1))
    Delivery.objects.all().delete()
    mail = Channel.objects.get(user=mara, type="email")
    ticked = {
        "loss_limit:page", f"loss_limit:{channel.uuid}", f"drift:{mail.uuid}",
    }  # fmt: skip
    api.choose(user=mara, ticked=ticked)
    for kind in (Kind.LOSS_LIMIT, Kind.DRIFT, Kind.MIN_EQUITY, Kind.SIGN_IN):
        happens(mara, kind)

    ways = Delivery.objects.values_list("notification__kind", "channel__name")
    assert set(ways) == {
        ("loss_limit", "Phone"),
        ("drift", "E-mail"),
        ("sign_in", "E-mail"),  # security cannot be switched off
    }
    shown = Notification.objects.filter(user=mara, shown=True).exclude(kind="security")
    assert {n.kind for n in shown} == {"loss_limit", "sign_in"}


def test_a_tested_channel_says_what_came_of_it(mara: User, telegram: Telegram) -> None:
    channel = api.add_channel(user=mara, name="Phone", address=ADDRESS)
    telegram.status = 403
    with pytest.raises(api.NotDelivered, match="written to the bot once"):
        api.send_test(user=mara, channel=channel)
    channel.refresh_from_db()
    assert channel.fails
    with pytest.raises(api.TooSoon, match="wait ten seconds"):
        api.send_test(user=mara, channel=channel)
