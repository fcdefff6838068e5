"""The marker that tells a demo installation from a plain one."""

from __future__ import annotations

from django.db import models

from apps.common.fields import EncryptedJSONField


class DemoInstallation(models.Model):
    """One row where this installation was filled with the demo, none on a plain one.

    ``venue`` holds what the demo traders sign in with: ``client_id``, ``client_secret``,
    ``access_token`` and ``accounts``, the venue's account id by the account's key in the plan.
    ``completed_at`` is empty until everything of the demo stands; an interrupted filling is
    taken up where it ended.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    venue = EncryptedJSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    completed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_demo")]

    def __str__(self) -> str:
        return "Demo installation"
