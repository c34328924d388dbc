"""Launches with real rclpy: what comes out, what appears, and what is left."""

import importlib.util
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from engine_systems import (  # type: ignore[import-not-found]
    diamond,
    loop,
    outcome,
)
from payloads import Echo, Lists, Payloads, Spoils  # type: ignore[import-not-found]
from ros_parts import (  # type: ignore[import-not-found]
    Number,
    Numbered,
    Pausing,
    Prints,
    Where,
)

from like_keras_core import ComponentError, Node, System
from like_keras_core.errors import EngineError, EngineOptionError, LaunchTimeoutError
from like_keras_core.testing import same
from like_keras_core.testing.components import Count, Odd, Scale
from like_keras_core.testing.subprocess_env import default_signals
from lk_engine_ros2_stub import Ros2Engine

pytestmark = [pytest.mark.usefixtures("launches"), pytest.mark.timeout(120)]


EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


def payloads() -> System:
    """Return nothing, one byte, ten megabytes, NaN, strided arrays, any text."""
    return System([Payloads(node=Node("a")), Echo(node=Node("b"))])


def pair(**options: Any) -> System:
    """Return a source and its reader, each on a node of its own."""
    return System([Count(node=Node("a")), Scale(node=Node("b"), **options)])


@pytest.mark.parametrize(
    ("make", "iterations", "window"),
    [
        (lambda: diamond(limit=7), None, None),
        (lambda: diamond(tick=10), 50, None),
        (loop, 20, 1),
        (payloads, 6, None),
        pytest.param(diamond, 50, 1, marks=pytest.mark.slow),
        pytest.param(payloads, 6, 1, marks=pytest.mark.slow),
        pytest.param(
            lambda: System([Count(), Scale()]), 0, None, marks=pytest.mark.slow
        ),
        pytest.param(
            lambda: System([Count(), Scale(), Odd()]), 20, None, marks=pytest.mark.slow
        ),
    ],
    ids=[
        *("end-of-stream", "error", "loop-1", "payloads"),
        *("diamond-1", "payloads-1", "no-tick", "one-node"),
    ],
)
def test_processes_give_what_one_process_gives(
    make: Callable[[], System], iterations: int | None, window: int | None
) -> None:
    """Records, counts, messages, and the end."""
    expected = outcome(make(), "native", iterations=iterations)

    found = outcome(make(), "ros2", iterations=iterations, window=window)

    assert same(found, expected)


@pytest.mark.slow
def test_the_example_for_every_engine_gives_what_native_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Random numbers of a seed, over two nodes."""
    monkeypatch.syspath_prepend(EXAMPLES)
    make = importlib.import_module("multi_engine").make_system
    expected = outcome(make(), "native", iterations=20)

    found = outcome(make(), "ros2", iterations=20)

    assert same(found, expected)


@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("PIL", "skimage"))),
    reason="needs pillow and scikit-image",
)
def test_the_face_is_followed_as_natively(monkeypatch: pytest.MonkeyPatch) -> None:
    """The camera has a process of its own."""
    monkeypatch.syspath_prepend(EXAMPLES)
    make = importlib.import_module("face_tracking").make_robot
    expected = outcome(make(), "native", iterations=20)

    found = outcome(make(), "ros2", iterations=20)

    assert same(found, expected)


def test_a_component_that_raises_is_named() -> None:
    """Its own traceback and the report so far come home, with the domain."""
    with pytest.raises(ComponentError, match="'fail' on node 'b'") as caught:
        diamond(tick=10).launch(50, engine="ros2", record="all")

    report = caught.value.report
    assert "Traceback" in caught.value.traceback
    assert report is not None
    assert report.records["fail.output"] == [(n, 2 * n) for n in range(5)]
    assert report.environment == {"ROS_DOMAIN_ID": os.environ["ROS_DOMAIN_ID"]}


def test_what_components_print_and_log_appears_once(
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    """Lines with who printed them, records as records; the node's file has both."""
    with caplog.at_level(logging.INFO, "like_keras"):
        report = System([Prints(node=Node("b"))]).launch(3, engine="ros2")

    printed = capfd.readouterr().out.splitlines()
    assert [line for line in printed if "printed" in line] == [
        f"[b: prints] printed {n} ä" for n in range(3)
    ]
    records = [item for item in caplog.records if item.name == "like_keras.prints"]
    assert [item.getMessage() for item in records] == [
        f"[prints @ {n}] logged {n}" for n in range(3)
    ]
    assert not [line for line in printed if "logged" in line]
    text = (tmp_path / ".lk_build" / "ros2" / "logs" / "b.log").read_text()
    assert text.count("printed 1 ä") == 1
    assert text.count("WARNING like_keras.prints: [prints @ 1] logged 1") == 1
    assert f"ROS_DOMAIN_ID={os.environ['ROS_DOMAIN_ID']}" in str(report)


@pytest.mark.slow
def test_components_work_where_the_launch_does(tmp_path: Path) -> None:
    """A file that they name is found as natively; the launch writes below .lk_build."""
    report = System([Where(node=Node("a"))]).launch(1, engine="ros2", record="all")

    assert report.records["where.output"] == [(0, str(tmp_path))]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lk_build", "home"]


@pytest.mark.slow
def test_stop_ends_a_run_without_end_at_one_cut() -> None:
    """Every process counts the same ticks."""
    system = diamond()

    def told(ticks: int) -> None:
        if ticks > 20:
            system.stop()

    report = system.launch(engine="ros2", record="all", timeout_s=60, progress=told)

    assert report.ended_by == "stop"
    assert report.components["count"].fired == report.iterations > 0
    assert report.components["scale"].fired == report.iterations


@pytest.mark.slow
def test_a_time_limit_ends_a_run() -> None:
    """With the report so far."""
    with pytest.raises(LaunchTimeoutError) as caught:
        pair().launch(engine="ros2", timeout_s=6)

    assert caught.value.report.ended_by == "timeout"


@pytest.mark.slow
def test_a_rate_and_a_seed_and_progress() -> None:
    """As on every engine."""
    told: list[int] = []

    report = pair().launch(51, engine="ros2", rate_hz=100, seed=5, progress=told.append)

    assert report.duration_s >= 0.5
    assert told == sorted(told)
    assert told[-1] <= 51


@pytest.mark.slow
def test_who_changes_a_value_is_named() -> None:
    """As natively."""
    system = System([Lists(node=Node("a")), Spoils(node=Node("b"))])

    with pytest.raises(ComponentError, match="'spoils'"):
        system.launch(3, engine="ros2", check_values=True)


def test_options_that_are_none_are_refused() -> None:
    """With those that there are."""
    spec = pair().to_spec()

    with pytest.raises(EngineOptionError, match="launcher"):
        Ros2Engine().launch(spec, iterations=1, pace=3)
    with pytest.raises(ValueError, match="'rclpy', 'ros2', or None; got 'bash'"):
        Ros2Engine().launch(spec, iterations=1, launcher="bash")


@pytest.mark.slow
def test_several_machines_never_run_here_in_silence() -> None:
    """They need a word."""
    system = System([Count(node=Node("a")), Scale(node=Node("b", machine="jetson"))])

    with pytest.raises(EngineError, match="'b' on 'jetson'"):
        system.launch(3, engine="ros2")
    report = system.launch(3, engine="ros2", local=True)

    assert report.components["scale"].fired == 3


@pytest.mark.slow
def test_a_second_launch_of_one_system_is_refused(tmp_path: Path) -> None:
    """In one domain it would obey the first one; that goes on."""
    spec = pair().to_spec()
    paths = [Ros2Engine().compile(spec, tmp_path / name) for name in "xy"]
    refused: list[str] = []

    def told(ticks: int) -> None:
        if ticks and not refused:
            with pytest.raises(EngineError) as caught:
                Ros2Engine().launch(spec, paths[1], iterations=1)
            refused.append(str(caught.value))

    options: dict[str, Any] = {"iterations": 3000, "rate_hz": 500, "progress": told}
    report = Ros2Engine().launch(spec, paths[0], record="all", **options)

    assert f"process {os.getpid()} of user" in refused[0]
    assert len(report.records["scale.output"]) == 3000


def test_a_middleware_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With those that there are, before any process starts."""
    monkeypatch.setenv("RMW_IMPLEMENTATION", "rmw_zenoh_cpp")

    with pytest.raises(EngineError, match="'rmw_zenoh_cpp', which is not installed"):
        pair().launch(1, engine="ros2")
    monkeypatch.delenv("RMW_IMPLEMENTATION")
    monkeypatch.setenv("ROS_DOMAIN_ID", "robots")
    with pytest.raises(EngineError, match="0 to 232"):
        pair().launch(1, engine="ros2")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("size", "ticks"), [(8, 2000), (1 << 20, 300)])
def test_nothing_is_lost_at_any_speed(size: int, ticks: int) -> None:
    """Nor doubled, nor swapped, when nothing holds the source back."""
    system = System([Numbered(size, node=Node("a")), Number(node=Node("b"))])

    report = system.launch(ticks, engine="ros2", record=["number.output"])

    assert report.records["number.output"] == [(n, n) for n in range(ticks)]


@pytest.mark.slow
@pytest.mark.parametrize(("size", "ticks"), [(8, 8000), (1 << 20, 40)])
def test_nothing_is_lost_while_a_component_takes_its_time(
    size: int, ticks: int
) -> None:
    """What its process does not read meanwhile waits; the source is only held up."""
    pausing = Pausing(10, 4.0, node=Node("b"))
    system = System([Numbered(size, node=Node("a")), pausing])

    report = system.launch(
        ticks,
        engine="ros2",
        record=["pausing.output"],
        window=8 if size > 8 else ticks,
        run_ahead=ticks,
    )

    assert report.records["pausing.output"] == [(n, n) for n in range(ticks)]


SCRIPT = """\
import sys
from like_keras_core import Node, System
from like_keras_core.testing.components import Count, Scale

def told(ticks):
    if ticks:
        print("running", flush=True)

system = System([Count(node=Node("a")), Scale(node=Node("b"))])
report = system.launch(engine="ros2", progress=told)
print("ended by", report.ended_by)
"""


@pytest.mark.slow
@pytest.mark.parametrize("signals", [["SIGINT"], ["SIGINT", "SIGINT"], ["SIGTERM"]])
def test_ctrl_c_ends_a_launch(signals: list[str], tmp_path: Path) -> None:
    """The first one ends it with a report; a second one at once. Nothing is left."""
    (tmp_path / "program.py").write_text(SCRIPT)
    with default_signals():
        process = subprocess.Popen(
            [sys.executable, "program.py"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    assert process.stdout is not None
    while "running" not in (line := process.stdout.readline()):
        assert line, "it ended"
    for name in signals:
        process.send_signal(getattr(signal, name))
    text, _ = process.communicate(timeout=40)
    (tmp_path / "program.py").unlink()

    if len(signals) == 1 or process.returncode == 0:
        assert process.returncode == 0, text
        assert "ended by interrupt" in text
    else:
        assert "KeyboardInterrupt" in text
