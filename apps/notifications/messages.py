"""One message by one channel: NotDelivered with a sentence for the customer when it fails.

Addresses are secrets, and libraries write them into their logs: those are switched off here,
and what a customer reads of a failure is made of status numbers alone.
"""

from __future__ import annotations

import logging
import re
import smtplib
import threading
from contextlib import nullcontext
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from apps.notifications import addresses
from apps.notifications.errors import AddressRefused, NotDelivered
from apps.notifications.public_hosts import public_hosts_only

_apprise_log = logging.getLogger("apprise")
_apprise_log.propagate = False
_apprise_log.setLevel(logging.WARNING)
_apprise_log.addHandler(logging.NullHandler())
# Its debug lines hold the path of every request, and with it the token of a bot.
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)

_STATUS = re.compile(r"error=(\d{3})\b")
_SAID = {
    400: "the service did not understand it; check the address",
    401: "the service does not accept the token; check the address",
    403: "the service does not allow it; check that you have written to the bot once",
    404: "the service does not know this token or chat; check the address",
    429: "the service takes no more messages at the moment",
}


class MailServerDown(NotDelivered):
    """Nobody's mail can be sent at the moment."""


def send_mail(backend: BaseEmailBackend, to: str, subject: str, body: str, message_id: str) -> None:
    """Send one mail over an open connection.

    ``message_id`` is the same in every attempt, so that a mail that is sent twice is shown once.
    """
    _, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    host = sender.rpartition("@")[2] or "localhost"
    mail = EmailMessage(
        subject,
        body,
        settings.DEFAULT_FROM_EMAIL,
        [to],
        connection=backend,
        headers={"Message-ID": f"<{message_id}@{host}>", "Auto-Submitted": "auto-generated"},
    )
    try:
        if not mail.send():
            raise MailServerDown("The mail server does not answer.")
    except smtplib.SMTPRecipientsRefused as error:
        status = next(iter(error.recipients.values()))[0]
        raise NotDelivered(f"The mail server refuses this address ({status}).") from None
    except smtplib.SMTPResponseException as error:
        raise MailServerDown(f"The mail server refused the mail ({error.smtp_code}).") from None
    except OSError:
        raise MailServerDown("The mail server does not answer.") from None


def send_to_messenger(address: str, title: str, body: str) -> None:
    """Send one message by apprise, in this thread; AddressRefused for one that is not allowed."""
    service = addresses.checked(address)
    plugin = addresses.plugin_of(address)
    guard = nullcontext() if settings.NOTIFY_PRIVATE_HOSTS else public_hosts_only()
    with guard, _Overheard() as overheard:
        try:
            sent = plugin is not None and plugin.notify(body=body, title=title)
        except Exception:
            # Its words may hold the address.
            raise NotDelivered(f"{service.name} could not be reached.") from None
    if not sent:
        raise NotDelivered(f"{service.name}: {overheard.reason()}.")


class _Overheard(logging.Handler):
    """What apprise says in this thread while it sends: only its status is of use."""

    def __enter__(self) -> _Overheard:
        self._thread = threading.get_ident()
        self._status = 0
        _apprise_log.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        _apprise_log.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        found = _STATUS.search(record.getMessage()) if record.thread == self._thread else None
        if found:
            self._status = int(found.group(1))

    def reason(self) -> str:
        """Why it was not sent, as far as that is known."""
        if not self._status:
            return "it could not be reached"
        return _SAID.get(self._status, f"it answered with an error ({self._status})")


__all__ = ["AddressRefused", "MailServerDown", "NotDelivered", "send_mail", "send_to_messenger"]
