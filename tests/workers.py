"""Workers of simulated hosts: no thread, but a job that is done when it is drawn."""

from __future__ import annotations

from collections.abc import Callable

from like_keras_core.runtime.host.worker import Job


class SimulatedWorker:
    """Keeps the job of a component until `work` is called, after any time.

    Args:
        name: The component's address.
        woken: Called when the job has ended.

    Attributes:
        thread: There is none.
        may_wait: Whether its host may wait for it: while ticks run, no host does.
    """

    thread = None

    def __init__(self, name: str, woken: Callable[[], object]) -> None:
        self.name = name
        self.woken = woken
        self.may_wait = True
        self.job: Job | None = None

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do."""
        return self.job is None

    def start(self, job: Job) -> None:
        """Have a job done later."""
        assert self.job is None, f"{self.name!r} is busy"
        self.job = job

    def work(self) -> None:
        """Do it now."""
        assert self.job is not None
        job, self.job = self.job, None
        job()
        self.woken()

    def wait(self, timeout_s: float) -> bool:
        """Do it now, if there is something to do."""
        if self.job is not None:
            assert self.may_wait, f"a host waits for {self.name!r} within its ticks"
            self.work()
        return True

    def interrupt(self) -> None:
        """Nothing runs."""

    def close(self) -> None:
        """No job follows."""
        assert self.job is None, f"{self.name!r} is left in the middle"
