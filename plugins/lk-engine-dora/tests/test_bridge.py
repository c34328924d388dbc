"""Dora nodes that are not ours, in runs: the hub's, and some written for this."""

import copy
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from dora_nodes import command, counting, echoing, hub, hub_echo, silent, ticking  # type: ignore[import-not-found]
from launching import KILL, When  # type: ignore[import-not-found]

import like_keras_core as lk
from like_keras_core import System
from lk_engine_dora import DoraNode, bridge
from lk_engine_dora.bridge import Bridge, NodeFailedError, open_bridge
from lk_engine_dora.edges import edges_of

DORA = Path(sys.executable).with_name("dora")
needs_hub = pytest.mark.skipif(
    not Path(sys.executable).with_name("pyarrow-sender").exists(),
    reason="needs pyarrow-sender, pyarrow-assert and dora-echo",
)


def by_hand(
    system: System, folder: Path, env: dict[str, str], *options: str
) -> subprocess.CompletedProcess[str]:
    """Compile a system, and run the file as somebody would at a prompt."""
    path = system.compile(engine="dora", build_dir=folder / "build")
    assert path is not None
    return subprocess.run(
        [DORA, "run", path, *options],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@needs_hub
def test_nodes_of_the_hub_run_around_a_component(
    tmp_path: Path, dora_env: Callable[..., dict[str, str]]
) -> None:
    """`pyarrow-assert` has seen what was computed of what `pyarrow-sender` sent."""
    system = hub("[1, 2, 3]", "[2, 4, 6]")

    done = by_hand(system, tmp_path, dora_env(LK_ITERATIONS="1"))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "system on dora: 1 ticks" in done.stdout


@needs_hub
def test_what_a_node_of_the_hub_finds_wrong_fails_the_run(
    tmp_path: Path, dora_env: Callable[..., dict[str, str]]
) -> None:
    system = hub("[1, 2, 3]", "[9, 9, 9]")

    done = by_hand(system, tmp_path, dora_env(LK_ITERATIONS="1"))

    assert done.returncode == 1
    assert "AssertionError: Expected" in done.stdout + done.stderr


@needs_hub
def test_nodes_of_the_hub_run_in_a_launch(launches: str) -> None:
    """The sender sends once, and its end ends the run."""
    report = hub("[1, 2, 3]", "[2, 4, 6]").launch(engine="dora", record="all")

    assert (report.iterations, report.ended_by) == (1, "end of stream")
    ((tick, value),) = report.records["sender.data"]
    assert (tick, value.tolist()) == (0, [1, 2, 3])
    assert report.components["check"].fired == 1


@needs_hub
def test_an_assertion_after_the_last_tick_fails_the_launch(launches: str) -> None:
    """The node's exit code is looked at when it has seen everything."""
    with pytest.raises(lk.ComponentError, match=r"'check'.*exit code 1") as caught:
        hub("[1, 2, 3]", "[9, 9, 9]").launch(1, engine="dora")

    assert "AssertionError: Expected" in caught.value.traceback
    assert caught.value.report is not None
    assert caught.value.report.iterations == 1


@needs_hub
def test_an_output_may_have_the_name_of_an_input(launches: str) -> None:
    """As `dora-echo` wants it."""
    report = hub_echo().launch(20, engine="dora", record="all")

    assert report.records["look.output"] == [
        (tick, ((30, 40, 3), tick + 1)) for tick in range(20)
    ]


def test_a_node_that_exits_well_ends_the_run(launches: str) -> None:
    """At the tick after its last message, and none is missing."""
    report = counting(300).launch(engine="dora", record="all")

    assert (report.iterations, report.ended_by) == (300, "end of stream")
    values = report.records["counter.data"]
    assert [(tick, value.to_pylist()) for tick, value in values] == [
        (number, [number]) for number in range(300)
    ]
    assert report.components["follow"].fired == 300


def test_a_node_that_fails_is_named_with_its_exit_code(launches: str) -> None:
    """At the tick after its last message, with what it has printed."""
    with pytest.raises(lk.ComponentError, match="exited with code 3") as caught:
        counting(5, code=3).launch(engine="dora")

    error = caught.value
    assert (error.component, error.node, error.tick) == ("counter", "counter", 5)
    assert "the counter cannot count" in str(error)


def test_values_go_through_a_node_and_back(launches: str) -> None:
    """Each input is answered, with its shape and type."""
    report = echoing(100).launch(20, engine="dora", record=["look.output"])

    assert report.records["look.output"] == [
        (tick, ((30, 40, 3), tick + 1)) for tick in range(20)
    ]


def test_a_node_that_answers_no_more_ends_the_run(launches: str) -> None:
    """What was answered before counts."""
    report = echoing(7).launch(engine="dora")

    assert (report.iterations, report.ended_by) == (7, "end of stream")


def test_a_node_that_does_not_answer_can_be_stopped(launches: str) -> None:
    """Waiting for it keeps nothing from ending."""
    with pytest.raises(lk.LaunchTimeoutError) as caught:
        silent().launch(engine="dora", timeout_s=4)

    report = caught.value.report
    assert (report.iterations, report.ended_by) == (0, "timeout")


def test_a_node_that_does_not_answer_hides_no_failure(launches: str) -> None:
    """The run ends all the same, and both are named."""
    began = time.monotonic()

    with pytest.raises(
        lk.ComponentError, match="no value from the dora node 'silent'"
    ) as caught:
        silent(fails_at=3).launch(engine="dora")

    assert "although 'fail' had failed at tick 3" in str(caught.value)
    assert time.monotonic() - began < 15


def test_the_process_beside_a_node_is_killed(launches: str) -> None:
    """The node of the system is named, as for any other process."""
    kill = When(launches, "ticker", KILL)

    with pytest.raises(lk.HostLostError, match="killed by SIGKILL") as caught:
        ticking().launch(engine="dora", progress=kill)

    assert caught.value.node == "ticker"
    assert kill.age_s < 10


def test_a_run_by_hand_is_stopped_while_it_waits(
    tmp_path: Path, dora_env: Callable[..., dict[str, str]]
) -> None:
    """After a stop dora delivers nothing that could be waited for."""
    done = by_hand(ticking(), tmp_path, dora_env(), "--stop-after", "3s")

    assert "killed" not in done.stdout + done.stderr
    assert "ended by stop" in done.stdout, done.stdout + done.stderr


def test_a_node_learns_that_the_run_is_over(
    launches: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """One that sends for ever has an input, only to see it closed."""
    report = ticking().launch(30, engine="dora")

    assert report.iterations == 30
    assert "the ticker saw the end" in capfd.readouterr().out


def test_a_run_by_hand_ends_with_its_ticks(
    tmp_path: Path, dora_env: Callable[..., dict[str, str]]
) -> None:
    """The process beside the first node has the launching process's part."""
    done = by_hand(ticking(), tmp_path, dora_env(LK_ITERATIONS="30"))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "system on dora: 30 ticks" in done.stdout
    assert "the ticker saw the end" in done.stdout


class Sink:
    """dora's node, as far as it is used."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any, dict[str, Any]]] = []

    def send_output(self, output: str, data: Any, metadata: dict[str, Any]) -> None:
        self.sent.append((output, data, metadata))


def opened(system: System, name: str) -> tuple[Bridge, Sink]:
    sink = Sink()
    found = open_bridge(system.to_spec(), name, sink)
    assert found is not None
    return found, sink


def message(name: str, value: Any, **metadata: Any) -> dict[str, Any]:
    value = pa.array(value)
    return {"type": "INPUT", "id": name, "value": value, "metadata": metadata}


def test_only_what_is_not_ours_has_a_bridge() -> None:
    system = counting(1)

    assert open_bridge(system.to_spec(), "ours", Sink()) is None
    found, _ = opened(system, "counter")
    assert bridge.bridge_of("counter") is found


def test_a_tick_is_sent_and_then_answered() -> None:
    """By the names of the ports; None is not sent."""
    found, sink = opened(echoing(1), "echo")
    assert found.take(message("echo.back", [1, 2], shape=[1, 2]))
    assert found.take(message("echo.back", [3]))

    answer = found.step({"image": np.zeros((2, 3), np.uint8)})
    again = found.step({"image": None})

    ((output, array, metadata),) = sink.sent
    assert (output, len(array)) == ("echo.image", 6)
    assert metadata == {"dtype": "uint8", "shape": [2, 3]}
    assert answer is not None
    assert answer["back"].tolist() == [[1, 2]]
    assert again is not None
    assert again["back"].tolist() == [3]


def test_the_event_of_another_is_left_alone() -> None:
    """Frames of channels come by the same way."""
    found, _ = opened(echoing(1), "echo")

    assert not found.take(message("images.output", [1]))
    assert not found.take(message("acks-from-brain", [1]))
    assert not found.take({"type": "STOP", "id": "MANUAL"})
    assert not found.take({"type": "INPUT_CLOSED", "id": "images.output"})
    failed = {"source_node_id": "eye", "error": "exited with code 1"}
    assert not found.take({"type": "NODE_FAILED", "id": "eye", "value": failed})


def test_the_end_counts_after_the_last_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """dora says it first, and delivers what is queued afterwards."""
    monkeypatch.setattr(bridge, "QUIET_S", -1.0)
    found, _ = opened(counting(1), "counter")
    found.take({"type": "INPUT_CLOSED", "id": "counter.data"})
    found.take(message("counter.data", [0]))

    assert found.step({}) == {"data": pa.array([0])}
    with pytest.raises(lk.EndOfStream, match="'counter' has ended"):
        found.step({})


def test_a_failure_counts_after_the_last_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bridge, "QUIET_S", -1.0)
    found, _ = opened(counting(1), "counter")
    how = "exited with code 3 with stderr output:\n-----\nno camera\n-----"
    value = {"source_node_id": "counter", "error": how}
    found.take({"type": "NODE_FAILED", "id": "counter", "value": value})
    found.take(message("counter.data", [0]))

    assert found.step({}) == {"data": pa.array([0])}
    with pytest.raises(NodeFailedError) as caught:
        found.step({})
    assert str(caught.value) == (
        "The dora node 'counter' exited with code 3. The end of what it printed:\n"
        "no camera"
    )


@needs_hub
def test_a_node_that_only_takes_fails_at_the_next_tick() -> None:
    """Nothing comes from it that could be waited for."""
    found, sink = opened(hub("[1]", "[2]"), "check")
    assert found.step({"data": np.zeros(1)}) is None
    value = {"source_node_id": "check", "error": "exited with code 1"}

    found.take({"type": "NODE_FAILED", "id": "check", "value": value})

    with pytest.raises(NodeFailedError, match="'check' exited with code 1"):
        found.step({"data": np.zeros(1)})
    assert len(sink.sent) == 1


def test_a_node_that_only_takes_may_have_had_enough() -> None:
    """Its end is nobody's loss."""
    found, _ = opened(hub("[1]", "[2]"), "check")

    assert found.take({"type": "INPUT_CLOSED", "id": "lk-ended"})

    assert found.step({"data": np.zeros(1)}) is None


def test_a_value_that_cannot_be_sent_is_named() -> None:
    found, _ = opened(echoing(1), "echo")

    with pytest.raises(TypeError, match=r"The value for echo\.image is \{\}"):
        found.step({"image": {}})


def test_an_error_of_a_node_can_be_copied() -> None:
    error = NodeFailedError("camera", "exited with code 3")

    assert str(copy.copy(error)) == str(error)


def reading(read: str, **options: Any) -> tuple[Bridge, Sink, list[Any]]:
    """Return the bridge of a node whose output is read in some way."""
    node = DoraNode("lidar", "driver", outputs=["scan"], read=read, **options)
    port = Listens(node=lk.Node("ours"))
    port(node.outputs.scan)
    return (*opened(System([node, port], rate_hz=50), "lidar"), [])


class Listens(lk.Component):
    def forward(self, value: pa.Array) -> None:
        pass


@pytest.mark.parametrize(
    ("read", "ticks"),
    [
        ("newest", [[[3]], None, [[4]]]),
        ("each", [[[1]], [[2]], [[3]]]),
        ("all", [[[1], [2], [3]], [], [[4]]]),
    ],
)
def test_what_has_its_own_clock_is_not_waited_for(read: str, ticks: list[Any]) -> None:
    """A tick gives what has come, and says when that was."""
    found, _, seen = reading(read, stale_after_s=100.0, arrival=True)
    for values in ([1, 2, 3], [], [4]):
        for value in values:
            found.take(message("lidar.scan", [value]))
        seen.append(found.step({}))

    given = [x.get("scan") for x in seen]
    assert given == [
        tick if tick is None or read == "all" else tick[0]
        for tick in (
            None if tick is None else [pa.array(value) for value in tick]
            for tick in ticks
        )
    ]
    assert [x["fresh"] for x in seen] == [True] * 3
    arrival = seen[0]["arrival"]["scan"]
    first = arrival[0] if read == "all" else arrival
    assert 0 <= first["age_s"] < 10
    assert found.readers["scan"].queue.received == 4


def test_one_that_has_ended_ends_what_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """After all that it has sent was read."""
    monkeypatch.setattr(bridge, "QUIET_S", -1.0)
    found, _, _ = reading("each")
    found.take(message("lidar.scan", [1]))
    found.take({"type": "INPUT_CLOSED", "id": "lidar.scan"})

    assert found.step({}) is not None
    with pytest.raises(lk.EndOfStream, match="'lidar' has ended"):
        found.step({})


def test_what_says_when_it_came_is_no_output_of_the_node() -> None:
    """Only its own outputs are wired to it; it needs a rate."""
    node = DoraNode(
        "a", "x", outputs=["scan"], read="all", stale_after_s=1.0, arrival=True
    )
    reader = Flag(node=lk.Node("ours"))
    reader(node.outputs.fresh, node.outputs.scan)
    system = System([node, reader], name="reads")

    (issue,) = [x for x in system.validate(engine="dora") if x.severity == "error"]
    assert (issue.code, issue.address) == ("foreign-rate", "a")
    system.rate_hz = 50
    arrows = [x.output for x in edges_of(system.to_spec()) if x.kind == "arrow"]
    assert arrows == ["scan"]


class Flag(lk.Component):
    def forward(self, fresh: bool, scan: list[Any]) -> None:
        pass


def test_a_node_that_sends_as_it_likes_does_not_set_the_pace(launches: str) -> None:
    """It has its clock, the loop another; both are in the report."""
    args = command("ticker.py")
    ticker = DoraNode("ticker", sys.executable, args, outputs=["data"], read="newest")
    listens = Listens(node=lk.Node("ours"))
    listens(ticker.outputs.data)
    system = System([ticker, listens], rate_hz=20)

    report = system.launch(60, engine="dora", record="all", timeout_s=60)

    came = report.components["ticker"].arrivals["data"]
    values = [value.to_pylist()[0] for _, value in report.records["ticker.data"]]
    assert report.iterations == 60
    assert came.taken == len(values) == report.components["listens"].fired > 0
    assert came.replaced > 0
    assert values == sorted(set(values))
    assert report.duration_s > 2.5
