"""A tap: an object that each process makes to see the values of a port go by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from like_keras_core.errors import LkError
from like_keras_core.port import OutputPort
from like_keras_core.values.class_refs import resolve
from like_keras_core.values.config_json import decode
from like_keras_core.view.plain_text import exception_text


class TapError(LkError):
    """What a tap made failed; the component that sent the value has not."""


@dataclass(frozen=True, slots=True)
class Tap:
    """Calls an object with `(tick, value)` after each emission on a port.

    Args:
        port: The output port, or its address.
        entry_point: `"package.module:Class"`; made once in the port's process. If the
            object has a `close`, that is called after the last `on_shutdown` there. If
            it has a `settle`, that is called before anything else of the author runs in
            the process: until then the object may refer to the arrays that it was
            given, and from then on their producer may change them. If it has a
            `taken`, that is called before each firing of the port's component, with
            the values of its inputs by name.
        config: JSON keyword arguments of the class.
    """

    port: OutputPort | str
    entry_point: str
    config: Mapping[str, Any] = field(default_factory=dict)

    def make(self) -> Any:
        """Make the object that is called.

        Raises:
            LoadError: Its class cannot be found.
        """
        return resolve(self.entry_point)(**decode(dict(self.config)))

    def failed(self, what: str, error: BaseException) -> TapError:
        """Return the error that names this tap for one that its object raised."""
        text = f"{type(error).__name__}: {exception_text(error)}"
        name = f"{self.entry_point!r} on {self.port!r}"
        return TapError(f"The tap {name} {what} {text}")
