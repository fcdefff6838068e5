"""Rules that a master is beyond, and takes no new followers for."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.copytrading.domain.master_gates import GateRule
from apps.copytrading.models.profiles import CopyMaster
from apps.copytrading.models.words import choices


class MasterGate(models.Model):
    """From ``began_at`` until ``lifted_at`` a master takes no new followers, for one rule.

    Rows are kept when they are lifted. ``value`` is the figure that was seen last, ``worst`` the
    largest one, ``most`` the limit, in percent or, for leverage, times equity; ``reason`` says
    it in a sentence.
    """

    master = models.ForeignKey(CopyMaster, on_delete=models.CASCADE, related_name="gates")
    rule = models.CharField(max_length=16, choices=choices(GateRule))
    value = models.DecimalField(max_digits=12, decimal_places=2)
    worst = models.DecimalField(max_digits=12, decimal_places=2)
    most = models.DecimalField(max_digits=12, decimal_places=2, help_text="the limit")
    reason = models.CharField(max_length=300)
    began_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)
    lifted_why = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["master", "rule"], condition=Q(lifted_at=None), name="one_gate_of_a_rule"
            )
        ]
        indexes = [models.Index(fields=["master", "-began_at"], name="gate_of_master")]

    def __str__(self) -> str:
        return f"{self.master_id} {self.rule}: {self.value} of {self.most}"
