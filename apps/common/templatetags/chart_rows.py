"""The rows of a chart's table, for the component that draws it."""

from __future__ import annotations

from django import template

from apps.common.chart_table import rows

register = template.Library()
register.filter("chart_rows", rows)
