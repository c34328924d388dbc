"""Values that are hard to carry."""

from __future__ import annotations

from typing import Any


def odd_values() -> list[Any]:
    """Return values that are hard to carry."""
    import numpy as np

    square = np.arange(36, dtype=np.float64).reshape(6, 6)
    return [
        b"",
        b"\0",
        "",
        "größe\n\0机器人",
        float("nan"),
        -0.0,
        float("-inf"),
        2**70,
        False,
        0,
        [],
        {"ключ": (1, None), 3: [[]]},
        np.array([], np.int16),
        np.array(3.5),
        np.array([np.nan, -0.0, np.inf], np.float32),
        square.T,
        square[::2, 1::3],
        square[::-1],
        np.array([True, False]),
        np.float32(-0.0),
    ]
