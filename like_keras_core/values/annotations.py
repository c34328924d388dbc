"""Type annotations as ports use them: resolved, compared, and written as text."""

from __future__ import annotations

import collections.abc
import enum
import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, Union

from like_keras_core.values.class_refs import home_of
from like_keras_core.values.kinds import IMMUTABLE

T = TypeVar("T")
_NONE = type(None)
_NUMBERS: tuple[type, ...] = (bool, int, float, complex)


class Unresolved:
    """An annotation whose name cannot be found; it counts as `Any`."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def resolve(annotation: Any, function: Callable[..., Any], owner: type) -> Any:
    """Return the type that an annotation stands for.

    Args:
        annotation: As found on `function`, maybe a string.
        function: Where it stands; its globals are searched.
        owner: The class around it; its namespace is searched first.

    Returns:
        The type; `Any` where there is no annotation; `Unresolved` where a name in it
        is unknown.
    """
    if annotation is inspect.Parameter.empty:
        return Any
    if annotation is None:
        return _NONE
    if isinstance(annotation, str):
        names: dict[str, Any] = {}
        for base in reversed(owner.__mro__):
            names.update(vars(base))
        closure = inspect.getclosurevars(function).nonlocals
        try:
            found = eval(annotation, function.__globals__, {**closure, **names})
        except Exception:  # noqa: BLE001 - whatever an annotation raises
            return Unresolved(annotation)
        return resolve(found, function, owner)
    if isinstance(annotation, typing.ForwardRef):
        return resolve(annotation.__forward_arg__, function, owner)
    return _without_alias(annotation)


def without_none(annotation: Any) -> Any:
    """Return `X` for `X | None`; other annotations as they are."""
    if not is_union(annotation):
        return annotation
    rest = [item for item in typing.get_args(annotation) if item is not _NONE]
    if len(rest) == len(typing.get_args(annotation)):
        return annotation
    return Union[tuple(rest)] if rest else _NONE  # noqa: UP007 - built at run time


def is_union(annotation: Any) -> bool:
    """Say whether an annotation is `X | Y` or `Union[X, Y]`."""
    return typing.get_origin(annotation) in (Union, types.UnionType)


def is_none(annotation: Any) -> bool:
    """Say whether an annotation is `None`."""
    return annotation is None or annotation is _NONE


def _remembering(function: Callable[[Any], T]) -> Callable[[Any], T]:
    """Answer again from memory where the annotation can be a key."""
    remembered = functools.lru_cache(maxsize=4096)(function)

    @functools.wraps(function)
    def answer(annotation: Any) -> T:
        try:
            return remembered(annotation)
        except TypeError:
            return function(annotation)

    return answer


@_remembering
def to_text(annotation: Any) -> str:
    """Write an annotation as people write it; the same text on every Python version."""
    if annotation is Any or annotation is inspect.Parameter.empty:
        return "Any"
    annotation = _without_alias(annotation)
    if isinstance(annotation, Unresolved):
        return annotation.text
    if is_none(annotation):
        return "None"
    if annotation is Ellipsis:
        return "..."
    if isinstance(annotation, (list, tuple)):
        return "[" + ", ".join(map(to_text, annotation)) + "]"
    if is_union(annotation):
        return " | ".join(map(to_text, typing.get_args(annotation)))
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return to_text(args[0])
    if origin is Literal:
        return "Literal[" + ", ".join(map(repr, args)) + "]"
    if is_array(origin) and args:
        return f"{to_text(origin)}[{to_text(args[-1])}]"
    if origin is not None and args:
        return f"{to_text(origin)}[{', '.join(map(to_text, args))}]"
    if isinstance(annotation, type):
        home = home_of(annotation)
        return f"{home}.{annotation.__qualname__}" if home else annotation.__qualname__
    name = getattr(annotation, "__name__", None)
    return str(name) if name else str(annotation).removeprefix("typing.")


def can_match(source: Any, target: Any) -> bool:
    """Say whether some value of type `source` may be a value of type `target`.

    Subclasses either way, `int` to `float`, `Any` and what is unknown may match; only
    types that share no value do not.
    """
    source, target = plain(source), plain(target)
    if source is Any or target is Any or source is object or target is object:
        return True
    if is_union(source):
        return any(can_match(item, target) for item in typing.get_args(source))
    if is_union(target):
        return any(can_match(source, item) for item in typing.get_args(target))
    if typing.get_origin(source) is Literal:
        kinds = {type(item) for item in typing.get_args(source)}
        return any(can_match(kind, target) for kind in kinds)
    if typing.get_origin(target) is Literal:
        kinds = {type(item) for item in typing.get_args(target)}
        return any(can_match(source, kind) for kind in kinds)
    a = typing.get_origin(source) or source
    b = typing.get_origin(target) or target
    if not isinstance(a, type) or not isinstance(b, type):
        return True
    if not _classes_match(a, b):
        return False
    return _arguments_match(a, b, typing.get_args(source), typing.get_args(target))


def _without_alias(annotation: Any) -> Any:
    """Return what a `type X[...] = ...` stands for, and everything else as it is.

    numpy 2.5 made `NDArray` one: where it comes from must not change a spec.
    """
    alias = getattr(typing, "TypeAliasType", None)
    while alias is not None:
        origin = typing.get_origin(annotation)
        if isinstance(annotation, alias):
            annotation = annotation.__value__
        elif isinstance(origin, alias):
            annotation = origin.__value__[typing.get_args(annotation)]
        else:
            break
    return annotation


def plain(annotation: Any) -> Any:
    """Return what an annotation says of values: no alias, new type or metadata."""
    if isinstance(annotation, (Unresolved, TypeVar)):
        return Any
    if typing.get_origin(annotation) is typing.Annotated:
        return plain(typing.get_args(annotation)[0])
    if isinstance(annotation, typing.NewType):
        return plain(annotation.__supertype__)
    if typing.get_origin(annotation) in (typing.Final, typing.ClassVar):
        return plain(typing.get_args(annotation)[0])
    found = _without_alias(annotation)
    return annotation if found is annotation else plain(found)


def _classes_match(a: type, b: type) -> bool:
    if a in _NUMBERS and b in _NUMBERS:
        return _NUMBERS.index(a) <= _NUMBERS.index(b)
    numpy = sys.modules.get("numpy")
    if numpy is not None and issubclass(a, numpy.number) and b in _NUMBERS:
        widest: type = int if issubclass(a, numpy.integer) else float
        widest = complex if issubclass(a, numpy.complexfloating) else widest
        return _NUMBERS.index(widest) <= _NUMBERS.index(b)
    if getattr(a, "_is_protocol", False) or getattr(b, "_is_protocol", False):
        return True
    try:
        return issubclass(a, b) or issubclass(b, a)
    except TypeError:
        return True


def _arguments_match(
    a: type, b: type, ours: tuple[Any, ...], theirs: tuple[Any, ...]
) -> bool:
    if not ours or not theirs:
        return True
    if a is tuple and b is tuple:
        if Ellipsis in ours or Ellipsis in theirs:
            pairs = [(x, y) for x in ours for y in theirs if ... not in (x, y)]
            return any(can_match(x, y) for x, y in pairs)
        return len(ours) == len(theirs) and all(
            can_match(x, y) for x, y in zip(ours, theirs, strict=True)
        )
    sequences = (
        list,
        set,
        frozenset,
        collections.abc.Sequence,
        collections.abc.Iterable,
    )
    if a is not b and not (a in sequences and b in sequences):
        return True
    if len(ours) != len(theirs):
        return True
    return all(can_match(x, y) for x, y in zip(ours, theirs, strict=True))


@_remembering
def is_immutable(annotation: Any) -> bool:
    """Say whether all values of a type are immutable."""
    annotation = plain(annotation)
    if annotation in (_NONE, Ellipsis):
        return True
    if is_union(annotation):
        return all(is_immutable(item) for item in typing.get_args(annotation))
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return True
    if origin in (tuple, frozenset):
        return bool(args) and all(is_immutable(item) for item in args)
    if not isinstance(annotation, type):
        return False
    if annotation in IMMUTABLE or issubclass(annotation, enum.Enum):
        return True
    numpy = sys.modules.get("numpy")
    return numpy is not None and issubclass(annotation, numpy.generic)


@_remembering
def holds_no_array(annotation: Any) -> bool:
    """Say whether no value of a type can hold an array."""
    annotation = plain(annotation)
    if is_immutable(annotation):
        return True
    args = typing.get_args(annotation)
    if is_union(annotation) or typing.get_origin(annotation) in (
        list,
        tuple,
        dict,
        set,
        frozenset,
    ):
        return bool(args) and all(item is ... or holds_no_array(item) for item in args)
    return False


def is_array(annotation: Any) -> bool:
    """Say whether a type is a numpy array."""
    annotation = _without_alias(annotation)
    numpy = sys.modules.get("numpy")
    origin = typing.get_origin(annotation) or annotation
    return numpy is not None and isinstance(origin, type) and origin is numpy.ndarray


def fields_of(annotation: Any) -> Mapping[str, Any] | None:
    """Return the fields of a NamedTuple, TypedDict or dataclass; None for others."""
    import dataclasses

    if not isinstance(annotation, type):
        return None
    named = issubclass(annotation, tuple) and hasattr(annotation, "_fields")
    if not (
        named or typing.is_typeddict(annotation) or dataclasses.is_dataclass(annotation)
    ):
        return None
    if named:
        names = list(annotation._fields)  # type: ignore[attr-defined]
    elif typing.is_typeddict(annotation):
        names = list(annotation.__annotations__)
    else:
        names = [field.name for field in dataclasses.fields(annotation)]
    try:
        hints = typing.get_type_hints(annotation)
    except Exception:  # noqa: BLE001 - whatever an annotation raises
        hints = dict.fromkeys(names, Any)
    return {name: hints.get(name, Any) for name in names}
