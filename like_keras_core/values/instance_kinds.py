"""Kinds of values that are instances of classes: of records, and of registered ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from like_keras_core.errors import CodecError, SpecError
from like_keras_core.values import dataclass_rows
from like_keras_core.values.class_refs import Resolver, entry_point_of
from like_keras_core.values.container_kinds import (
    feed_items,
    feed_mapping,
    protect_items,
    same_items,
    same_mapping,
)
from like_keras_core.values.kind import (
    Encode,
    Feed,
    Kind,
    Same,
    Split,
    Update,
    feed_repr,
    saved_class,
)
from like_keras_core.values.msgpack_ext import Code
from like_keras_core.values.registry import registered

RECORDS: dict[type, dataclass_rows.Record] = {}
"""The classes of records that were sent."""
_UNSET = object()


def _split_record(cls: type, where: str) -> Split:
    record = RECORDS[cls] = dataclass_rows.Record(cls, entry_point_of(cls, where))
    return lambda value, where: (Code.RECORD, (record.read(value), record.signature))


def _named_items(value: Any, where: str) -> Iterator[tuple[Any, str]]:
    return (
        (item, f"{where}.{name}")
        for name, item in zip(value._fields, value, strict=True)
    )


def _named_tuple_to_json(value: Any, where: str, encode: Encode) -> Any:
    items = [encode(item, place) for item, place in _named_items(value, where)]
    return {"$namedtuple": [entry_point_of(type(value), where), items]}


def _make_named_tuple(content: Any, resolve: Resolver) -> Any:
    cls = saved_class(content[0], resolve, dataclass_rows.is_named_tuple, "named tuple")
    return cls._make(content[1])


def is_dataclass(cls: type) -> bool:
    """Say whether a class is a dataclass, whatever it is besides."""
    return dataclasses.is_dataclass(cls) and not issubclass(cls, type)


def _dataclass_to_json(value: Any, where: str, encode: Encode) -> Any:
    names = [field.name for field in dataclasses.fields(value)]
    fields = {name: encode(getattr(value, name), f"{where}.{name}") for name in names}
    return {"$dataclass": [entry_point_of(type(value), where), fields]}


def _make_dataclass(content: Any, resolve: Resolver) -> Any:
    cls = saved_class(content[0], resolve, is_dataclass, "dataclass")
    values = content[1]
    initial = {field.name for field in dataclasses.fields(cls) if field.init}
    made = cls(**{name: item for name, item in values.items() if name in initial})
    for name, item in values.items():
        if name not in initial:
            object.__setattr__(made, name, item)
    return made


def _split_dataclass(cls: type, where: str) -> Split | None:
    if not dataclass_rows.is_dataclass(cls):
        return None
    if dataclass_rows.is_record(cls):
        return _split_record(cls, where)
    signature = dataclass_rows.signature_of(cls, entry_point_of(cls, where))
    return lambda value, where: (
        Code.OBJECT,
        (dataclass_rows.attributes(value), signature),
    )


def _attributes(value: Any, where: str) -> Iterator[tuple[Any, str]]:
    found = (
        dataclass_rows.attributes(value)
        if dataclass_rows.is_dataclass(type(value))
        else {}
    )
    return ((item, f"{where}.{name}") for name, item in found.items())


def _protect_dataclass(value: Any, protect: Callable[[Any], Any]) -> Any:
    changes = {}
    for field in dataclasses.fields(value):
        old = getattr(value, field.name, None)
        new = protect(old)
        if new is not old:
            changes[field.name] = new
    if not changes:
        return value
    twin = object.__new__(type(value))
    for name in [*getattr(value, "__dict__", ()), *_slots(type(value))]:
        if hasattr(value, name):
            new = changes.get(name, getattr(value, name))
            object.__setattr__(twin, name, new)
    return twin


def _slots(cls: type) -> list[str]:
    """Return the names that a class and its bases keep in slots."""
    names = []
    for base in cls.__mro__:
        slots = vars(base).get("__slots__", ())
        names += [slots] if isinstance(slots, str) else list(slots)
    return [name for name in names if name not in ("__dict__", "__weakref__")]


def _same_fields(a: Any, b: Any, same: Same) -> bool:
    names = (field.name for field in dataclasses.fields(a))
    return all(
        same(getattr(a, name, _UNSET), getattr(b, name, _UNSET)) for name in names
    )


def _feed_attributes(value: Any, update: Update, feed: Feed) -> None:
    if hasattr(value, "__dict__"):
        feed(vars(value))
    elif names := _slots(type(value)):
        for name in names:
            update(name.encode())
            feed(getattr(value, name, None))
    else:
        feed_repr(value, update, feed)


def _registered_to_json(value: Any, where: str, encode: Encode) -> Any:
    inner = encode(_to_plain(value), where)
    return {"$type": [entry_point_of(type(value), where), inner]}


def _make_saved(content: Any, resolve: Resolver) -> Any:
    cls = resolve(content[0])
    if cls not in registered:
        raise SpecError(
            f"No decoder for {content[0]!r}. Call lk.register_type({cls.__qualname__}, "
            f"encode, decode) in module {cls.__module__!r}."
        )
    return registered[cls][1](content[1])


def _split_registered(cls: type, where: str) -> Split:
    entry_point = entry_point_of(cls, where)
    return lambda value, where: (Code.REGISTERED, (_to_plain(value), entry_point))


def _make_sent(content: Any, resolve: Resolver) -> Any:
    inner, entry_point = content
    cls = dataclass_rows.find_class(resolve, entry_point, object)
    if cls not in registered:
        raise CodecError(
            f"Cannot read a message: no decoder for {entry_point!r}. Call "
            f"lk.register_type({cls.__qualname__}, encode, decode) in module "
            f"{cls.__module__!r}."
        )
    return registered[cls][1](inner)


def _to_plain(value: Any) -> Any:
    return registered[type(value)][0](value)


NAMED_TUPLE = Kind(
    holds=dataclass_rows.is_named_tuple,
    to_json=_named_tuple_to_json,
    from_json={"$namedtuple": _make_named_tuple},
    split=_split_record,
    join={
        Code.RECORD: lambda content, resolve: dataclass_rows.find_record(
            resolve, content[1]
        ).from_row(content[0]),
        Code.RECORDS: lambda content, resolve: dataclass_rows.find_record(
            resolve, content[1]
        ).from_rows(content[0]),
    },
    parts=_named_items,
    protect=protect_items,
    same=same_items,
    feed=feed_items,
)
DATACLASS = Kind(
    holds=is_dataclass,
    to_json=_dataclass_to_json,
    from_json={"$dataclass": _make_dataclass},
    split=_split_dataclass,
    join={
        Code.OBJECT: lambda content, resolve: dataclass_rows.with_attributes(
            dataclass_rows.find_dataclass(resolve, content[1]), content[0]
        )
    },
    parts=_attributes,
    protect=_protect_dataclass,
    same=_same_fields,
    feed=_feed_attributes,
)
MAPPING_DATACLASS = dataclasses.replace(
    DATACLASS,
    holds=lambda cls: is_dataclass(cls) and issubclass(cls, Mapping),
    same=same_mapping,
    feed=feed_mapping,
)
REGISTERED = Kind(
    to_json=_registered_to_json,
    from_json={"$type": _make_saved},
    split=_split_registered,
    join={Code.REGISTERED: _make_sent},
    parts=lambda value, where: [(_to_plain(value), where)],
    as_other=lambda value, fingerprint: _to_plain(value),
)
OTHER = Kind(holds=lambda cls: True, feed=_feed_attributes)
