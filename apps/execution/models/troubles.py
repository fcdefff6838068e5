"""Orders of which their source could not take note."""

from __future__ import annotations

from django.db import models


class SettleTrouble(models.Model):
    """A failure of a source to settle one order; the others go on without it.

    ``error`` is for staff. Until ``retry_at`` the order is not told to its source again. A row
    whose order has been settled since says nothing any more, and is swept away.
    """

    client_order_id = models.CharField(max_length=50, primary_key=True)
    trace_id = models.CharField(max_length=32, blank=True)
    error = models.CharField(max_length=500)
    attempts = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    retry_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.client_order_id}: {self.error}"
