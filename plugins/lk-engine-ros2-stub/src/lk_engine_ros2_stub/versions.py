"""What every process of a run must have alike."""

from __future__ import annotations

from like_keras_core.plugins.metadata import versions_of


def versions() -> dict[str, str]:
    """Return the versions of the distributions that must be the same everywhere."""
    return versions_of(("like-keras-core", "lk-engine-ros2-stub"))
