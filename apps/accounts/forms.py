"""Forms of signing in where ours say more than the library's."""

from __future__ import annotations

from allauth.mfa.webauthn.forms import AddWebAuthnForm
from django import forms


class AddPasskeyForm(AddWebAuthnForm):
    """A passkey signs in alone unless its owner wants it only after the password."""

    passwordless = forms.BooleanField(
        label="Sign in with it alone, without a password",
        required=False,
        initial=True,
        help_text="It then asks for your finger, your face or a PIN each time. Otherwise it is "
        "asked for after the password.",
    )
