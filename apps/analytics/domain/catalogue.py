"""Every figure for its readers: label, unit, formula and explanation. Pages and docs read this.

Tests hold the catalogue against what is computed: no figure without an entry, no entry without
its figure, and docs/figures.md says the same.
"""

from __future__ import annotations

from apps.analytics.domain.catalogue_daily import DAILY
from apps.analytics.domain.catalogue_trades import TRADING, VIEWS
from apps.analytics.domain.definitions import Definition

#: In the order in which figures are shown.
CATALOGUE: dict[str, Definition] = {d.name: d for d in (*DAILY, *TRADING, *VIEWS)}
