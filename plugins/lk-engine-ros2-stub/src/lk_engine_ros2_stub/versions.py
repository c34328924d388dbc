"""What every process of a run must have alike."""

from __future__ import annotations

from importlib.metadata import version


def versions() -> dict[str, str]:
    """Return the versions of the distributions that must be the same everywhere."""
    return {name: version(name) for name in ("like-keras-core", "lk-engine-ros2-stub")}
