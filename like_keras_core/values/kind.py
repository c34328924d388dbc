"""What a kind of value is: a row of the table in `like_keras_core.values.kinds`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from like_keras_core.errors import SpecError
from like_keras_core.values.class_refs import Resolver

Encode = Callable[[Any, str], Any]
"""Gives the JSON data of a part; the string says which part it is, for an error."""
Split = Callable[[Any, str], "tuple[int, Any] | None"]
"""Gives the extension that a value is in MessagePack, and what it is made of.

That is bytes, or a sequence of other values; nothing where MessagePack has the value.
The string says what the value is, for an error.
"""
Join = Callable[[Any, Resolver], Any]
"""Gives the value that is made of something."""
Same = Callable[[Any, Any], bool]
"""Says whether two parts are equal as messages."""
Update = Callable[[bytes], None]
"""Adds bytes to a digest."""
Feed = Callable[[Any], None]
"""Adds a part to a digest."""


def sent_as_it_is(cls: type, where: str) -> Split | None:
    """Return the `split` of a class whose values MessagePack has."""
    return lambda value, where: None


def saved_class(
    name: str, resolve: Resolver, is_one: Callable[[type], bool], noun: str
) -> Any:
    """Return the class of a saved value, if it is one of such values.

    Args:
        name: The class, as `"package.module:Class"`.
        resolve: Finds a class by that.
        is_one: Says whether a class is of the kind.
        noun: What such a class is, for the error.

    Raises:
        SpecError: It is not.
    """
    cls = resolve(name)
    if not is_one(cls):
        raise SpecError(f"{name!r} is not {_article(noun)} {noun}.")
    return cls


def _article(noun: str) -> str:
    return "an" if noun[0] in "aeiou" else "a"


def feed_repr(value: Any, update: Update, feed: Feed) -> None:
    """Add a value to a digest that is what its `repr` says.

    Args:
        value: The value.
        update: Takes bytes into the digest.
        feed: Not needed: the value has no parts.
    """
    update(repr(value).encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of value: which classes it has, and all that is done with their values.

    Attributes:
        classes: Classes that are of the kind, their subclasses not.
        holds: Says whether another class is.
        is_immutable: Nobody can change a value of the `classes`.
        is_plain: MessagePack has such values, but for what `split` says.
        is_atom: Values have no parts, and are of this kind even where their class is
            registered.
        to_json: Gives the JSON data of a value; None where it cannot be saved.
        from_json: What reads it, by its tag, after the other values in it were read.
        split: Gives what splits the values of a class for MessagePack; nothing where
            they cannot be sent. A class that is named must be found by its name.
        join: What reads that, by its extension, after the other values were read.
        parts: Lists the parts of a value, and what each is, for an error.
        protect: Gives the value with every array among its parts read-only.
        as_other: Gives a value of another kind, which is compared and added to a
            digest instead; the second argument gives the digest of a part.
        same: Says whether two values of one class are equal as messages.
        feed: Adds the content of a value to a digest.
    """

    classes: tuple[type, ...] = ()
    holds: Callable[[type], bool] = lambda cls: False
    is_immutable: bool = False
    is_plain: bool = False
    is_atom: bool = False
    to_json: Callable[[Any, str, Encode], Any] | None = None
    from_json: Mapping[str, Join] = field(default_factory=dict)
    split: Callable[[type, str], Split | None] = lambda cls, where: None
    join: Mapping[int, Join] = field(default_factory=dict)
    parts: Callable[[Any, str], Iterable[tuple[Any, str]]] = lambda value, where: ()
    protect: Callable[[Any, Callable[[Any], Any]], Any] = lambda value, protect: value
    as_other: Callable[[Any, Callable[[Any], bytes]], Any] | None = None
    same: Callable[[Any, Any, Same], bool] = lambda a, b, same: bool(a == b)
    feed: Callable[[Any, Update, Feed], None] = feed_repr
