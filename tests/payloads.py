"""Components with values that are hard to carry; importable from other processes."""

from __future__ import annotations

from typing import Any

import numpy as np

import like_keras_core as lk


class Payloads(lk.Component):
    """Sends values that are hard to carry."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.count = 0

    def forward(self) -> Any:
        self.count += 1
        big = np.arange(10_000_000, dtype=np.uint8)
        values = [b"", b"\x00", big, float("nan"), big[::1000], {"ü\n": (1, None)}]
        return values[(self.count - 1) % len(values)]


class Echo(lk.Component):
    """Passes values on."""

    def forward(self, value: Any) -> Any:
        return value
