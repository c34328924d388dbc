"""Components that are in a phase for a while, and one that fails when it is told to."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from like_keras_core.testing.failing_components import HANGS
from like_keras_core.testing.kit_components import Diary

DOZE_S = 0.5
"""How long a hook takes that returns [s]."""


class Camera(Diary):
    """Counts; dozes or hangs in one phase.

    Args:
        path: Its diary, as of `Diary`.
        phase: Where; `""` is nowhere. In `__init__` only of a launch, not its author's.
        how: `"doze"`, or a key of `HANGS`.
        pause_s: How long `forward` sleeps [s].
        work_s: How long it computes then [s].
        **options: `name` and `node`.

    Outputs:
        output: A number.
    """

    def __init__(
        self,
        path: str,
        phase: str = "",
        how: str = "doze",
        pause_s: float = 0.0,
        work_s: float = 0.0,
        **options: Any,
    ) -> None:
        super().__init__(path, **options)
        self.phase, self.how = phase, how
        self.pause_s, self.work_s = pause_s, work_s
        self.firing = -1
        if phase == "__init__" and Path(path).with_name("launched").exists():
            self._write("__init__", os.getpid())

    def _write(self, what: str, number: int) -> None:
        super()._write(what, number)
        if what == self.phase and (what != "forward" or number == 3):
            if self.how == "doze":
                time.sleep(DOZE_S)
            else:
                HANGS[self.how]()

    def forward(self) -> int:  # type: ignore[override]
        """Return the next number."""
        time.sleep(self.pause_s)
        until = time.monotonic() + self.work_s
        while time.monotonic() < until:
            pass
        self.firing += 1
        self._write("forward", self.firing)
        return self.firing


class Motor(Diary):
    """Fails in the phase that is in the file beside its diary, once there is one.

    In `forward` it does from the tick on at which the camera may hang.
    """

    def _write(self, what: str, number: int) -> None:
        super()._write(what, number)
        told = Path(self.path).with_name("fail")
        if what == "forward" and number < 3:
            return
        if told.exists() and told.read_text("utf-8") == what:
            raise ValueError("as told")
