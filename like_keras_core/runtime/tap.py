"""Taps: objects made in each process that see the values of a port go by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from like_keras_core.codecs.json import decode
from like_keras_core.entry_point import resolve
from like_keras_core.errors import LkError
from like_keras_core.port import OutputPort


@dataclass(frozen=True, slots=True)
class Tap:
    """Calls an object with `(tick, value)` after each emission on a port.

    Args:
        port: The output port, or its address.
        entry_point: `"package.module:Class"`; made once in the port's process.
        config: JSON keyword arguments of the class.
    """

    port: OutputPort | str
    entry_point: str
    config: Mapping[str, Any] = field(default_factory=dict)

    def guarded(self) -> Callable[[int, Any], None]:
        """Make the object, and name the tap where calling it fails.

        Raises:
            LoadError: Its class cannot be found.
        """
        call = self.make()

        def tap(tick: int, value: Any) -> None:
            try:
                call(tick, value)
            except Exception as error:
                name = f"{self.entry_point!r} on {self.port!r}"
                raise LkError(
                    f"The tap {name} raised {type(error).__name__}: {error}"
                ) from error

        return tap

    def make(self) -> Any:
        """Make the object that is called.

        Raises:
            LoadError: Its class cannot be found.
        """
        return resolve(self.entry_point)(**decode(dict(self.config)))
