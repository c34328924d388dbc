"""Which types are values, and of which kind: the one table of them.

A new kind of value is a `Kind` with its place in `KINDS`; then it is saved, sent,
protected, compared and accepted by the checks. What codecs and checks do with each
kind is said there, and nowhere else.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from like_keras_core.values.container_kinds import (
    BUFFER,
    DICT,
    FROZENSET,
    LIST,
    MAPPING,
    SET,
    SUBCLASSED_DICT,
    SUBCLASSED_SEQUENCE,
    SUBCLASSED_SET,
    TUPLE,
)
from like_keras_core.values.instance_kinds import (
    DATACLASS,
    MAPPING_DATACLASS,
    NAMED_TUPLE,
    OTHER,
    REGISTERED,
)
from like_keras_core.values.kind import Kind
from like_keras_core.values.plain_kinds import (
    ARRAY,
    BYTES,
    COMPLEX_NUMBER,
    CONSTANT,
    ENUM,
    FLOAT,
    FRACTION,
    INT,
    PATH,
    SCALAR,
    SINGLETON,
    TEXT,
)
from like_keras_core.values.registry import registered

KINDS = (
    *(SINGLETON, INT, FLOAT, COMPLEX_NUMBER, TEXT, BYTES, CONSTANT, ENUM, PATH),
    *(FRACTION, ARRAY, SCALAR),
    *(LIST, TUPLE, DICT, SET, FROZENSET),
    *(NAMED_TUPLE, SUBCLASSED_SEQUENCE, SUBCLASSED_DICT, MAPPING_DATACLASS, MAPPING),
    *(SUBCLASSED_SET, DATACLASS, BUFFER, REGISTERED, OTHER),
)
"""A class is of the first kind that has it."""
IMMUTABLE = frozenset(
    cls for kind in KINDS if kind.is_immutable for cls in kind.classes
)
"""Types whose values nobody can change."""
PLAIN = frozenset(cls for kind in KINDS if kind.is_plain for cls in kind.classes)
"""Types whose values MessagePack has."""


def kind_of(cls: type) -> Kind:
    """Return the kind of the instances of a class."""
    return REGISTERED if cls in registered else built_in_kind(cls)


def _built_in_kind(cls: type) -> Kind:
    return next(kind for kind in KINDS if cls in kind.classes or kind.holds(cls))


built_in_kind: Callable[[type], Kind] = functools.lru_cache(4096)(_built_in_kind)
"""Gives the kind of the instances of a class, where it is not registered."""
