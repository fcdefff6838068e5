"""The marker that tells a demo installation from a plain one."""

from __future__ import annotations

from django.db import models


class DemoInstallation(models.Model):
    """One row where this installation was filled with the demo, none on a plain one.

    It is written in the same transaction as everything else of the demo. ``venue`` says where
    the paper venue is (``host``, ``port``, ``admin_port``) and, under ``accounts``, the venue's
    account id by the key in the plan, under ``deposits`` what each held when it was opened there;
    ``connection_id`` is the product's own connection to it.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    connection_id = models.BigIntegerField()
    venue = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_demo")]

    def __str__(self) -> str:
        return "Demo installation"
