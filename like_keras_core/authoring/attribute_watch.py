"""Attributes that an author assigns to a component from outside, and when to look.

What is assigned after construction does not reach an instance that is made later, so it
is remembered. A component's own code assigns state; it is recognised by the call stack,
and not watched at all while a launch runs.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from like_keras_core.authoring.component_time import is_declared

_PLACEMENT = frozenset({"name", "node", "every"})


class AttributeWatch:
    """What remembers assignments from outside, in its record `_lk`."""

    _lk: Any


def _watch_assignment(self: AttributeWatch, name: str, value: Any) -> None:
    """Set an attribute; remember it if that is done from outside the component."""
    record = self._lk
    if not record.made or name in _PLACEMENT or _is_own_code(self):
        object.__setattr__(self, name, value)
    elif not is_declared(self, name, value):
        object.__setattr__(self, name, value)
        record.assigned[name] = None


def _is_own_code(self: AttributeWatch) -> bool:
    """Say whether a method of the component assigns, or what it has called."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        first = code.co_varnames[0] if code.co_argcount else ""
        if hasattr(type(self), code.co_name) and frame.f_locals.get(first) is self:
            return True
        frame = frame.f_back
    return False


_launches: list[None] = []
_lock = threading.Lock()


@contextmanager
def unwatched() -> Iterator[None]:
    """Let components assign at full speed while a launch runs."""
    with _lock:
        # It is gone already where an interrupt came just before the launch counted.
        if not _launches and "__setattr__" in vars(AttributeWatch):
            delattr(AttributeWatch, "__setattr__")
        _launches.append(None)
    try:
        yield
    finally:
        with _lock:
            _launches.pop()
            if not _launches:
                _watch()


def _watch() -> None:
    setattr(AttributeWatch, "__setattr__", _watch_assignment)  # noqa: B010


_watch()
