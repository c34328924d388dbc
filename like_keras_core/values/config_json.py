"""Config values as JSON data and back, to an equal value of the same type.

Plain JSON stands for itself. Everything else is an object with one key that begins
with `$`: `{"$tuple": [1, 2]}`. A dict whose own keys would be mistaken for one, or are
not strings, is written as `{"$dict": [[key, value], ...]}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from like_keras_core.errors import LoadError, NotSerializableError, SpecError
from like_keras_core.values.class_refs import Resolver
from like_keras_core.values.class_refs import resolve as resolve_entry_point
from like_keras_core.values.instance_kinds import DATACLASS, is_dataclass
from like_keras_core.values.kind import Join
from like_keras_core.values.kinds import KINDS, built_in_kind, kind_of


def encode(value: Any, where: str = "value") -> Any:
    """Return `value` as JSON data.

    Args:
        value: What to encode.
        where: What it is, for the error: `"argument 'model' of component 'vision'"`.

    Raises:
        NotSerializableError: A part of it has no such form; the message says which
            part, its type, and what can be done.
    """
    try:
        return _Encoder().encode(value, where)
    except RecursionError:
        raise NotSerializableError(
            f"{where} is nested too deeply to be saved."
        ) from None


class _Encoder:
    """Encodes one value; it knows what the part that it is at lies in."""

    def __init__(self) -> None:
        self._path: set[int] = set()

    def encode(self, value: Any, where: str) -> Any:
        """Return a part as JSON data."""
        cls = type(value)
        kind = built_in_kind(cls)
        to_json = kind.to_json
        if kind.is_atom and to_json is not None:
            return to_json(value, where, self.encode)
        if id(value) in self._path:
            raise NotSerializableError(
                f"{where} contains itself, so it cannot be saved."
            )
        to_json = kind_of(cls).to_json
        if to_json is None and is_dataclass(cls):
            # A list, say, besides; what it has as such is not saved.
            to_json = DATACLASS.to_json
        if to_json is None:
            raise NotSerializableError(advice(where, value))
        self._path.add(id(value))
        data = to_json(value, where, self.encode)
        self._path.remove(id(value))
        return data


def advice(where: str, value: Any) -> str:
    """Return what to say of a value that can neither be saved nor sent."""
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    return (
        f"{where} is {value!r:.100} of type {name}, which cannot be saved or sent to "
        "another process. Options: pass what it is built from (a path, a name, "
        "numbers) and build it in on_configure; or make it a dataclass; or teach "
        f"like_keras to save it: lk.register_type({kind.__qualname__}, encode, decode)."
    )


def decode(data: Any, resolve: Resolver = resolve_entry_point) -> Any:
    """Return the value that `encode` was given.

    Args:
        data: What `encode` returned.
        resolve: Turns `"module:Class"` into the class; an allow-list goes here.

    Raises:
        SpecError: It is not what `encode` writes.
        LoadError: A class in it cannot be found.
    """
    try:
        return _decode(data, resolve)
    except RecursionError:
        raise SpecError("A saved value is nested too deeply to be read.") from None


def _decode(data: Any, resolve: Resolver) -> Any:
    if isinstance(data, list):
        return [_decode(item, resolve) for item in data]
    if not isinstance(data, dict):
        return data
    if len(data) == 1:
        ((tag, content),) = data.items()
        if tag.startswith("$"):
            return _decode_tagged(tag, content, resolve)
    return {key: _decode(item, resolve) for key, item in data.items()}


def _decode_tagged(tag: str, content: Any, resolve: Resolver) -> Any:
    try:
        reader = _READERS[tag]
    except KeyError:
        raise SpecError(f"Unknown kind of value {tag!r} in a saved config.") from None
    try:
        return reader(_decode(content, resolve), resolve)
    except (SpecError, LoadError):
        raise
    except Exception as error:
        raise SpecError(
            f"Cannot read {tag!r} from {content!r:.100}: {error}"
        ) from error


_READERS: Mapping[str, Join] = {
    tag: reader for kind in KINDS for tag, reader in kind.from_json.items()
}
