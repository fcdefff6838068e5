"""Where the venue's prices come from."""

from __future__ import annotations

from apps.papervenue.config import VenueConfig
from apps.papervenue.engine.specs import DEFAULT_SYMBOLS
from apps.papervenue.prices.ecb import EcbPath
from apps.papervenue.prices.replay import Replay, spec_for
from apps.papervenue.prices.source import Combined, Manual, PriceSource

__all__ = ["Combined", "Manual", "PriceSource", "open_source"]


def open_source(config: VenueConfig) -> PriceSource:
    """The source that the configuration asks for. ValueError says what is missing."""
    if config.prices == "manual":
        return Manual()
    path = EcbPath(DEFAULT_SYMBOLS, config.seed)
    if config.prices == "ecb":
        return path
    if config.price_file is None:
        raise ValueError("recorded prices need a file: --file")
    spec = spec_for(config.price_file, config.price_symbol, DEFAULT_SYMBOLS)
    return Combined([Replay(config.price_file, spec), path])
