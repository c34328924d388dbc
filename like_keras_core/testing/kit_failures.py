"""Components of the kit that raise more than an Exception, or what says nothing."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from like_keras_core.component import Component


class Wordless(Exception):
    """Cannot be printed, changed, or sent to another process."""

    def __init__(self) -> None:
        vars(self)["lock"] = threading.Lock()

    def __str__(self) -> str:
        raise ValueError("there is no text")

    __repr__ = __str__

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(name)


RAISED: dict[str, type[BaseException]] = {
    "SystemExit": SystemExit,
    "KeyboardInterrupt": KeyboardInterrupt,
    "GeneratorExit": GeneratorExit,
    "CancelledError": asyncio.CancelledError,
    "Wordless": Wordless,
}
"""What `Exits` raises, by name."""


class Exits(Component):
    """Passes values on, and raises in one phase of its life.

    Args:
        kind: What it raises, one of `RAISED`.
        phase: `"forward"`, or a lifecycle hook.
        at: For `"forward"`, the value at which it raises.
        **options: `name` and `node`.

    Inputs:
        value: A number.

    Outputs:
        output: `value`.
    """

    def __init__(self, kind: str, phase: str = "forward", at: int = 0, **options: Any):
        super().__init__(**options)
        self.kind, self.phase, self.at = kind, phase, at
        self._enter("__init__")

    def _enter(self, phase: str) -> None:
        if self.phase == phase:
            raise RAISED[self.kind]

    def forward(self, value: int) -> int:
        """Return the value, or raise."""
        if value == self.at:
            self._enter("forward")
        return value

    def on_configure(self) -> None:
        """Raise if this is the phase."""
        self._enter("on_configure")

    def on_activate(self) -> None:
        """Raise if this is the phase."""
        self._enter("on_activate")

    def on_deactivate(self) -> None:
        """Raise if this is the phase."""
        self._enter("on_deactivate")

    def on_shutdown(self) -> None:
        """Raise if this is the phase."""
        self._enter("on_shutdown")
