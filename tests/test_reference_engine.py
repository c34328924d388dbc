"""Real processes: the same results as in one, and nothing left behind."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_systems import (  # type: ignore[import-not-found]
    diamond,
    loop,
    outcome,
)
from payloads import (  # type: ignore[import-not-found]
    Echo,
    Latest,
    Lists,
    Payloads,
    Secrets,
    Spoils,
    Talks,
)
from reference_engine import ReferenceEngine  # type: ignore[import-not-found]

import like_keras_core as lk
from like_keras_core import ComponentError, Node, System
from like_keras_core.plugins.engine_registry import register_engine
from like_keras_core.report import Progress
from like_keras_core.testing import same
from like_keras_core.testing.components import Count, Fail, Scale
from like_keras_core.testing.subprocess_env import default_signals
from tests.components import Ticks, Times


def shared() -> set[str]:
    """Return what Python processes share on this machine."""
    names = os.listdir("/dev/shm")
    return {name for name in names if name.startswith(("psm_", "sem.mp-"))}


@pytest.fixture(autouse=True)
def engine(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Have the engine; leave no process and no shared memory behind."""
    monkeypatch.chdir(tmp_path_factory.mktemp("work"))
    register_engine("reference", ReferenceEngine)
    before = shared()
    yield
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children.split()]
    alive = [x for x in commands if b"like_keras_core.runtime.process" in x]
    assert alive == []
    new = shared() - before  # what other runs on this machine share soon goes
    until = time.monotonic() + 30
    while new & shared() and time.monotonic() < until:
        time.sleep(0.05)
    assert not new & shared()


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


def test_processes_have_the_clock_of_the_system() -> None:
    """Also where the launch has given its rate, and components in seconds go by it."""
    every = Ticks("slow", rate_hz=30, node=Node("a")), Times(node=Node("b"))
    every[1](every[0]())
    found = []

    for engine in ("native", "reference"):
        report = System(every).launch(
            21, engine=engine, rate_hz=200, record=["times.output"]
        )
        found.append(report.records["times.output"])

    assert found[1] == found[0]
    assert [tick for tick, _ in found[1]] == [0, 7, 14, 20]
    assert found[1][-1] == (20, (20, 0.1, 0.03))


@pytest.mark.parametrize("speed", [None, 100.0])
def test_processes_run_at_a_speed(speed: float | None) -> None:
    """As fast as possible, or at so much more than the system's rate."""
    system = System([Count(node=Node("a")), Scale(node=Node("b"))], rate_hz=1)

    report = system.launch(engine="reference", seconds=30, speed=speed)

    assert report.iterations == 30
    assert report.duration_s >= (0.0 if speed is None else 0.29)
    assert report.duration_s < 20


@pytest.mark.parametrize("phase", ["__init__", "on_configure", "on_activate"])
def test_a_failure_on_the_way_up_is_named(phase: str) -> None:
    """Component, node, phase and traceback come home."""
    count, fail = Count(node=Node("a")), Fail("on_shutdown", node=Node("b"))
    spec = System([count, fail]).to_spec().to_dict()
    spec["components"][1]["config"]["phase"] = phase
    system = lk.SystemSpec.from_dict(spec)

    with pytest.raises(ComponentError, match=f"'fail' on node 'b' failed in {phase}"):
        ReferenceEngine().launch(system, iterations=3)


def once_running(act: Callable[[], object]) -> Callable[[int], None]:
    """Return what to call with the progress: it acts when some ticks are done."""
    acted: list[int] = []

    def progress(ticks: int) -> None:
        if ticks > 0 and not acted:
            acted.append(ticks)
            act()

    return progress


def test_stop_ends_a_run_without_end_at_one_cut() -> None:
    """Every process counts the same ticks."""
    system = diamond()

    report = system.launch(
        engine="reference",
        record="all",
        timeout_s=60,
        progress=once_running(system.stop),
    )

    assert report.ended_by == "stop"
    assert report.components["count"].fired == report.iterations > 0
    assert report.components["scale"].fired == report.iterations


@pytest.mark.parametrize("victim", ["a", "b", "c"])
def test_a_killed_process_ends_the_run_and_is_named(victim: str) -> None:
    """Within five seconds, and nothing of it is left."""
    pids: dict[str, int] = {}
    killed: list[float] = []

    def kill() -> None:
        killed.append(time.monotonic())
        os.kill(pids[victim], signal.SIGKILL)

    with pytest.raises(lk.HostLostError) as caught:
        diamond().launch(
            engine="reference", started=pids.update, progress=once_running(kill)
        )

    assert time.monotonic() - killed[0] < 5
    assert (caught.value.node, caught.value.how) == (
        victim,
        "it was killed by SIGKILL",
    )
    assert caught.value.tick is not None
    assert caught.value.report is not None
    assert caught.value.report.duration_s > 0


def test_a_silent_process_ends_the_run_and_is_named() -> None:
    """It lives, but says nothing any more."""
    pids: dict[str, int] = {}

    def pause() -> None:
        os.kill(pids["b"], signal.SIGSTOP)

    with pytest.raises(
        lk.HostLostError, match="nothing was heard of it for 1 s"
    ) as lost:
        diamond().launch(
            engine="reference",
            started=pids.update,
            progress=once_running(pause),
            heartbeat_s=1.0,
        )

    assert lost.value.node == "b"


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


def pair(**options: Any) -> System:
    """Return a source and its reader, each on a node of its own."""
    return System([Count(node=Node("a")), Scale(node=Node("b"), **options)])


def lives(pid: int) -> bool:
    """Say whether a process runs, and is not only waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def test_a_rate_paces_the_sources() -> None:
    """The clock is real time; nobody is early, and the report says who was late."""
    report = pair().launch(engine="reference", iterations=51, rate_hz=100)

    assert 0.5 <= report.duration_s < 2.0
    assert 0 <= report.late_ticks <= 51
    assert report.iterations == 51


def test_what_cannot_keep_a_rate_is_late_and_skips_nothing() -> None:
    """Late ticks are counted, and run at once."""
    report = pair().launch(engine="reference", iterations=300, rate_hz=1e6)

    assert report.late_ticks > 200
    assert report.components["scale"].fired == 300


def test_taps_are_called_where_their_port_is(tmp_path: Path) -> None:
    """One object in the process of each port."""
    taps = [
        lk.Tap(port, "payloads:ToFile", {"path": str(tmp_path / port)})
        for port in ("count.output", "scale.output")
    ]

    pair().launch(engine="reference", iterations=3, taps=taps)

    found = {
        path.name: [line.split() for line in path.read_text().splitlines()]
        for path in tmp_path.iterdir()
    }
    assert [line[1:] for line in found["scale.output"]][:3] == [
        ["0", "0"],
        ["1", "2"],
        ["2", "4"],
    ]
    pids = {name: {line[0] for line in lines} for name, lines in found.items()}
    assert pids["count.output"].isdisjoint(pids["scale.output"])


def test_who_changes_a_value_is_named() -> None:
    """As natively."""

    def make() -> System:
        return System([Lists(node=Node("a")), Spoils(node=Node("b"))])

    messages = []
    for engine in ("native", "reference"):
        with pytest.raises(ComponentError) as caught:
            make().launch(engine=engine, iterations=3, check_values=True)
        messages.append((caught.value.component, caught.value.tick, caught.value.error))

    assert messages[0] == messages[1]
    assert messages[0][0] == "spoils"


def test_the_report_has_times_of_components_and_connections() -> None:
    """Estimated from samples; a way between two machines has none."""
    near = pair().launch(engine="reference", iterations=200)
    far = System([Count(node=Node("a")), Scale(node=Node("b", machine="other"))])
    report = far.launch(engine="reference", iterations=200)

    scale = near.components["scale"]
    assert scale.latency_p50_s is not None
    assert scale.latency_p99_s is not None
    assert 0 < scale.latency_p50_s <= scale.latency_p99_s
    assert 0 < scale.busy_s < near.duration_s
    way = "count.output -> scale.value"
    assert 0 < (near.connections[way].latency_p50_s or 0) < near.duration_s
    assert near.connections[way].bytes > 200
    assert report.connections[way].latency_p50_s is None


def test_what_latest_drops_is_counted() -> None:
    """Values that nobody fired with; their connection holds no credit."""
    system = System([Count(node=Node("a")), Latest(node=Node("b"))])

    report = system.launch(engine="reference", iterations=2000)

    way = report.connections["count.output -> latest.value"]
    assert way.messages == 2000
    assert 0 < way.dropped < 2000
    assert report.components["latest"].fired == 2000


def test_progress_is_told() -> None:
    """Now and then, and never backwards."""
    told: list[int] = []

    reports: list[lk.RunReport] = []

    def progress(ticks: int) -> None:
        told.append(int(ticks))
        assert isinstance(ticks, Progress)
        if report := ticks.report():
            reports.append(report)

    pair().launch(engine="reference", iterations=30, rate_hz=50, progress=progress)

    assert told == sorted(told)
    assert len(set(told)) > 3
    assert told[-1] <= 30
    fired = [report.components["scale"].fired for report in reports]
    assert fired == sorted(fired)
    assert 0 < fired[-1] <= 30
    assert reports[-1].ended_by == "running"


def test_a_trace_has_every_hop(tmp_path: Path) -> None:
    """Each value that crosses processes, from its firing to that of its reader."""
    target = tmp_path / "run.json"

    pair().launch(engine="reference", iterations=30, trace_to=target)

    events = json.loads(target.read_text())["traceEvents"]
    begins = {event["id"]: event for event in events if event["ph"] == "s"}
    ends = {event["id"]: event for event in events if event["ph"] == "f"}
    assert len(begins) == len(ends) == 30
    assert all(begins[n]["ts"] < ends[n]["ts"] for n in begins)
    assert {(begins[n]["pid"], ends[n]["pid"]) for n in begins} == {(1, 2)}


def test_what_components_log_appears_where_the_run_was_launched(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With address and tick; and the end of it stands in the error."""
    system = System([Count(node=Node("a")), Talks(5, node=Node("b"))])

    with (
        caplog.at_level(logging.INFO, "like_keras"),
        pytest.raises(lk.HostLostError, match="exit code 7") as caught,
    ):
        system.launch(engine="reference", iterations=10)

    texts = [record.getMessage() for record in caplog.records]
    assert texts == [f"[talks @ {n}] got {n}" for n in range(5)]
    assert caplog.records[0].name == "like_keras.talks"
    assert getattr(caplog.records[0], "tick") == 0  # noqa: B009
    assert caught.value.node == "b"
    assert caught.value.log[-1].endswith("[talks @ 4] got 4")
    assert "The end of its log:" in str(caught.value)


def test_a_value_that_cannot_be_sent_is_named() -> None:
    """With its port, at its tick; all below it counts."""

    def make(tick: int) -> System:
        count, secrets, echo = Count(node=Node("a")), Secrets(tick), Echo()
        secrets.node, echo.node = Node("b"), Node("c")
        return System([count, secrets, echo])

    with pytest.raises(ComponentError) as caught:
        make(7).launch(engine="reference", iterations=20, record="all", window=1)

    assert (caught.value.component, caught.value.tick) == ("secrets", 7)
    assert "output 'secrets.output'" in caught.value.error
    assert caught.value.report is not None
    assert caught.value.report.records["echo.output"] == [(n, n) for n in range(7)]


def test_a_record_that_cannot_be_sent_is_named() -> None:
    """It stayed in its process until the end."""
    count, secrets = Count(node=Node("a")), Secrets(3, node=Node("b"))

    with pytest.raises(ComponentError, match="'secrets' on node 'b' failed in record"):
        System([count, secrets]).launch(
            engine="reference", iterations=5, record="secrets.output"
        )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_without_the_launching_process_the_others_end(
    number: signal.Signals, tmp_path: Path
) -> None:
    """Killed or silent: they shut their components down after 3 s, and exit."""
    path = tmp_path / "lives"
    code = (
        "import sys\n"
        "from payloads import Stays\n"
        "from reference_engine import ReferenceEngine\n"
        "from like_keras_core import Node, System\n"
        "if __name__ == '__main__':\n"
        "    nodes = [Node(name) for name in 'ab']\n"
        "    stays = [Stays(sys.argv[1], node=node) for node in nodes]\n"
        "    stays[1].name = 'other'\n"
        "    ReferenceEngine().launch(System(stays))\n"
    )
    script = tmp_path / "script.py"
    script.write_text(code)
    tests = Path(__file__).parent
    folders = (str(tests), str(tests.parent / "docs" / "examples"))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    with default_signals():
        process = subprocess.Popen(
            [sys.executable, str(script), str(path)],
            env=env,
        )
    try:
        until = time.monotonic() + 30
        while not path.exists() or len(path.read_text().splitlines()) < 2:
            assert time.monotonic() < until
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(number)
        gone = time.monotonic()
        lines = [line.split() for line in path.read_text().splitlines()]
        pids = {int(pid) for what, pid in lines if what == "configured"}
        while any(lives(pid) for pid in pids):
            assert time.monotonic() < gone + 6
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()

    lines = [line.split() for line in path.read_text().splitlines()]
    assert {int(pid) for what, pid in lines if what == "down"} == pids


HANGS = """
import threading
from pathlib import Path
from reference_engine import ReferenceEngine
from like_keras_core import Component, Node, System

class Hangs(Component):
    def forward(self) -> int:
        Path("hangs").touch()
        threading.Event().wait()
        return 0

class Motor(Component):
    def forward(self, value: int) -> None:
        pass

    def on_deactivate(self) -> None:
        Path("off").touch()

if __name__ == "__main__":
    system = System([Hangs(node=Node("a")), Motor(node=Node("b"))])
    ReferenceEngine().launch(system, stop_grace_s=60.0)
"""


def test_a_second_ctrl_c_waits_for_no_process_that_hangs(tmp_path: Path) -> None:
    """The others' hooks run; there is one traceback, and nothing of ours in it."""
    (tmp_path / "hangs.py").write_text(HANGS)
    tests = Path(__file__).parent
    folders = (str(tests), str(tests.parent / "docs" / "examples"))
    with default_signals():
        process = subprocess.Popen(
            [sys.executable, "hangs.py"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
            stderr=subprocess.PIPE,
            text=True,
        )
    try:
        until = time.monotonic() + 30
        while not (tmp_path / "hangs").exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()

    assert time.monotonic() - began < 4
    assert process.returncode == -signal.SIGINT
    assert (tmp_path / "off").exists()
    assert said.count("Traceback") == 1


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_the_longest_times_can_be_waited_for(engine: str) -> None:
    """In every thread and socket that has to."""
    options: dict[str, Any] = {"timeout_s": 1e9, "stop_grace_s": 1e9}

    report = System([Count(node=Node("a"))]).launch(
        2, engine=engine, heartbeat_s=1e6, **options
    )

    assert report.ended_by == "iterations"
