"""The official classes and the official client are the measure of our wire format."""

from __future__ import annotations

import asyncio
import base64
import json
import string
import subprocess
from pathlib import Path
from random import Random
from typing import Any

from apps.openapi_wire import enums, messages
from apps.papervenue.testing import running_venue

SCRIPTS = Path(__file__).parent / "oracle"
FILLINGS = 25
NEWER = {  # published after the official package's last release
    "ProtoOACtidTraderAccount": {"brokerTitleShort"},
    "ProtoOAErrorRes": {"retryAfter"},
    "ProtoOAReconcileReq": {"returnProtectionOrders"},
}
SHORTER = {"netUnrealizedPnL": (-(2**31), 2**31 - 1)}  # was int32 at that release

Values = dict[str, Any]


def _value(field: Any, random: Random) -> Any:
    kinds = {
        field.TYPE_BOOL: lambda: random.random() < 0.5,
        field.TYPE_BYTES: lambda: base64.b64encode(
            random.randbytes(random.randrange(300))
        ).decode(),
        field.TYPE_DOUBLE: lambda: random.choice([0.0, -1.5, 1.10001, 1e300, random.random()]),
        field.TYPE_INT32: lambda: random.choice([0, -1, 2**31 - 1, -(2**31)]),
        field.TYPE_INT64: lambda: random.choice([0, 1, -1, 2**63 - 1, -(2**63), 128, 300]),
        field.TYPE_STRING: lambda: "".join(random.choices(string.printable + "äß€", k=20)),
        field.TYPE_UINT32: lambda: random.choice([0, 1, 127, 128, 2**32 - 1]),
        field.TYPE_UINT64: lambda: random.choice([0, 1, 127, 128, 2**64 - 1]),
    }
    if field.enum_type is not None:
        return random.choice([value.number for value in field.enum_type.values])
    if field.message_type is not None:
        return _values(field.message_type, random)
    low, high = SHORTER.get(field.name, (None, None))
    return random.randint(low, high) if low is not None else kinds[field.type]()


def _values(descriptor: Any, random: Random, *, full: bool = False) -> Values:
    """Values for a message; optional fields are left out now and then, unless ``full``."""
    values: Values = {}
    for field in descriptor.fields:
        if field.name in NEWER.get(descriptor.name, ()):
            continue
        if field.is_repeated:
            values[field.name] = [_value(field, random) for _ in range(1 + random.randrange(3))]
        elif field.is_required or full or random.random() < 0.6:
            values[field.name] = _value(field, random)
    return values


def _ours(message: Any, values: Values) -> Any:
    for name, value in values.items():
        field = message.DESCRIPTOR.fields_by_name[name]
        for item in value if isinstance(value, list) else [value]:
            if field.message_type is not None:
                repeated = isinstance(value, list)
                part = getattr(message, name).add() if repeated else getattr(message, name)
                part.SetInParent()
                _ours(part, item)
            elif isinstance(value, list):
                getattr(message, name).append(item)
            else:
                plain = base64.b64decode(item) if field.type == field.TYPE_BYTES else item
                setattr(message, name, plain)
    return message


def _cases() -> list[tuple[str, Values]]:
    random = Random(2024)
    return [
        (name, _values(cls.DESCRIPTOR, random, full=number == 0))
        for name, cls in messages.CLASSES.items()
        for number in range(FILLINGS)
    ]


def test_every_message_is_byte_for_byte_the_official_one(oracle_python: Path) -> None:
    cases = _cases()
    done = subprocess.run(
        [str(oracle_python), str(SCRIPTS / "serialise.py")],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    official = json.loads(done.stdout)
    assert len(official) == len(cases) == len(messages.CLASSES) * FILLINGS
    for (name, values), theirs in zip(cases, official, strict=True):
        ours = _ours(messages.CLASSES[name](), values).SerializeToString()
        assert ours.hex() == theirs, f"{name} differs for {values}"


def test_newer_fields_are_the_only_ones_not_compared() -> None:
    for name, fields in NEWER.items():
        known = set(messages.CLASSES[name].DESCRIPTOR.fields_by_name)
        assert fields <= known


async def test_the_official_client_signs_in_trades_and_reconciles(oracle_python: Path) -> None:
    async with running_venue(tls=True) as venue:
        account = venue.open_account(currency="USD", deposit="10000")
        process = await asyncio.create_subprocess_exec(
            str(oracle_python),
            *(str(SCRIPTS / "client.py"), venue.host, str(venue.port)),
            *(venue.client_id, venue.client_secret),
            *(str(account.account_id), account.access_token),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        seen = json.loads(out)
        assert "failure" not in seen, seen["failure"]
        assert seen["accounts"] == [account.account_id]
        assert seen["balance"] == 1_000_000
        [[_, volume, price, label]] = seen["positions"]
        assert (volume, price, label) == (10_000_000, 1.1001, "oracle")
        assert seen["left"] == 0
        accepted, filled = enums.ExecutionType.ORDER_ACCEPTED, enums.ExecutionType.ORDER_FILLED
        assert seen["events"] == [accepted, filled, accepted, filled]
        assert venue.books(account.account_id)["positions"] == []
