"""``manage.py papervenue``: run the paper venue, open accounts, move money."""

from __future__ import annotations

import asyncio
import gc
import signal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.papervenue.admin_client import AdminClient, AdminRefused
from apps.papervenue.config import VenueConfig, read_hours
from apps.papervenue.server import VenueServer

DEFAULTS = VenueConfig()


class Command(BaseCommand):
    help = "The built-in trading venue: serve, open-account, deposit, withdraw, accounts."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        _serve_arguments(commands.add_parser("serve", help="run the venue"))
        opening = commands.add_parser("open-account", help="open a trading account")
        opening.add_argument("--name", required=True)
        opening.add_argument("--owner", default="", help="whose tokens open it; the name")
        opening.add_argument("--currency", default="EUR")
        opening.add_argument("--leverage", type=int, default=100)
        opening.add_argument("--margin-mode", choices=["hedging", "netting"], default="hedging")
        opening.add_argument("--deposit", default="0")
        for name in ("deposit", "withdraw"):
            moving = commands.add_parser(name, help=f"{name} money")
            moving.add_argument("account", type=int, help="ctid trader account id")
            moving.add_argument("amount")
            _admin_port(moving)
        _admin_port(opening)
        _admin_port(commands.add_parser("accounts", help="list all accounts"))

    def handle(self, *args: Any, **options: Any) -> None:
        command = options["command"]
        try:
            if command == "serve":
                self._serve(_config(options))
                return
            client = AdminClient(options["admin_port"])
            if command == "open-account":
                self._open_account(client, options)
            elif command == "accounts":
                for account in client.ask_now("accounts")["accounts"]:
                    self._tell(account)
            else:
                terms = {"account": options["account"], "amount": options["amount"]}
                self._tell(client.ask_now(command, **terms)["account"])
        except AdminRefused as refused:
            raise CommandError(str(refused)) from refused
        except ValueError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            if command == "serve":
                raise CommandError(f"the venue cannot start: {error}") from error
            port = options["admin_port"]
            raise CommandError(
                f"no venue answers on admin port {port} ({error}); start it or name its port "
                "with --admin-port"
            ) from error

    def _serve(self, config: VenueConfig) -> None:
        async def main() -> None:
            server = VenueServer(config)
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, server.stopping.set)
            gc.freeze()
            gc.set_threshold(50_000, 20, 50)  # bursts make many objects, hardly any of them rings
            async with server:
                limits = f"{config.rate_limit}/s" if config.rate_limit else "off"
                self.stdout.write(
                    f"paper venue on {config.host}:{server.port}"
                    f"{' with TLS' if config.tls or config.tls_cert else ''}, "
                    f"admin on 127.0.0.1:{server.admin_port}, "
                    f"{f'pages on port {server.http_port}, ' if server.http_port else ''}"
                    f"prices {config.prices} at speed {config.speed:g}, rate limits {limits}"
                )
                self.stdout.flush()
                await server.stopping.wait()

        try:
            import uvloop
        except ImportError:
            asyncio.run(main())
        else:
            uvloop.run(main())

    def _open_account(self, client: AdminClient, options: dict[str, Any]) -> None:
        fields = ("name", "owner", "currency", "leverage", "margin_mode", "deposit")
        answer = client.ask_now(
            "open_accounts", accounts=[{field: options[field] for field in fields}]
        )
        account = answer["accounts"][0]
        tokens = answer["owners"][account["owner"]]
        self._tell(account)
        self.stdout.write(f"access token   {tokens['access_token']}")
        self.stdout.write(f"refresh token  {tokens['refresh_token']}")

    def _tell(self, account: dict[str, Any]) -> None:
        self.stdout.write(
            f"account {account['account']}  login {account['login']}  {account['name']}  "
            f"{account['margin_mode']}  1:{account['leverage']}  "
            f"{account['balance']} {account['currency']}  (owner {account['owner']})"
        )


def _admin_port(parser: CommandParser) -> None:
    parser.add_argument("--admin-port", type=int, default=DEFAULTS.admin_port)


def _serve_arguments(parser: CommandParser) -> None:
    add = parser.add_argument
    add("--host", default=DEFAULTS.host)
    add("--port", type=int, default=DEFAULTS.port, help="0 takes a free one")
    _admin_port(parser)
    add("--http-port", type=int, help="pages for giving access and opening accounts")
    add("--data", type=Path, help="folder of the books; without it they are forgotten")
    add("--prices", choices=["ecb", "file", "manual"], default=DEFAULTS.prices)
    add("--file", type=Path, help="recorded prices for --prices file")
    add("--symbol", default="", help="symbol of the file, where its name does not tell")
    add("--hours", type=Path, help="JSON file of trading hours by symbol; * for all others")
    add("--speed", type=float, default=DEFAULTS.speed, help="how fast prices are played")
    add("--seed", type=int, default=DEFAULTS.seed, help="of the path between daily rates")
    add("--tick", type=float, default=DEFAULTS.tick_s, help="seconds between price changes")
    add("--rate-limit", type=int, default=DEFAULTS.rate_limit, help="requests a second")
    add("--history-rate-limit", type=int, default=DEFAULTS.history_rate_limit)
    add("--no-rate-limits", action="store_true")
    add("--tls", action="store_true", help="encrypt; without --tls-cert it signs its own")
    add("--tls-cert", type=Path)
    add("--tls-key", type=Path)
    add("--client-id", default=DEFAULTS.client_id)
    add("--client-secret", default=DEFAULTS.client_secret)
    add("--token-lifetime", type=int, default=DEFAULTS.token_lifetime_s, help="seconds")


def _config(options: dict[str, Any]) -> VenueConfig:
    limited = not options["no_rate_limits"]
    return VenueConfig(
        host=options["host"],
        port=options["port"],
        admin_port=options["admin_port"],
        http_port=options["http_port"],
        data=options["data"],
        client_id=options["client_id"],
        client_secret=options["client_secret"],
        rate_limit=options["rate_limit"] if limited else None,
        history_rate_limit=options["history_rate_limit"] if limited else None,
        prices=options["prices"],
        price_file=options["file"],
        price_symbol=options["symbol"],
        speed=options["speed"],
        seed=options["seed"],
        tick_s=options["tick"],
        tls=options["tls"],
        tls_cert=options["tls_cert"],
        tls_key=options["tls_key"],
        token_lifetime_s=options["token_lifetime"],
        hours=read_hours(options["hours"]) if options["hours"] else {},
    )
