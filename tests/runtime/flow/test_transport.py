"""What a transport must return, and may hand over."""

from __future__ import annotations

from typing import Any

import pytest

from like_keras_core.runtime.flow.transport import endpoint_of, frames_to


class Forgetful:
    """Forgets to return its endpoint."""

    def bind(self) -> Any:
        return None


def test_an_endpoint_is_a_string() -> None:
    """A `return` that was forgotten is named."""
    transport: Any = Forgetful()

    with pytest.raises(TypeError, match=r"Forgetful\.bind returns a string; it"):
        endpoint_of(transport)


def test_a_frame_is_bytes() -> None:
    """An object of the runtime's own is named, where it is handed over."""
    found: list[Any] = []
    arrived: Any = frames_to(found.append)

    arrived(b"frame")
    with pytest.raises(TypeError, match=r"bytes or a memoryview; got \[b'x'\]"):
        arrived([b"x"])

    assert found == [b"frame"]
