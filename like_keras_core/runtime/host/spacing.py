"""How far what fires at a tick is apart from what fired at the tick before."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from time import perf_counter
from typing import Any


class Spacing:
    """When the components of a plan that others of it fire have fired last.

    Such a component fires some time after its tick has begun; by the least that this
    has been, each firing tells when its tick might have begun. Where a tick was held up
    half way, that is later than it did, and what begins too soon after it would bring
    two commands close together.

    Attributes:
        clock: Gives the time [s].
    """

    def __init__(self) -> None:
        self.clock: Callable[[], float] = perf_counter
        self._began = 0.0
        self._latest = float("-inf")

    def begin(self) -> float:
        """Begin a tick; return how long after the one before, as that has fired [s]."""
        self._began = self.clock()
        return self._began - self._latest

    def noting(self, forward: Callable[..., Any]) -> Callable[..., Any]:
        """Return what notes when a component fires, and fires it."""
        least = float("inf")

        @wraps(forward)
        def fire(*args: Any, **kwargs: Any) -> Any:
            nonlocal least
            now = self.clock()
            least = min(least, now - self._began)
            self._latest = max(self._latest, now - least)
            return forward(*args, **kwargs)

        return fire
