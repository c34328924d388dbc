"""Which types of values can cross nodes, by what a spec says of them."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from like_keras_core.engine_kit.serializability import refusals
from like_keras_core.values.annotations import to_text


@pytest.mark.parametrize(
    "annotation",
    [
        np.ndarray,
        npt.NDArray[np.uint8],
        npt.NDArray[np.float64] | None,
        dict[str, npt.NDArray[np.int32]],
    ],
)
def test_arrays_are_sent_however_they_are_annotated(annotation: Any) -> None:
    """The kind of their items is no value of its own."""
    assert refusals(to_text(annotation)) == []


def test_memory_of_others_is_not_sent() -> None:
    """With what to send instead."""
    (reason,) = refusals("memoryview")

    assert reason.startswith("no codec carries memoryview; use a dataclass, a numpy")
