"""How signing up works here: a new sign-in is a new customer; its secrets are encrypted."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.http import HttpRequest

from apps.accounts.house import house, mail_in_words
from apps.accounts.models import Customer, User
from apps.common.fields import decrypt_json, encrypt_json


class AccountAdapter(DefaultAccountAdapter):
    """Opens or closes the sign-up page, and creates the customer beside the user."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGNUP_OPEN)

    @transaction.atomic
    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        saved: User = super().save_user(request, user, form, commit)
        if commit:
            Customer.objects.get_or_create(
                user=saved,
                defaults={"name": _name_from(saved.email), "timezone": house().timezone},
            )
        return saved

    def format_email_subject(self, subject: str) -> str:
        return f"[{house().name}] {subject}"

    def render_mail(
        self, template_prefix: str, email: str, context: dict[str, Any], headers: Any = None
    ) -> EmailMessage:
        """The mail in the words of the house, or the built-in one with its name."""
        user = context.get("user")
        customer = getattr(user, "customer", None) if user else None
        link = next((str(context[n]) for n in _LINKS if context.get(n)), "")
        values = {"name": customer.name if customer else "", "email": email, "link": link}
        words = mail_in_words(template_prefix, values)
        if words is None:
            named = {**context, "current_site": _Site(house().name)}
            built_in: EmailMessage = super().render_mail(template_prefix, email, named, headers)
            return built_in
        subject, body = words
        return EmailMessage(subject, body, self.get_from_email(), [email], headers=headers)


def _name_from(address: str) -> str:
    """What a customer is called at first: the address before its @, as far as a name may go."""
    longest = Customer._meta.get_field("name").max_length
    return address.partition("@")[0][:longest]


#: What the built-in mails call the address to open.
_LINKS = ("activate_url", "password_reset_url", "signup_url")


class _Site:
    """What the built-in mails ask of a site: the name of the house."""

    def __init__(self, name: str) -> None:
        self.name = self.domain = name


class SecondFactorAdapter(DefaultMFAAdapter):
    """Keeps the secrets of second factors as platform credentials are kept."""

    def encrypt(self, text: str) -> str:
        return encrypt_json(text)

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        """What a new passkey is called unless its owner names it."""
        number = Authenticator.objects.filter(user=user, type=type).count() + 1
        return "Passkey" if number == 1 else f"Passkey {number}"

    def decrypt(self, encrypted_text: str) -> str:
        return str(decrypt_json(encrypted_text))
