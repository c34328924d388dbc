"""Finds components that change values which are not theirs to change."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from like_keras_core.component import Component
from like_keras_core.errors import ValueMutationError
from like_keras_core.values.kinds import IMMUTABLE
from like_keras_core.values.semantics import fingerprint


@dataclass(frozen=True, slots=True)
class _Watched:
    """A value that somebody will still read, and what it looked like."""

    owner: str
    value: Any
    print: bytes
    until: int
    tick: int

    @property
    def is_changed(self) -> bool:
        """Whether it looks different now."""
        return fingerprint(self.value) != self.print


_KEPT = 4
"""So many values that a component sent are looked at again: drivers use their buffers
in turn."""


class MutationCheck:
    """Fingerprints what is sent and received, and names who changed it.

    A value is looked at when it is sent, around each component that fires while others
    still read it, and when a component that received it has fired. The last values that
    a component sent are looked at again when it fires next, and at the end of the run:
    who received one may have kept it, on its own node the value itself and elsewhere a
    copy.

    Args:
        tick: The host's clock; `tick[1]` is the present tick.
    """

    def __init__(self, tick: list[Any]) -> None:
        self._tick = tick
        self._at: int | None = None
        # Of the present tick, until their last readers have fired.
        self._watched: list[_Watched] = []
        # By component, the newest values that it sent.
        self._sent: dict[str, deque[_Watched]] = {}
        self.until: Mapping[str, int] = {}
        """The order of the last component that reads each component's values."""

    def wrap(self, name: str, order: int, component: Component) -> Callable[..., Any]:
        """Return a component's `forward` that looks for changed values.

        Args:
            name: The component's address.
            order: Its place in the order of execution.
            component: The component.
        """
        fire = self._fired(name, component)

        def checked(*args: Any, **kwargs: Any) -> Any:
            self._begin(order)
            self._look_at_sent(name)
            for watched in self._watched:
                if watched.is_changed:
                    raise ValueMutationError(watched.owner, watched.owner, watched.tick)
            result = fire(*args, **kwargs)
            self._look_at_sent(name)
            for watched in self._watched:
                if watched.is_changed:
                    raise ValueMutationError(name, watched.owner)
            if type(result) not in IMMUTABLE:
                self._watch(name, order, result)
            return result

        return checked

    def wrap_slow(
        self, name: str, order: int, component: Component
    ) -> tuple[Callable[..., Any], Callable[[Any], None]]:
        """Return what `wrap` does, for a component that takes ticks, in two parts.

        Args:
            name: The component's address.
            order: The place of its result in the order of execution.
            component: The component.

        Returns:
            What fires it in its own thread, and what looks at its result in the host's
            when that is due.
        """

        def taken(result: Any) -> None:
            self._begin(order)
            self._look_at_sent(name)
            if type(result) not in IMMUTABLE:
                self._watch(name, order, result)

        return self._fired(name, component), taken

    def _fired(self, name: str, component: Component) -> Callable[..., Any]:
        """Return a component's `forward` that looks at what it was given."""
        forward = component.forward
        ports = [port.name for port in component.inputs]

        def fired(*args: Any, **kwargs: Any) -> Any:
            given = {**dict(zip(ports, args, strict=False)), **kwargs}
            before = {
                port: fingerprint(value)
                for port, value in given.items()
                if type(value) not in IMMUTABLE
            }
            result = forward(*args, **kwargs)
            for port, known in before.items():
                if fingerprint(given[port]) != known:
                    raise ValueMutationError(name, f"{name}.{port}")
            return result

        return fired

    def changed(self) -> ValueMutationError | None:
        """Look once more at what was sent, when nothing fires any more."""
        for name in self._sent:
            try:
                self._look_at_sent(name)
            except ValueMutationError as error:
                return error
        return None

    def _watch(self, name: str, order: int, value: Any) -> None:
        until = self.until.get(name, order)
        found = _Watched(name, value, fingerprint(value), until, self._tick[1])
        self._watched.append(found)
        sent = self._sent.setdefault(name, deque(maxlen=_KEPT))
        if not sent or sent[-1].value is not value:
            sent.append(found)

    def _look_at_sent(self, name: str) -> None:
        for sent in self._sent.get(name, ()):
            if sent.is_changed:
                raise ValueMutationError(name, name, sent.tick)

    def _begin(self, order: int) -> None:
        """Forget what belongs to an earlier tick, or is read no more."""
        if self._tick[1] != self._at:
            self._at = self._tick[1]
            self._watched.clear()
        self._watched = [item for item in self._watched if item.until >= order]
