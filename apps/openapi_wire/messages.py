"""Open API message classes, built at run time from :mod:`apps.openapi_wire` field numbers.

Every message of the tables is an attribute of this module under its official name:
``messages.ProtoOANewOrderReq(ctidTraderAccountId=1, ...)``. The classes live in a descriptor
pool of their own and so stand beside any other definition of the same names.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

from apps.openapi_wire.enums import ENUMS
from apps.openapi_wire.payloads import CommonPayloadType, PayloadType
from apps.openapi_wire.schema_messages import MESSAGES
from apps.openapi_wire.schema_models import MODELS

_File = descriptor_pb2.FileDescriptorProto
_Field = descriptor_pb2.FieldDescriptorProto
_LABELS: Final[Mapping[str, _Field.Label.ValueType]] = {
    "?": _Field.LABEL_OPTIONAL,
    "!": _Field.LABEL_REQUIRED,
    "*": _Field.LABEL_REPEATED,
}
_TYPES: Final[Mapping[str, _Field.Type.ValueType]] = {
    "bool": _Field.TYPE_BOOL,
    "bytes": _Field.TYPE_BYTES,
    "double": _Field.TYPE_DOUBLE,
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
    "string": _Field.TYPE_STRING,
    "uint32": _Field.TYPE_UINT32,
    "uint64": _Field.TYPE_UINT64,
}
_FIELD = re.compile(r"(\d+)([?!*])(\w+):(\w+)(?:=(\w+))?")


def _messages(table: str) -> Iterator[tuple[str, str, str]]:
    """Name, payload type name ('' for a part) and field text of every message of a table."""
    for block in re.split(r"\n(?=\w)", table.strip()):
        head, _, fields = block.partition("\n")
        name, _, payload_type = head.partition(" = ")
        yield name, payload_type, fields


def _add_field(
    target: descriptor_pb2.DescriptorProto,
    number: int,
    label: _Field.Label.ValueType,
    name: str,
    kind: str,
    default: str,
) -> None:
    field = target.field.add(name=name, number=number, label=label)
    if kind in _TYPES:
        field.type = _TYPES[kind]
    else:
        field.type = _Field.TYPE_ENUM if kind in ENUMS else _Field.TYPE_MESSAGE
        field.type_name = f".{kind}"
    if default:
        field.default_value = default


def _file_descriptor() -> _File:
    file = _File(name="openapi_wire.proto", syntax="proto2")
    for name, members in ENUMS.items():
        wire_enum = file.enum_type.add(name=name)
        for member in members:
            wire_enum.value.add(name=member.name, number=member.value)
    for name, payload_type, fields in _messages(MODELS + MESSAGES):
        target = file.message_type.add(name=name)
        if payload_type:
            common = payload_type in CommonPayloadType.__members__
            kind = "ProtoPayloadType" if common else "ProtoOAPayloadType"
            _add_field(target, 1, _LABELS["?"], "payloadType", kind, payload_type)
        for number, mark, field_name, kind, default in _FIELD.findall(fields):
            _add_field(target, int(number), _LABELS[mark], field_name, kind, default)
    return file


def _payload_number(name: str) -> int:
    members: type[enum.IntEnum] = PayloadType
    if name in CommonPayloadType.__members__:
        members = CommonPayloadType
    return int(members[name])


def _build() -> dict[str, type[Message]]:
    file = _file_descriptor()
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        message.name: message_factory.GetMessageClass(pool.FindMessageTypeByName(message.name))
        for message in file.message_type
    }


CLASSES: Final[Mapping[str, type[Message]]] = _build()
"""Every message class by its official name."""

PAYLOAD_TYPE: Final[Mapping[type[Message], int]] = {
    CLASSES[name]: _payload_number(payload_type)
    for name, payload_type, _ in _messages(MESSAGES)
    if payload_type
}
"""Payload type number by message class."""

CLASS_BY_PAYLOAD_TYPE: Final[Mapping[int, type[Message]]] = {
    number: cls for cls, number in PAYLOAD_TYPE.items()
}
"""Message class by payload type number."""

globals().update(CLASSES)


def __getattr__(name: str) -> Any:
    """Only reached for what does not exist; tells type checkers that the classes do."""
    raise AttributeError(f"the Open API table has no message {name!r}; see schema_messages.py")
