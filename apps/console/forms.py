"""Forms of the console."""

from __future__ import annotations

from django import forms


class ReasonForm(forms.Form):
    """Why a member of staff intervenes; kept in the audit trail."""

    reason = forms.CharField(
        label="Reason",
        max_length=500,
        help_text="Kept in the audit trail beside your name.",
        error_messages={"required": "Say why; the reason is kept in the audit trail."},
    )


class ModuleForm(ReasonForm):
    """Switch a module on or off."""

    enabled = forms.TypedChoiceField(
        choices=[("1", "on"), ("0", "off")],
        coerce=lambda value: value == "1",
        widget=forms.HiddenInput,
    )
