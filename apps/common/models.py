"""What processes note of themselves for those who run them."""

from __future__ import annotations

from django.db import models


class TaskFailure(models.Model):
    """How often a task failed with one kind of error within an hour, and its last message."""

    task = models.CharField(max_length=128)
    error = models.CharField(max_length=64, help_text="class of the exception")
    hour = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    message = models.CharField(max_length=500, blank=True)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "error", "hour"], name="failures_of_an_hour")
        ]
        indexes = [models.Index(fields=["last_at"], name="failures_in_order")]

    def __str__(self) -> str:
        return f"{self.count} × {self.task}: {self.error}"
