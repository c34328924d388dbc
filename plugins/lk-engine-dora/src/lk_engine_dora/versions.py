"""What every process of a run must have alike."""

from __future__ import annotations

from like_keras_core.plugins.metadata import versions_of

_DISTRIBUTIONS = ("like-keras-core", "lk-engine-dora", "dora-rs")


def versions() -> dict[str, str]:
    """Return the versions of the distributions that must be the same everywhere."""
    return dict.fromkeys(_DISTRIBUTIONS, "none") | versions_of(_DISTRIBUTIONS)
