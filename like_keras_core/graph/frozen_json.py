"""JSON data that cannot be changed: dicts and lists that are equal to plain ones.

A frozen dict is a dict and a frozen list a list, so `json`, `==`, `isinstance` and
indexing know them. What would change them raises, and they can be hashed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, SupportsIndex


def _refuse(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Refuse a change; stands in the place of every method that would make one."""
    raise TypeError(
        "This is a part of a spec, which is frozen data: it cannot be changed. Change "
        "the system and take its spec again, or change data = spec.to_dict() and call "
        "SystemSpec.from_dict(data)."
    )


class FrozenDict(dict[str, Any]):
    """A dict that stays as it was made; `dict(frozen)` is one that can be changed."""

    __slots__ = ()

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __copy__(self) -> FrozenDict:
        return self

    def __deepcopy__(self, memo: object) -> FrozenDict:
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return (FrozenDict, (dict(self),))


class FrozenList(list[Any]):
    """A list that stays as it was made; `list(frozen)` is one that can be changed."""

    __slots__ = ()

    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = _refuse
    reverse = sort = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self))

    def __copy__(self) -> FrozenList:
        return self

    def __deepcopy__(self, memo: object) -> FrozenList:
        return self

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return (FrozenList, (list(self),))


EMPTY = FrozenDict()


def freeze(data: Any) -> Any:
    """Return JSON data as frozen data; what is frozen already is returned as it is."""
    kind = type(data)
    if kind is FrozenDict or kind is FrozenList:
        return data
    if isinstance(data, Mapping):
        if not data:
            return EMPTY
        return FrozenDict(zip(data, map(freeze, data.values()), strict=True))
    return FrozenList(map(freeze, data)) if isinstance(data, (list, tuple)) else data


def thaw(data: Any) -> Any:
    """Return frozen data as plain dicts and lists, which may be changed.

    What a spec holds, such as a component's config or a node's options, is frozen.
    """
    if isinstance(data, dict):
        return dict(zip(data, map(thaw, data.values()), strict=True))
    return list(map(thaw, data)) if isinstance(data, list) else data
