"""What takes ticks is seen in each drawing of a system."""

from __future__ import annotations

from pathlib import Path

from like_keras_core import System
from like_keras_core.testing.components import Count


def test_drawings_say_how_long_a_firing_takes(tmp_path: Path) -> None:
    """In ticks, and in the system's time where it has a rate."""
    system = System([Count(name="slow", takes=8)], rate_hz=100, late="skip")
    page = system.plot(tmp_path / "page.html").read_text(encoding="utf-8")

    said = "takes 8 ticks, 80.0 ms"
    assert said in system.to_mermaid()
    assert said in system.summary()
    assert said in page
    assert "skips what is late" in page
    assert "takes 1 tick" in System([Count(takes=1)]).summary()
