"""Who runs this installation, as customers see it: name, logo, time zone, words of its mails."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from apps.accounts.api import record_audit
from apps.accounts.errors import InvalidDefaults, NotPermitted, NotPossible
from apps.accounts.models import House, MailText, User
from apps.accounts.roles import Permission
from apps.accounts.selectors import may

# Other processes see a change after at most this long.
_AGE_S = 1.0
LOGO_BYTES = 256 * 1024
#: How files of each kind that is taken begin.
_BEGINNINGS = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/webp": (b"RIFF",),
}

#: Mails whose words the house may choose: their name, and what a built-in one says.
MAILS = {
    "account/email/email_confirmation_signup": "Confirm the address after signing up",
    "account/email/email_confirmation": "Confirm another address",
    "account/email/password_reset_key": "Set a new password",
    "account/email/account_already_exists": "Somebody signs up with an address that has a sign-in",
    "account/email/unknown_account": "Somebody asks for the password of an unknown address",
}
#: What may stand between braces in a mail.
PLACEHOLDERS = {
    "house": "name of the house",
    "name": "name of the customer",
    "email": "the address that the mail goes to",
    "link": "the address to open",
    "support": "support address of the house",
    "time": "date and time of the house",
}


@dataclass(frozen=True, slots=True)
class HouseInfo:
    """The house as pages and mails show it; ``logo_mark`` '' is without a logo."""

    name: str
    timezone: str
    support_email: str
    logo_mark: str

    @property
    def now(self) -> datetime:
        """The time of day in the house's time zone."""
        return timezone.now().astimezone(ZoneInfo(self.timezone))

    @property
    def clock(self) -> str:
        """The same in words: '14:05 Europe/Oslo'."""
        return f"{self.now:%H:%M} {self.timezone}"


class _Cache:
    value: HouseInfo | None = None
    read_at = 0.0


def house() -> HouseInfo:
    """The house, read at most once a second in each process."""
    moment = time.monotonic()
    if _Cache.value is None or moment - _Cache.read_at > _AGE_S:
        names = tuple(HouseInfo.__dataclass_fields__)
        row = House.objects.values(*names).first()
        _Cache.value = HouseInfo(**(row or {name: getattr(House(), name) for name in names}))
        _Cache.read_at = moment
    return _Cache.value


def forget_house() -> None:
    """Read it anew at the next use."""
    _Cache.value = None


def logo(mark: str) -> tuple[bytes, str] | None:
    """Content and type of the logo of this mark; None when it is another one by now."""
    row = House.objects.filter(logo_mark=mark).exclude(logo_mark="").first()
    return (bytes(row.logo), row.logo_type) if row else None


@transaction.atomic
def update_house(
    *,
    actor: User | None,
    name: str,
    timezone: str,
    support_email: str = "",
    logo: bytes | None = None,
    reason: str = "",
) -> dict[str, object]:
    """Change the house; answers what changed. ``logo`` None keeps it, b'' removes it.

    NotPermitted for a role that does not manage the product; InvalidDefaults names each field
    that cannot be.
    """
    _require(actor)
    House.objects.get_or_create(pk=1)
    row = House.objects.select_for_update().get(pk=1)
    wanted = {"name": name.strip(), "timezone": timezone, "support_email": support_email}
    if logo is not None:
        kind = _kind_of(logo)
        mark = hashlib.sha256(logo).hexdigest()[:16] if logo else ""
        row.logo, row.logo_type, wanted["logo_mark"] = logo, kind, mark
    changed = {key: value for key, value in wanted.items() if getattr(row, key) != value}
    if not changed:
        return {}
    before = {key: getattr(row, key) for key in changed}
    for key, value in changed.items():
        setattr(row, key, value)
    try:
        row.clean_fields(exclude=["logo"])
    except ValidationError as error:
        raise InvalidDefaults(
            {key: " ".join(told) for key, told in error.message_dict.items()}
        ) from None
    row.save()
    record_audit(
        actor=actor,
        action="house.update",
        object_type="house",
        object_id="house",
        object_label=row.name,
        reason=reason,
        before=before,
        after=changed,
    )
    transaction.on_commit(forget_house)
    return dict(changed)


def _kind_of(content: bytes) -> str:
    if not content:
        return ""
    if len(content) > LOGO_BYTES:
        raise InvalidDefaults({"logo": "Use a picture of at most 256 KB."})
    for kind, beginnings in _BEGINNINGS.items():
        if content.startswith(beginnings):
            return kind
    raise InvalidDefaults({"logo": "Use a PNG, JPEG or WebP picture."})


def mail_texts() -> dict[str, MailText]:
    """The mails that have words of the house, by kind."""
    return MailText.objects.in_bulk()


@transaction.atomic
def set_mail(*, actor: User | None, kind: str, subject: str, body: str, reason: str = "") -> bool:
    """Give a mail words of the house; False when it has these already.

    NotPossible for an unknown mail or placeholder, so that no mail leaves with a gap.
    """
    _require(actor)
    if kind not in MAILS:
        raise NotPossible("There is no such mail.")
    _check_placeholders(subject, body)
    former = MailText.objects.select_for_update().filter(pk=kind).first()
    before = {"subject": former.subject, "body": former.body} if former else {}
    after = {"subject": subject, "body": body}
    if before == after:
        return False
    MailText.objects.update_or_create(kind=kind, defaults=after)
    _audit_mail(actor, "mail.update", kind, reason, before, after)
    return True


@transaction.atomic
def reset_mail(*, actor: User | None, kind: str, reason: str = "") -> bool:
    """Send the built-in mail again; False when it is sent already."""
    _require(actor)
    former = MailText.objects.select_for_update().filter(pk=kind).first()
    if former is None:
        return False
    before = {"subject": former.subject, "body": former.body}
    former.delete()
    _audit_mail(actor, "mail.reset", kind, reason, before, {})
    return True


def mail_in_words(kind: str, values: Mapping[str, str]) -> tuple[str, str] | None:
    """Subject and body of a mail in the words of the house; None: the built-in one.

    Values are put in as they are; what stands in a value is never taken for a placeholder.
    """
    text = MailText.objects.filter(pk=kind).first()
    if text is None:
        return None
    shown = house()
    known = {
        "house": shown.name,
        "support": shown.support_email,
        "time": f"{shown.now:%d %b %Y, %H:%M} {shown.timezone}",
        **values,
    }
    return " ".join(_filled(text.subject, known).split()), _filled(text.body, known)


def _filled(text: str, values: Mapping[str, str]) -> str:
    parts = [text.partition("{")]
    filled = ""
    while parts:
        before, brace, rest = parts.pop()
        filled += before
        name, closing, after = rest.partition("}")
        if brace and closing and name in PLACEHOLDERS:
            filled += values.get(name, "")
            parts.append(after.partition("{"))
        elif brace:
            filled += brace
            parts.append(rest.partition("{"))
    return filled


def _check_placeholders(*texts: str) -> None:
    for text in texts:
        for part in text.split("{")[1:]:
            name, closing, _ = part.partition("}")
            if not closing or name not in PLACEHOLDERS:
                allowed = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
                raise NotPossible(f"{{{name[:30]} is unknown; write one of {allowed}.")


def _audit_mail(
    actor: User | None,
    action: str,
    kind: str,
    reason: str,
    before: Mapping[str, object],
    after: Mapping[str, object],
) -> None:
    record_audit(
        actor=actor,
        action=action,
        object_type="mail",
        object_id=kind,
        object_label=MAILS[kind],
        reason=reason,
        before=before,
        after=after,
    )


def _require(actor: User | None) -> None:
    if actor is not None and not may(actor, Permission.MANAGE_PRODUCT):
        raise NotPermitted("Changing the house needs the role owner or admin.")
