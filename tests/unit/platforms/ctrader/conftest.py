"""A catalogue of two symbols, as a server would have described them."""

from __future__ import annotations

import pytest

from apps.openapi_wire import messages
from apps.platforms.adapters.ctrader.catalogue import Catalogue

EURUSD, USDJPY = 1, 4


@pytest.fixture
def catalogue() -> Catalogue:
    known = Catalogue()
    known.set_assets(
        messages.ProtoOAAsset(assetId=number, name=name)
        for number, name in ((1, "EUR"), (2, "USD"), (3, "JPY"))
    )
    light, full = [], []
    for symbol_id, name, base, quote, digits in (
        (EURUSD, "EURUSD", 1, 2, 5),
        (USDJPY, "USDJPY", 2, 3, 3),
    ):
        light.append(
            messages.ProtoOALightSymbol(
                symbolId=symbol_id,
                symbolName=name,
                enabled=True,
                baseAssetId=base,
                quoteAssetId=quote,
            )
        )
        full.append(
            messages.ProtoOASymbol(
                symbolId=symbol_id,
                digits=digits,
                pipPosition=digits - 1,
                lotSize=10_000_000,
                minVolume=100_000,
                stepVolume=100_000,
                maxVolume=1_000_000_000,
            )
        )
    known.set_symbols(light, full)
    return known
