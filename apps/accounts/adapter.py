"""How signing up works here: a new sign-in is a new customer."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from apps.accounts.models import Customer, User


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
