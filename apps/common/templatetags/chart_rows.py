"""What a chart consists of beside its curves, for the component that draws it."""

from __future__ import annotations

from django import template

from apps.common.chart_still import still
from apps.common.chart_table import rows

register = template.Library()
register.filter("chart_rows", rows)
register.filter("chart_still", still)
