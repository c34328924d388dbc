"""How many examples a test that draws many looks at."""

from __future__ import annotations

import os

SHARE = int(os.environ.get("LK_EXAMPLES_SHARE", "1"))
"""One of so many is drawn: on Pythons beyond the first, which find nothing else."""


def share_of(examples: int) -> int:
    """Return how many of so many examples are drawn here."""
    return max(1, examples // SHARE)
