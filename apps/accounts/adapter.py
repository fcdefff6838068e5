"""How signing up works here: a new sign-in is a new customer; its secrets are encrypted."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

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
                user=saved, defaults={"name": saved.email.partition("@")[0]}
            )
        return saved


class SecondFactorAdapter(DefaultMFAAdapter):
    """Keeps the secrets of second factors as platform credentials are kept."""

    def encrypt(self, text: str) -> str:
        return encrypt_json(text)

    def decrypt(self, encrypted_text: str) -> str:
        return str(decrypt_json(encrypted_text))
