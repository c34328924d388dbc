"""Real processes: the same results as in one, and nothing left behind."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from payloads import Echo, Payloads  # type: ignore[import-not-found]
from reference_engine import ReferenceEngine  # type: ignore[import-not-found]

import like_keras_core as lk
from like_keras_core import ComponentError, Node, System
from like_keras_core.engines import register_engine
from like_keras_core.testing import same
from like_keras_core.testing.components import Count, Fail, Odd, Scale, Sum


@pytest.fixture(autouse=True)
def engine() -> Iterator[None]:
    """Have the engine; leave no process and no shared memory behind."""
    register_engine("reference", ReferenceEngine)
    before = set(os.listdir("/dev/shm"))
    yield
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    alive = [
        pid
        for pid in children.split()
        if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    assert alive == []
    assert set(os.listdir("/dev/shm")) <= before


def diamond(*, limit: int | None = None, tick: int = -1) -> System:
    """Return a diamond over three nodes, with a branch that is mostly silent."""
    a, b, c = Node("a"), Node("b"), Node("c")
    count, scale = Count(limit=limit, node=a), Scale(node=b)
    odd, fail, add = Odd(node=c), Fail("forward", tick=tick, node=b), Sum(node=a)
    numbers = count()
    add(fail(scale(numbers)), odd(numbers))
    return System([count, scale, odd, fail, add])


def loop() -> System:
    """Return a loop with a delay over two nodes."""
    one, two = Scale(node=Node("a")), Odd(node=Node("b"))
    one(two.outputs.output.delay(initial=1))
    two(one())
    return System([one, two])


def outcome(system: System, engine: str, **options: Any) -> tuple[Any, ...]:
    """Return all that must not depend on the engine."""
    error = None
    try:
        report = system.launch(engine=engine, record="all", **options)
    except ComponentError as raised:
        report = raised.report or lk.RunReport(engine="", system="")
        error = (raised.component, raised.node, raised.tick)
    fired = {name: (x.fired, x.absent) for name, x in report.components.items()}
    sent = {name: x.messages for name, x in report.connections.items()}
    return error, report.iterations, report.ended_by, fired, sent, dict(report.records)


@pytest.mark.parametrize("window", [1, 8])
@pytest.mark.parametrize(
    ("make", "iterations"),
    [
        (diamond, 50),
        (lambda: diamond(limit=7), None),
        (lambda: diamond(tick=10), 50),
        (loop, 5),
        (lambda: System([Count(), Scale()]), 0),
    ],
)
def test_processes_give_what_one_process_gives(
    make: Any, iterations: int | None, window: int
) -> None:
    """Records, counts, messages, and the end."""
    expected = outcome(make(), "native", iterations=iterations)

    found = outcome(make(), "reference", iterations=iterations, window=window)

    assert same(found, expected)


@pytest.mark.parametrize("phase", ["__init__", "on_configure", "on_activate"])
def test_a_failure_on_the_way_up_is_named(phase: str) -> None:
    """Component, node, phase and traceback come home."""
    count, fail = Count(node=Node("a")), Fail("on_shutdown", node=Node("b"))
    spec = System([count, fail]).to_spec().to_dict()
    spec["components"][1]["config"]["phase"] = phase
    system = lk.SystemSpec.from_dict(spec)

    with pytest.raises(ComponentError, match=f"'fail' on node 'b' failed in {phase}"):
        ReferenceEngine().launch(system, iterations=3)


def test_stop_ends_a_run_without_end_at_one_cut() -> None:
    """Every process counts the same ticks."""
    system = diamond()
    timer = threading.Timer(1.5, system.stop)
    timer.start()

    report = system.launch(engine="reference", record="all", timeout_s=60)

    timer.join()
    assert report.ended_by == "stop"
    assert report.components["count"].fired == report.iterations > 0
    assert report.components["scale"].fired == report.iterations


@pytest.mark.parametrize("victim", ["a", "b", "c"])
def test_a_killed_process_ends_the_run_and_is_named(victim: str) -> None:
    """Within five seconds, and nothing of it is left."""
    killed: list[float] = []

    def kill(pids: Mapping[str, int]) -> None:
        def later() -> None:
            killed.append(time.monotonic())
            os.kill(pids[victim], signal.SIGKILL)

        threading.Timer(1.5, later).start()

    with pytest.raises(lk.EngineError, match=f"node '{victim}' was lost"):
        diamond().launch(engine="reference", started=kill)

    assert time.monotonic() - killed[0] < 5


def test_a_silent_process_ends_the_run_and_is_named() -> None:
    """It lives, but says nothing any more."""
    stopped: list[int] = []

    def pause(pids: Mapping[str, int]) -> None:
        def later() -> None:
            stopped.append(pids["b"])
            os.kill(pids["b"], signal.SIGSTOP)

        threading.Timer(1.5, later).start()

    with pytest.raises(lk.EngineError, match="node 'b' was lost: nothing was heard"):
        diamond().launch(engine="reference", started=pause, heartbeat_s=1.0)

    assert stopped


def test_large_and_odd_payloads_cross_processes() -> None:
    """Nothing, one byte, ten megabytes, NaN, non-contiguous arrays, any text."""
    source, sink = Payloads(node=Node("a")), Echo(node=Node("b"))
    system = System([source, sink])

    expected = outcome(system, "native", iterations=6)
    found = outcome(
        System([Payloads(node=Node("a")), Echo(node=Node("b"))]),
        "reference",
        iterations=6,
        window=1,
    )

    assert same(found, expected)


def test_a_fan_out_to_fast_and_slow_nodes() -> None:
    """The slowest sets the pace; everybody gets everything."""

    def make() -> System:
        count = Count(node=Node("a"))
        readers = [Scale(name=f"s{n}", node=Node(f"n{n % 3}")) for n in range(50)]
        numbers = count()
        for reader in readers:
            reader(numbers)
        return System([count, *readers])

    expected = outcome(make(), "native", iterations=40)

    assert same(outcome(make(), "reference", iterations=40, window=1), expected)
