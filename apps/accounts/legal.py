"""Risk disclosure and terms: publishing them, and accepting the versions that hold.

Before they follow anybody, customers accept the current version of every kind. Versions and
acceptances are never changed; PostgreSQL refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from apps.accounts.api import record_audit
from apps.accounts.errors import InvalidText, NotPermitted, TextOutdated
from apps.accounts.legal_defaults import DEFAULTS
from apps.accounts.models import Acceptance, LegalText, User
from apps.accounts.product_models import ProductConfig
from apps.accounts.roles import Permission
from apps.accounts.selectors import may

Kind = LegalText.Kind


@dataclass(frozen=True, slots=True)
class AcceptedText:
    """A text with when this user accepted it; ``current``: it is the version that holds."""

    text: LegalText
    accepted_at: datetime | None
    current: bool


def current_texts() -> list[LegalText]:
    """The version that holds of each kind, risk disclosure first. One query."""
    newest = LegalText.objects.order_by("kind", "-version").distinct("kind")
    return sorted(newest, key=lambda text: Kind.values.index(text.kind))


def missing_texts(user: User) -> list[LegalText]:
    """What a user must accept before following somebody; one query."""
    newest = LegalText.objects.order_by("kind", "-version").distinct("kind")
    missing = LegalText.objects.filter(pk__in=newest.values("pk")).exclude(acceptances__user=user)
    return sorted(missing, key=lambda text: Kind.values.index(text.kind))


def texts_of(user: User) -> list[AcceptedText]:
    """The current versions, and all that a user ever accepted, newest first within each kind."""
    current = {text.pk: text for text in current_texts()}
    rows = Acceptance.objects.filter(user=user).select_related("text").order_by("-text__version")
    accepted = {row.text_id: row for row in rows}
    texts = {**{pk: row.text for pk, row in accepted.items()}, **current}
    ordered = sorted(texts.values(), key=lambda t: (Kind.values.index(t.kind), -t.version))
    return [
        AcceptedText(
            text, accepted[text.pk].at if text.pk in accepted else None, text.pk in current
        )
        for text in ordered
    ]


def legal_text(kind: str, version: int) -> LegalText | None:
    """One version, whether it holds or not."""
    return LegalText.objects.filter(kind=kind, version=version).first()


@transaction.atomic
def publish_text(*, actor: User | None, kind: Kind | str, text: str) -> LegalText:
    """Publish the next version of a text; it must be accepted before anybody's next follow.

    NotPermitted for an actor whose roles do not manage the product, InvalidText for no text.
    """
    if actor is not None and not may(actor, Permission.MANAGE_PRODUCT):
        raise NotPermitted("Publishing terms needs the role owner or admin.")
    text = text.replace("\r\n", "\n").strip()
    if kind not in Kind.values or not text:
        raise InvalidText("Write what customers shall accept.")
    # One at a time: the next version is the last one's and one.
    ProductConfig.objects.get_or_create(pk=1)
    ProductConfig.objects.select_for_update().get(pk=1)
    newest = LegalText.objects.filter(kind=kind).aggregate(version=Max("version"))["version"] or 0
    made = LegalText.objects.create(
        kind=kind,
        version=newest + 1,
        text=text,
        published_at=timezone.now(),
        published_by=actor.email if actor else "system",
    )
    _audit(actor, "legal.publish", made, newest)
    return made


def publish_defaults() -> None:
    """Publish the text that comes with the software where a kind has none."""
    known = set(LegalText.objects.values_list("kind", flat=True).distinct())
    for kind, text in DEFAULTS.items():
        if kind not in known:
            first = {"text": text.strip(), "published_at": timezone.now(), "published_by": "system"}
            LegalText.objects.get_or_create(kind=kind, version=1, defaults=first)


@transaction.atomic
def accept_texts(*, actor: User, versions: Mapping[str, int]) -> Sequence[LegalText]:
    """Note that a user accepts these versions, by kind; answers what was not accepted before.

    TextOutdated where one of them is not the version that holds.
    """
    current = {text.kind: text for text in current_texts()}
    for kind, version in versions.items():
        if kind not in current or current[kind].version != version:
            raise TextOutdated(Kind(kind).label if kind in Kind.values else kind)
    known = set(actor.acceptances.values_list("text_id", flat=True))
    new = [current[kind] for kind in versions if current[kind].pk not in known]
    for text in new:
        _, made = Acceptance.objects.get_or_create(
            user=actor, text=text, defaults={"at": timezone.now()}
        )
        if made:
            _audit(actor, "legal.accept", text, None)
    return new


def _audit(actor: User | None, action: str, text: LegalText, before: int | None) -> None:
    record_audit(
        actor=actor,
        action=action,
        object_type="legal_text",
        object_id=text.kind,
        object_label=str(text),
        before={"version": before} if before else None,
        after={"version": text.version},
    )
