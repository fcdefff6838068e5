"""Runs in the oracle's environment: messages as JSON in, bytes of the official classes out."""

from __future__ import annotations

import base64
import importlib.util
import json
import sys
import types
from pathlib import Path

MODULES = ("OpenApiCommonMessages_pb2", "OpenApiModelMessages_pb2", "OpenApiMessages_pb2")


def official_classes() -> dict[str, type]:
    """Classes by name, without the package's own start-up, which wants a reactor."""
    spec = importlib.util.find_spec("ctrader_open_api")
    package = types.ModuleType("ctrader_open_api")
    package.__path__ = [str(Path(spec.origin).parent)]
    sys.modules["ctrader_open_api"] = package
    found: dict[str, type] = {}
    for name in MODULES:
        module = importlib.import_module(f"ctrader_open_api.messages.{name}")
        found.update({n: c for n, c in vars(module).items() if hasattr(c, "DESCRIPTOR")})
    return found


def fill(message: object, values: dict[str, object]) -> None:
    for name, value in values.items():
        field = message.DESCRIPTOR.fields_by_name[name]
        items = value if isinstance(value, list) else [value]
        for item in items:
            if field.message_type is not None:
                repeated = isinstance(value, list)
                part = getattr(message, name).add() if repeated else getattr(message, name)
                part.SetInParent()
                fill(part, item)
            elif isinstance(value, list):
                getattr(message, name).append(item)
            else:
                plain = base64.b64decode(item) if field.type == field.TYPE_BYTES else item
                if isinstance(plain, bool) and field.type != field.TYPE_BOOL:
                    plain = int(plain)  # a flag by now, a number in the last release
                setattr(message, name, plain)


def main() -> None:
    classes = official_classes()
    answers = []
    for name, values in json.load(sys.stdin):
        message = classes[name]()
        fill(message, values)
        # partial: a few fields that are optional by now were required in the last release
        answers.append(message.SerializePartialToString().hex())
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
