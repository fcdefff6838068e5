"""The marker that tells a demo installation from a plain one."""

from __future__ import annotations

from django.db import models

from apps.common.fields import EncryptedJSONField


class DemoInstallation(models.Model):
    """One row where this installation was filled with the demo, none on a plain one.

    It is written in the same transaction as everything else of the demo. ``venue`` holds what
    the demo traders sign in with: ``host``, ``port``, ``client_id``, ``client_secret``,
    ``access_token``, and under ``accounts`` the venue's account id by the key in the plan.
    ``connection_id`` is the product's own connection to the same venue.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    connection_id = models.BigIntegerField()
    venue = EncryptedJSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_demo")]

    def __str__(self) -> str:
        return "Demo installation"
