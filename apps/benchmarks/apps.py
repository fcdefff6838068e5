"""Measuring the road from a master's deal to its followers' orders, on real processes."""

from django.apps import AppConfig


class BenchmarksConfig(AppConfig):
    name = "apps.benchmarks"
    label = "benchmarks"
