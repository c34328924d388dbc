"""What every process of a run must have alike."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

_DISTRIBUTIONS = ("like-keras-core", "lk-engine-dora", "dora-rs")


def versions() -> dict[str, str]:
    """Return the versions of the distributions that must be the same everywhere."""
    found = {}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found
