"""Components of the kit that raise more than an Exception, or what says nothing."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from like_keras_core.testing.components import Fail


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


class Exits(Fail):
    """Passes values on, and raises anything in one phase of its life.

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
        self.kind = kind
        super().__init__(phase, at, **options)

    def _failure(self, text: str) -> BaseException:
        return RAISED[self.kind]()
