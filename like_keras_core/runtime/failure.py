"""What went wrong in a component, until the launch knows all of it."""

from __future__ import annotations

from dataclasses import dataclass

from like_keras_core.tap import TapError


@dataclass(frozen=True, slots=True)
class Failure:
    """What a component raised: where, when, and the exception itself.

    What a tap of its port raised has the phase `"tap"`, whatever the component did.
    `began` is the tick at which the firing began, where its result belongs to another.
    """

    name: str
    phase: str
    tick: int | None
    error: BaseException
    began: int | None = None

    def __post_init__(self) -> None:
        """Tell the failure of a tap from one of the component."""
        if isinstance(self.error, TapError):
            object.__setattr__(self, "phase", "tap")
        if isinstance(self.error, HungComponent):
            # It says so itself.
            object.__setattr__(self, "began", None)


class HungComponent(BaseException):
    """Raised in a component's code that has not returned in time.

    It derives from no Exception: a component that tries again for ever catches those.
    """

    def __repr__(self) -> str:
        return f"HungComponent: {self}".rstrip()


class Failed(Exception):
    """Carries a failure out of a phase."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure


@dataclass(frozen=True, slots=True)
class ReportedFailure:
    """A failure as it travels between processes: strings in the exception's place.

    Args:
        component: The component's address.
        phase: What it was called for.
        tick: The tick at which it failed; None outside `forward`.
        error: The exception's type and text.
        traceback: The whole traceback.
        place: The file and line that raised; empty if unknown.
    """

    component: str
    phase: str
    tick: int | None
    error: str
    traceback: str
    place: str
