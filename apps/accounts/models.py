"""Users, customers, legal texts, the house, and what is recorded of people."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar
from zoneinfo import available_timezones

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.crypto import salted_hmac

from apps.accounts import product_models as product_models  # Django finds its models here


class UserManager(BaseUserManager["User"]):
    """Users are known by their e-mail address, kept in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        if not email:
            raise ValueError("a user needs an e-mail address")
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(
            email, password, **{**fields, "is_staff": True, "is_superuser": True}
        )

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(AbstractUser):
    """Somebody who can sign in: a customer, or staff by membership in a role's group."""

    username = None  # type: ignore[assignment]
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = models.EmailField("e-mail address", unique=True)
    session_epoch = models.PositiveIntegerField(
        default=0, editable=False, help_text="raised to end every session of the user at once"
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.email

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session must carry to count: ends with the password, and with the epoch."""
        if not self.session_epoch:
            return super()._get_session_auth_hash(secret)  # type: ignore[misc,no-any-return]
        salt = "apps.accounts.models.User.get_session_auth_hash"
        value = f"{self.password}#{self.session_epoch}"
        return salted_hmac(salt, value, secret=secret, algorithm="sha256").hexdigest()


def validate_timezone(value: str) -> None:
    if value not in available_timezones():
        raise ValidationError(f"{value!r} is not a time zone; use a name like Europe/Berlin")


class BotStrategy(models.TextChoices):
    """Kinds of bots that a customer may be allowed to run."""

    SPOT_GRID = "spot_grid", "Spot Grid"
    MARTINGALE = "martingale", "Martingale"
    REVERSE_MARTINGALE = "reverse_martingale", "Reverse Martingale"


def every_strategy() -> list[str]:
    """What a new customer may run: all of them."""
    return [strategy.value for strategy in BotStrategy]


class Customer(models.Model):
    """The person behind a user who trades here, and what staff allow this person to do.

    A permission that is taken away holds for what would be new; what is held already can always
    be closed.
    """

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="customer")
    name = models.CharField(max_length=128)
    timezone = models.CharField(max_length=64, default="UTC", validators=[validate_timezone])
    may_copy = models.BooleanField("copying", default=True)
    may_be_master = models.BooleanField("being a master", default=True)
    may_run_bots = models.BooleanField("bots", default=True)
    allowed_strategies = ArrayField(
        models.CharField(max_length=32, choices=BotStrategy),
        verbose_name="allowed strategies of bots",
        default=every_strategy,
        blank=True,
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class LegalText(models.Model):
    """A version of what customers accept before they follow; written once and kept for good."""

    class Kind(models.TextChoices):
        RISK = "risk", "Risk disclosure"
        TERMS = "terms", "Terms of copying"

    kind = models.CharField(max_length=8, choices=Kind)
    version = models.PositiveIntegerField(help_text="counts from 1 within its kind")
    text = models.TextField(help_text="plain paragraphs, with an empty line between two of them")
    published_at = models.DateTimeField()
    published_by = models.CharField(max_length=254)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "version"], name="legal_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, version {self.version}"


class Acceptance(models.Model):
    """That a user accepted a version of a text, and when; written once and kept for good."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="acceptances")
    text = models.ForeignKey(LegalText, on_delete=models.PROTECT, related_name="acceptances")
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "text"], name="accepted_once")]

    def __str__(self) -> str:
        return f"{self.user} accepted {self.text}"


class AuditEntry(models.Model):
    """Who did what to what, and why. Without foreign keys: it outlives all it speaks of."""

    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True, help_text="empty: the system itself")
    actor = models.CharField(max_length=254)
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64)
    object_id = models.CharField(max_length=64)
    object_label = models.CharField(max_length=254)
    reason = models.CharField(max_length=500, blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["object_type", "object_id", "-at"], name="audit_of_object"),
            models.Index(fields=["at", "id"], name="audit_in_order"),
            models.Index(fields=["actor", "at", "id"], name="audit_of_actor"),
            models.Index(fields=["action", "at", "id"], name="audit_of_action"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor}: {self.action} {self.object_label}"


class House(models.Model):
    """One row: who runs this installation, as customers see it."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField(max_length=64, default="Bellwether")
    timezone = models.CharField(
        "time zone", max_length=64, default="UTC", validators=[validate_timezone]
    )
    support_email = models.EmailField("support address", blank=True)
    logo = models.BinaryField(default=bytes, blank=True)
    logo_type = models.CharField(max_length=32, blank=True)
    logo_mark = models.CharField(max_length=16, blank=True, help_text="names the logo's content")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = verbose_name_plural = "house"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_house")]

    def __str__(self) -> str:
        return self.name


class MailText(models.Model):
    """The house's own words of a mail, in place of the built-in ones."""

    kind = models.CharField(max_length=64, primary_key=True)
    subject = models.CharField(max_length=200)
    body = models.TextField(max_length=10_000)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.kind


class SignIn(models.Model):
    """One attempt to sign in as a known user, kept for the user to look at.

    ``device`` says in words what browser it was; ``device_mark`` is the digest of the cookie by
    which a browser is known again. ``method`` is how it was proved who it is.
    """

    class Method(models.TextChoices):
        PASSWORD = "password", "Password"
        CODE = "code", "Authenticator app"
        RECOVERY = "recovery", "Recovery code"
        PASSKEY = "passkey", "Passkey"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_ins")
    at = models.DateTimeField()
    succeeded = models.BooleanField()
    method = models.CharField(max_length=16, choices=Method)
    ip = models.GenericIPAddressField(null=True)
    device = models.CharField(max_length=64, blank=True)
    device_mark = models.CharField(max_length=64, blank=True)
    new_device = models.BooleanField(default=False)

    class Meta:
        indexes = [
            models.Index(fields=["user", "-id"], name="sign_in_of_user"),
            models.Index(fields=["user", "device_mark"], name="sign_in_of_device"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.at}"
