"""Trade by hand on a demo master account and watch it arrive on the followers."""

from __future__ import annotations

import asyncio
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.demo.by_hand import BadTrade, Wish, trade
from apps.demo.client import VenueRefused
from apps.demo.domain.characters import CHARACTERS
from apps.demo.selectors import demo_seats, endpoint
from apps.trading.orders import Side


def decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None


class Command(BaseCommand):
    help = (
        "One trade on a demo master through the Open API, e.g. "
        "`manage.py demo_trade --master harbour open --symbol EURUSD --lots 0.5 --sl-pips 20`."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--master", choices=sorted(CHARACTERS), default="harbour")
        parser.add_argument(
            "what", choices=["open", "increase", "partial", "stop", "close", "list"]
        )
        parser.add_argument("--symbol", default="EURUSD")
        parser.add_argument("--side", type=Side, choices=list(Side), default=Side.BUY)
        parser.add_argument("--lots", type=decimal, help="partial without it closes half")
        parser.add_argument("--position", default="", help="the newest one where not given")
        parser.add_argument("--sl", type=decimal, help="stop loss, a price; 0 takes it away")
        parser.add_argument("--tp", type=decimal, help="take profit, a price; 0 takes it away")
        parser.add_argument("--sl-pips", type=decimal, help="stop loss, pips from the open")
        parser.add_argument("--tp-pips", type=decimal, help="take profit, pips from the open")

    def handle(self, *args: Any, **options: Any) -> None:
        seat = next(s for s in demo_seats() if s.character.name == options["master"])
        wish = Wish(
            what=options["what"],
            symbol=options["symbol"].upper(),
            side=options["side"],
            lots=options["lots"],
            position=options["position"].removeprefix("#"),
            stop_pips=options["sl_pips"],
            target_pips=options["tp_pips"],
            stop_loss=options["sl"],
            take_profit=options["tp"],
        )
        try:
            for line in asyncio.run(trade(endpoint(), seat, wish)):
                self.stdout.write(line)
        except (BadTrade, VenueRefused) as refused:
            raise CommandError(str(refused)) from None
        except OSError as error:
            raise CommandError(
                f"The venue does not answer ({error}); is the product running (make run)?"
            ) from None
