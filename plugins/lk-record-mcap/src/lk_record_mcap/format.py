"""How values become the messages of a channel, and messages become values again.

A channel has one form. `foxglove.RawImage` is for arrays that are images and
`like_keras.Scalar` for numbers; JSON is for what can be read as JSON: strings, lists,
dicts, records of numbers; all else is an Arrow stream. What comes back is what was
sent: the same type, the same bits.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from like_keras_core.engine_kit import Resolver, decode_json, encode_json, resolve_class
from like_keras_core.spec import component_of
from lk_record_mcap import scalar
from lk_record_mcap.errors import RecordingError

_NOT_FOR_JSON = tuple(
    b'"$%b"' % name
    for name in (b"array", b"bytes", b"dataclass", b"namedtuple", b"type")
)
"""What plain JSON would make long, or remake by calling its constructor."""


@dataclass(frozen=True, slots=True)
class Form:
    """How the messages of a channel are written.

    Args:
        name: The schema's name.
        message: MCAP's name for the encoding of messages.
        schema: MCAP's name for the encoding of the schema.
        data: The schema.
    """

    name: str
    message: str
    schema: str
    data: bytes


JSON = Form(
    "like_keras.Value",
    "json",
    "jsonschema",
    json.dumps(
        {
            "title": "like_keras.Value",
            "description": "What a port sent at a tick.",
            "type": "object",
            "properties": {
                "tick": {"type": "integer"},
                "value": {"description": "Itself, where JSON can say it."},
                "class": {"type": "string", "description": "Of a record."},
            },
            "required": ["tick", "value"],
        }
    ).encode(),
)
ARROW = Form("like_keras.Arrow", "arrow", "", b"")


SCALAR = Form(scalar.NAME, "protobuf", "protobuf", scalar.SCHEMA)


def image_form() -> Form:
    """Return the form of images."""
    from lk_record_mcap import image

    return Form(image.NAME, "protobuf", "protobuf", image.SCHEMA)


class Encoder:
    """Writes the values of one port, in the form that fits them.

    Args:
        port: Its address.
    """

    def __init__(self, port: str) -> None:
        self.port = port
        self.where = f"output {port!r}"
        self.component = component_of(port)
        self._is_for_json = True

    def encode(self, tick: int, value: Any, stamp_ns: int) -> tuple[Form, bytes]:
        """Return the form and the message of a value.

        Raises:
            NotSerializableError: A part of it, which is named, cannot be written.
        """
        number = scalar.to_scalar(tick, value)
        if number is not None:
            return SCALAR, number
        kind = type(value)
        if kind is str:
            return _as_json(tick, value)
        numpy = sys.modules.get("numpy")
        if numpy is not None and kind is numpy.ndarray:
            return self._array(value, stamp_ns)
        if self._is_for_json:
            content = encode_json(value, self.where)
            message = _as_json(tick, content)
            if not any(mark in message[1] for mark in _NOT_FOR_JSON):
                return message
            self._is_for_json = False
        return self._other(tick, value)

    def _array(self, value: Any, stamp_ns: int) -> tuple[Form, bytes]:
        from lk_record_mcap import image
        from lk_record_mcap.arrow_columns import to_column

        encoding = image.encoding_of(value)
        if encoding is None:
            return ARROW, _stream(*to_column(value, self.where))
        data = image.to_raw_image(value, encoding, stamp_ns, self.component)
        return image_form(), data

    def _other(self, tick: int, value: Any) -> tuple[Form, bytes]:
        """Write a record of plain fields, or what JSON is not for."""
        from lk_record_mcap.arrow_columns import to_column

        array, metadata = to_column(value, self.where)
        if metadata["kind"] == "record":
            names = metadata["class"].partition("(")[2].rstrip(")").split(",")
            fields = {name: getattr(value, name) for name in names if name}
            if all(_is_plain(item) for item in fields.values()):
                return _as_json(tick, fields, **{"class": metadata["class"]})
        return ARROW, _stream(array, metadata)


def decode(
    encoding: str,
    schema: str,
    data: bytes,
    resolve: Resolver = resolve_class,
) -> Any:
    """Return the value of a message.

    Args:
        encoding: MCAP's name for the encoding of the channel's messages.
        schema: The name of the channel's schema.
        data: The message.
        resolve: Turns `"module:Class"` into the class; an allow-list goes here.

    Raises:
        RecordingError: It is in none of the forms.
        LkError: It is damaged, or a class in it cannot be had.
    """
    reader = _READERS.get((encoding, schema))
    if reader is None:
        raise RecordingError(
            f"Cannot read messages of schema {schema!r} in encoding {encoding!r}; "
            "expected what launch(record_to=...) writes."
        )
    return reader(data, resolve)


def _from_json(data: bytes, resolve: Resolver) -> Any:
    message = json.loads(data)
    value = message["value"]
    if "class" in message:
        from lk_record_mcap.arrow_columns import make_record

        return make_record(list(value.values()), message["class"], resolve)
    return decode_json(value, resolve)


def _from_scalar(data: bytes, resolve: Resolver) -> Any:
    return scalar.from_scalar(data)


def _from_image(data: bytes, resolve: Resolver) -> Any:
    from lk_record_mcap import image

    return image.from_raw_image(data)


def _from_stream(data: bytes, resolve: Resolver) -> Any:
    import pyarrow

    from lk_record_mcap.arrow_columns import from_column

    batch = pyarrow.ipc.open_stream(pyarrow.py_buffer(data)).read_next_batch()
    raw = batch.schema.metadata or {}
    metadata = {key.decode(): value.decode() for key, value in raw.items()}
    return from_column(batch.column(0), metadata, resolve)


_READERS: dict[tuple[str, str], Callable[[bytes, Resolver], Any]] = {
    ("json", "like_keras.Value"): _from_json,
    ("protobuf", "foxglove.RawImage"): _from_image,
    ("protobuf", scalar.NAME): _from_scalar,
    ("arrow", "like_keras.Arrow"): _from_stream,
}


def is_known(form: Form) -> bool:
    """Say whether messages of a form can be read."""
    return (form.message, form.name) in _READERS


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is float:
        return math.isfinite(value)
    return value is None or kind in (bool, int, str)


def _as_json(tick: int, value: Any, **more: str) -> tuple[Form, bytes]:
    message = {"tick": tick, "value": value, **more}
    return JSON, json.dumps(message, separators=(",", ":")).encode()


def _stream(array: Any, metadata: dict[str, str]) -> bytes:
    import pyarrow

    schema = pyarrow.schema([pyarrow.field("value", array.type)], metadata)
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, schema) as stream:
        stream.write_batch(pyarrow.record_batch([array], schema=schema))
    return bytes(sink.getvalue())
