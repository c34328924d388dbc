"""Kinds of values that hold others: lists, tuples, dicts, sets, and the like."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from like_keras_core.values.class_refs import Resolver
from like_keras_core.values.kind import Encode, Feed, Kind, Same, Update, sent_as_it_is
from like_keras_core.values.msgpack_ext import Code


def _items(value: Any, where: str) -> Iterator[tuple[Any, str]]:
    return ((item, f"{where}[{n}]") for n, item in enumerate(value))


def _items_to_json(value: Any, where: str, encode: Encode) -> list[Any]:
    return [encode(item, f"{where}[{n}]") for n, item in enumerate(value)]


def protect_items(value: Any, protect: Callable[[Any], Any]) -> Any:
    """Return a list or a tuple, or one of their like, with its items protected."""
    items = [protect(item) for item in value]
    if all(new is old for new, old in zip(items, value, strict=True)):
        return value
    if isinstance(value, list):
        twin = copy.copy(value)
        twin[:] = items
        return twin
    kind: Any = type(value)
    return kind._make(items) if hasattr(kind, "_make") else kind(items)


def same_items(a: Any, b: Any, same: Same) -> bool:
    """Say whether two sequences have the same items.

    Args:
        a: A sequence.
        b: Another one, of the same class.
        same: Compares two items.
    """
    return len(a) == len(b) and all(map(same, a, b))


def feed_items(value: Any, update: Update, feed: Feed) -> None:
    """Add a sequence to a digest.

    Args:
        value: The sequence.
        update: Takes bytes into the digest.
        feed: Adds an item to the digest.
    """
    update(b"[%d" % len(value))
    for item in value:
        feed(item)


def _make_tuples(content: Any, resolve: Resolver) -> list[tuple[Any, ...]]:
    flat, width = content
    if type(width) is not int or not 0 < width <= len(flat):
        raise ValueError(f"{len(flat)} values are no tuples of {width!r:.100}")
    return list(zip(*[iter(flat)] * width, strict=True))


def _pairs(value: dict[Any, Any], where: str) -> Iterator[tuple[Any, str]]:
    for key, item in value.items():
        yield key, f"a key of {where}"
        yield item, f"{where}[{key!r}]"


def _dict_to_json(value: dict[Any, Any], where: str, encode: Encode) -> Any:
    is_plain = all(type(key) is str and not key.startswith("$") for key in value)
    flat = iter([encode(part, place) for part, place in _pairs(value, where)])
    pairs = zip(flat, flat, strict=True)
    return dict(pairs) if is_plain else {"$dict": list(map(list, pairs))}


def _make_dict(content: Any, resolve: Resolver) -> dict[Any, Any]:
    # `dict` would take more than pairs.
    return {key: item for key, item in content}  # noqa: C416


def _protect_dict(value: dict[Any, Any], protect: Callable[[Any], Any]) -> Any:
    pairs = {key: protect(item) for key, item in value.items()}
    if all(pairs[key] is item for key, item in value.items()):
        return value
    twin = copy.copy(value)
    twin.update(pairs)
    return twin


def same_mapping(a: Any, b: Any, same: Same) -> bool:
    """Say whether two mappings have the same keys, in one order, and values.

    Args:
        a: A mapping.
        b: Another one, of the same class.
        same: Compares two keys, or two values.
    """
    return len(a) == len(b) and all(
        same(key, other) and same(a[key], b[other])
        for key, other in zip(a, b, strict=True)
    )


def feed_mapping(value: Any, update: Update, feed: Feed) -> None:
    """Add a mapping to a digest.

    Args:
        value: The mapping.
        update: Takes bytes into the digest.
        feed: Adds a key or a value to the digest.
    """
    update(b"{%d" % len(value))
    for part in itertools.chain.from_iterable(value.items()):
        feed(part)


def _set_to_json(value: Any, where: str, encode: Encode) -> Any:
    items = [encode(item, where) for item in value]
    return {f"${type(value).__name__}": sorted(items, key=repr)}


def _fingerprints(value: Any, fingerprint: Callable[[Any], bytes]) -> list[bytes]:
    return sorted(map(fingerprint, value))


def _set_kind(cls: type, code: int) -> Kind:
    return Kind(
        classes=(cls,),
        to_json=_set_to_json,
        from_json={f"${cls.__name__}": lambda content, resolve: cls(content)},
        split=lambda cls, where: lambda value, where: (code, value),
        join={code: lambda content, resolve: cls(content)},
        parts=lambda value, where: ((item, f"an element of {where}") for item in value),
        as_other=_fingerprints,
    )


LIST = Kind(
    classes=(list,),
    to_json=_items_to_json,
    split=sent_as_it_is,
    join={Code.TUPLES: _make_tuples},
    parts=_items,
    protect=protect_items,
    same=same_items,
    feed=feed_items,
)
TUPLE = Kind(
    classes=(tuple,),
    to_json=lambda value, where, encode: {
        "$tuple": _items_to_json(value, where, encode)
    },
    from_json={"$tuple": lambda content, resolve: tuple(content)},
    split=lambda cls, where: lambda value, where: (Code.TUPLE, value),
    join={Code.TUPLE: lambda content, resolve: tuple(content)},
    parts=_items,
    protect=protect_items,
    same=same_items,
    feed=feed_items,
)
SUBCLASSED_SEQUENCE = Kind(
    holds=lambda cls: issubclass(cls, (list, tuple)),
    protect=protect_items,
    same=same_items,
    feed=feed_items,
)
DICT = Kind(
    classes=(dict,),
    to_json=_dict_to_json,
    from_json={"$dict": _make_dict},
    split=lambda cls, where: (
        lambda value, where: (
            Code.DICT,
            list(itertools.chain.from_iterable(value.items())),
        )
    ),
    join={
        Code.DICT: lambda content, resolve: dict(
            zip(content[::2], content[1::2], strict=True)
        )
    },
    parts=_pairs,
    protect=_protect_dict,
    same=same_mapping,
    feed=feed_mapping,
)
SUBCLASSED_DICT = Kind(
    holds=lambda cls: issubclass(cls, dict),
    protect=_protect_dict,
    same=same_mapping,
    feed=feed_mapping,
)
MAPPING = Kind(
    holds=lambda cls: issubclass(cls, Mapping), same=same_mapping, feed=feed_mapping
)
SET = _set_kind(set, Code.SET)
FROZENSET = _set_kind(frozenset, Code.FROZENSET)
SUBCLASSED_SET = Kind(
    holds=lambda cls: issubclass(cls, (set, frozenset)), as_other=_fingerprints
)
BUFFER = Kind(
    holds=lambda cls: issubclass(cls, (bytearray, memoryview)),
    feed=lambda value, update, feed: update(bytes(value)),
)
