"""Random systems on real processes, some of which are killed: as in one process."""

import contextlib
import os
import signal
import threading
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from reference_engine import ForkedEngine  # type: ignore[import-not-found]

from like_keras_core import ComponentError, HostLostError, LkWarning, RunReport
from like_keras_core.testing import same
from tests.components import report_of
from tests.random_runs import settled
from tests.splits import Alone, Split, alone, split, splits

LOST_WITHIN_S = 5.0
Error = tuple[str, str, int | None] | None
"""The name of what was raised, by which component, and when."""


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let the processes find the components where this one found them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1]))


@st.composite
def ending(draw: st.DrawFn) -> tuple[Split, int | None]:
    """Draw a system, and its number of ticks; none where it ends by itself."""
    system = draw(splits())
    iterations = draw(st.sampled_from([None, 0, 1, 2, 5, 20, 60]))
    if iterations is None and alone(system, 40).report.ended_by == "iterations":
        iterations = 20
    return system, iterations


def run(
    system: Split, iterations: int | None, **options: Any
) -> tuple[RunReport, Error]:
    """Run a system on processes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LkWarning)
        try:
            report = ForkedEngine().launch(
                system.spec(), iterations=iterations, record="all", **options
            )
        except ComponentError as raised:
            kind = raised.error.partition(":")[0]
            return report_of(raised), (kind, raised.component, raised.tick)
    return report, None


def counts(report: RunReport) -> dict[str, tuple[int, int]]:
    """Return how often each component fired, and at how many ticks it did not."""
    return {name: (x.fired, x.absent) for name, x in report.components.items()}


def messages(report: RunReport) -> dict[str, int]:
    """Return what each connection carried."""
    return {name: x.messages for name, x in report.connections.items()}


def check(report: RunReport, error: Error, expected: Alone) -> None:
    """Compare all that must not depend on the engine."""
    known = expected.error and (expected.error[0].__name__, *expected.error[1:])
    assert error == known
    assert report.iterations == expected.report.iterations
    assert report.ended_by == expected.report.ended_by
    assert counts(report) == counts(expected.report)
    assert messages(report) == messages(expected.report)
    assert same(dict(report.records), dict(expected.report.records))


def watched(pids: dict[str, int], victim: int | None, after_s: float) -> Any:
    """Return what to call with the processes: it keeps them, and may kill one."""

    def started(found: Mapping[str, int]) -> None:
        pids.update(found)
        if victim is not None:
            name = sorted(found)[victim % len(found)]
            pids["killed"] = found[name]
            timer = threading.Timer(after_s, kill, [found[name]])
            timer.daemon = True
            timer.start()

    return started


def kill(pid: int) -> None:
    """Kill a process, if it still lives."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def open_files() -> int:
    """Return how many files and sockets this process has open."""
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture(scope="module")
def files() -> int:
    """Return the open files after a first run, which starts the server of processes."""
    run(split("c0@A, c1@B(c0)"), 2)
    return open_files()


@pytest.mark.slow
@pytest.mark.timeout(900)
@settled(200)
@given(
    drawn=ending(),
    window=st.sampled_from([1, 2, 8]),
    run_ahead=st.sampled_from([1, 3, 256]),
    victim=st.one_of(st.none(), st.integers(0, 5)),
    after_s=st.floats(0.0, 0.12),
)
def test_two_hundred_systems_on_real_processes(
    files: int,
    drawn: tuple[Split, int | None],
    window: int,
    run_ahead: int,
    victim: int | None,
    after_s: float,
) -> None:
    """Equal results; or, where a process was killed, an error soon that names it."""
    system, iterations = drawn
    pids: dict[str, int] = {}
    started = watched(pids, victim, after_s)
    lost = None
    began = time.monotonic()
    try:
        found = run(
            system, iterations, window=window, run_ahead=run_ahead, started=started
        )
    except HostLostError as error:
        lost = error
    if lost is None:
        event("ran to its end")
        check(*found, alone(system, 60 if iterations is None else iterations))
    else:
        event("killed in time")
        assert pids[lost.node] == pids["killed"]
        assert time.monotonic() - began < after_s + LOST_WITHIN_S
    for pid in pids.values():
        assert not Path(f"/proc/{pid}").exists()
    assert open_files() <= files + 2
