"""`python -m apps.common.launcher`: everything on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from apps.common.embedded import (
    EmbeddedServers,
    ServerUnavailable,
    postgres_answers,
    redis_answers,
)
from apps.common.launcher import programs, steps
from apps.common.launcher.installation import Installation, Refusal, from_environment, hold
from apps.common.launcher.output import Output
from apps.common.launcher.supervisor import Supervisor


def main() -> int:
    output = Output()
    try:
        installation = from_environment()
        hold(installation)
        return asyncio.run(_run(installation, output))
    except (Refusal, ServerUnavailable) as refusal:
        print(refusal, file=sys.stderr)
        return 1


async def _run(installation: Installation, output: Output) -> int:
    """Start, wait for a signal, stop. A signal during the start stops as well."""
    supervisor = Supervisor(output)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    await supervisor.start()
    start = asyncio.create_task(_start(installation, output, supervisor))
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({start, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if start.done():
            start.result()
            await stopped
        return 0
    finally:
        start.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await start
        if supervisor.watchers:
            output.say("Stopping ...")
        await supervisor.shut_down()
        (installation.var / "run.env").unlink(missing_ok=True)


async def _start(installation: Installation, output: Output, supervisor: Supervisor) -> None:
    env = await _start_servers(installation, output, supervisor)
    await asyncio.gather(
        steps.run(output, "Preparing the database", programs.manage("migrate", "-v", "0"), env),
        steps.run(output, "Collecting static files", programs.collect_static(), env),
    )
    await supervisor.launch(programs.web(installation, env))
    await supervisor.launch(programs.paper_venue(installation, env))
    sign_ins = ""
    if installation.demo:
        sign_ins = await steps.run(output, "Filling in demo data", programs.manage("demo"), env)
    await supervisor.launch(programs.gateway(env))
    await supervisor.launch(programs.worker(env))
    await supervisor.launch(programs.upkeep(env))
    await supervisor.launch(programs.notifier(env))
    await supervisor.launch(programs.beat(installation, env))
    if installation.demo:
        await supervisor.launch(programs.demo_traders(env))
    await steps.with_progress(output, "Waiting for the first page", _first_page(installation))
    _announce(installation, output, sign_ins)


async def _start_servers(
    installation: Installation, output: Output, supervisor: Supervisor
) -> dict[str, str]:
    """Start what is embedded; the environment of all other processes."""
    servers = installation.servers()
    await steps.with_progress(
        output, "Setting up PostgreSQL and Redis", asyncio.to_thread(servers.prepare)
    )
    if installation.own_redis:
        await supervisor.launch(programs.redis(servers))
    if installation.own_postgres:
        await supervisor.launch(programs.postgres(servers))
    await steps.with_progress(
        output, "Waiting for PostgreSQL and Redis", asyncio.to_thread(_wait, installation, servers)
    )
    addresses = _addresses(installation, servers)
    _remember(installation.var / "run.env", addresses)
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "config.settings.dev"),
        "PYTHONUNBUFFERED": "1",
        **addresses,
    }


def _wait(installation: Installation, servers: EmbeddedServers) -> None:
    """Return when both servers answer, embedded or not."""
    if installation.own_redis:
        servers.wait_for_redis()
    elif not redis_answers(os.environ["REDIS_URL"]):
        raise Refusal(_no_answer("Redis", "REDIS_URL"))
    if installation.own_postgres:
        servers.wait_for_postgres()
    elif not postgres_answers(os.environ["DATABASE_URL"]):
        raise Refusal(_no_answer("PostgreSQL", "DATABASE_URL"))


def _no_answer(server: str, variable: str) -> str:
    return (
        f"{server} does not answer at the address in {variable}: start it, correct {variable}, or "
        "unset it to use the embedded one."
    )


def _addresses(installation: Installation, servers: EmbeddedServers) -> dict[str, str]:
    port = installation.remembered_port("papervenue")
    pages = f"http://127.0.0.1:{installation.remembered_port('papervenue-pages')}"
    return {
        "DATABASE_URL": servers.database_url
        if installation.own_postgres
        else os.environ["DATABASE_URL"],
        "REDIS_URL": servers.redis_url if installation.own_redis else os.environ["REDIS_URL"],
        "VAR_DIR": str(installation.var),
        "PAPERVENUE_PORT": str(port),
        "PAPERVENUE_ADMIN_PORT": str(installation.remembered_port("papervenue-admin")),
        "PAPERVENUE_URL": pages,
        "PAPERVENUE_ADDRESS": f"127.0.0.1:{port}",
        **(_stand_in(pages, port) if installation.demo else {}),
    }


def _stand_in(pages: str, port: int) -> dict[str, str]:
    """In a demo the paper venue stands for cTrader, where no application of cTrader is set."""
    if os.environ.get("CTRADER_CLIENT_ID"):
        return {}
    return {
        "CTRADER_CLIENT_ID": "bellwether",
        "CTRADER_CLIENT_SECRET": "paper-venue",
        "CTRADER_AUTHORIZE_URL": f"{pages}/oauth/authorize",
        "CTRADER_TOKEN_URL": f"{pages}/oauth/token",
        "CTRADER_LIVE": f"127.0.0.1:{port}",
        "CTRADER_DEMO": f"127.0.0.1:{port}",
        "CTRADER_TLS": "0",
    }


def _remember(path: Path, addresses: Mapping[str, str]) -> None:
    """Let `manage.py` in another terminal find the running servers."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in addresses.items())


async def _first_page(installation: Installation) -> None:
    while not await asyncio.to_thread(_answers, installation.address):
        await asyncio.sleep(0.1)


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=10).close()
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
    return True


def _announce(installation: Installation, output: Output, sign_ins: str) -> None:
    lines = ["", f"Bellwether is ready: {installation.address}"]
    lines += [f"  {line}" for line in sign_ins.splitlines()]
    if not sign_ins:
        lines.append("  Create the first sign-in: .venv/bin/python manage.py createsuperuser")
    lines += ["Ctrl-C stops everything; all data stays.", ""]
    for line in lines:
        output.say(line)


if __name__ == "__main__":
    sys.exit(main())
