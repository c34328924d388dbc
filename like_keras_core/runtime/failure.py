"""What went wrong in a component, until the launch knows all of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """What a component raised: where, when, and the exception itself."""

    name: str
    phase: str
    tick: int | None
    error: BaseException


class Failed(Exception):
    """Carries a failure out of a phase."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
