"""Launches that fail: they end soon, by the right name, and leave nothing."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dora_parts import Prints, Sleeps  # type: ignore[import-not-found]
from launching import HALT, KILL, When, processes  # type: ignore[import-not-found]

from like_keras_core import HostLostError, Node, System
from like_keras_core.errors import ComponentError, EngineError
from like_keras_core.testing.components import Count, Fail, Scale
from like_keras_core.testing.subprocess_env import default_signals
from lk_engine_dora import DoraEngine

SOON_S = 10.0

pytestmark = pytest.mark.timeout(60)


def chain() -> System:
    """Return a chain over three nodes, without end."""
    first, last = Scale("first", node=Node("b")), Scale("last", node=Node("c"))
    return System([Count(node=Node("a")), first, last])


@pytest.mark.parametrize("node", ["a", "b", "c"])
def test_a_killed_node_is_named(node: str, launches: str) -> None:
    """With how it ended, and when it was heard of for the last time."""
    kill = When(launches, node, KILL)

    with pytest.raises(HostLostError, match="killed by SIGKILL") as caught:
        chain().launch(engine="dora", progress=kill)

    assert kill.age_s < SOON_S
    assert caught.value.node == node
    assert caught.value.tick is not None


def test_a_halted_node_is_named(launches: str) -> None:
    """It lives, and is silent."""
    halt = When(launches, "b", HALT)

    with pytest.raises(HostLostError, match="nothing was heard of it") as caught:
        chain().launch(engine="dora", progress=halt)

    assert halt.age_s < SOON_S
    assert caught.value.node == "b"


def test_dora_itself_is_killed(launches: str) -> None:
    """Its nodes end too."""
    kill = When(launches, "", KILL)

    with pytest.raises(EngineError, match=r"`dora run` ended .* killed by SIGKILL"):
        chain().launch(engine="dora", progress=kill)

    assert kill.age_s < SOON_S


def test_a_node_that_ends_by_itself_is_named_with_its_log(launches: str) -> None:
    """With what it printed and logged last, in order."""
    system = System([Count(node=Node("a")), Prints(5, node=Node("b"))])

    with pytest.raises(HostLostError, match="exit code 7") as caught:
        system.launch(engine="dora")

    assert caught.value.node == "b"
    assert "printed 4 ä" in caught.value.log
    assert "WARNING like_keras.prints: [prints @ 4] logged 4" in caught.value.log


def test_a_node_that_ends_well_too_early_is_lost_as_well(launches: str) -> None:
    """Nobody told it to."""
    system = System([Count(node=Node("a")), Prints(5, 0, node=Node("b"))])

    with pytest.raises(HostLostError, match="exit code 0"):
        system.launch(engine="dora")


def test_a_node_whose_import_fails_is_named(launches: str, tmp_path: Path) -> None:
    """With the traceback of its start."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "dora.py").write_text("raise ImportError('no libfoo')\n")
    system = chain()
    system.components[1].node = Node("b", env={"PYTHONPATH": str(broken)})
    began = time.monotonic()

    with pytest.raises(HostLostError, match="exit code 1") as caught:
        system.launch(engine="dora")

    assert time.monotonic() - began < SOON_S
    assert caught.value.node == "b"
    assert "ImportError: no libfoo" in caught.value.log


@pytest.mark.parametrize("is_there", [True, False])
def test_an_interpreter_that_cannot_run_is_named(
    is_there: bool, launches: str, tmp_path: Path
) -> None:
    """It is gone since the system was compiled, or nobody may run it."""
    python = tmp_path / "python"
    python.write_text("")
    system = chain()
    system.components[1].node = Node("b", python=str(python))
    spec = system.to_spec()
    path = DoraEngine().compile(spec)
    if not is_there:
        python.unlink()
    began = time.monotonic()

    with pytest.raises(HostLostError, match=r"not be started: .*python") as caught:
        DoraEngine().launch(spec, path)

    assert time.monotonic() - began < SOON_S
    assert caught.value.node == "b"


@pytest.mark.parametrize("phase", ["on_configure", "on_activate"])
def test_a_failure_on_the_way_up_is_named(phase: str, launches: str) -> None:
    """Component, node, phase and traceback come home."""
    system = System([Count(node=Node("a")), Fail(phase, node=Node("b"))])

    with pytest.raises(ComponentError, match=f"'fail' on node 'b' failed in {phase}"):
        system.launch(3, engine="dora")


def test_a_component_that_never_ends_is_ended(launches: str) -> None:
    """It had its time to shut down."""
    kill = When(launches, "a", KILL)
    system = System([Count(node=Node("a")), Sleeps(node=Node("b"))])

    with pytest.raises(HostLostError):
        system.launch(engine="dora", progress=kill)

    assert kill.age_s < SOON_S


SCRIPT = """\
import sys
from payloads import Stays
import like_keras_core as lk

if __name__ == "__main__":
    parts = [Stays(sys.argv[1], node=lk.Node(name)) for name in "ab"]
    parts[1].name = "other"
    report = lk.System(parts).launch(engine="dora")
    print("ended by", report.ended_by, report.iterations > 0)
"""


@pytest.fixture
def script(
    launches: str, tmp_path: Path
) -> "Iterator[tuple[subprocess.Popen[str], Path]]":
    """Run a launch in a process of its own, until all of it is configured."""
    file, path = tmp_path / "script.py", tmp_path / "lives"
    file.write_text(SCRIPT)
    tests = Path(__file__).parents[3] / "tests"
    with default_signals():
        process = subprocess.Popen(
            [sys.executable, str(file), str(path)],
            env={**os.environ, "PYTHONPATH": str(tests)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    until = time.monotonic() + 30
    while not path.exists() or len(path.read_text().splitlines()) < 2:
        assert time.monotonic() < until
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    time.sleep(1.0)
    yield process, path
    process.kill()
    process.communicate()


def lives(path: Path) -> dict[str, set[int]]:
    """Return which processes said that they are up, and down."""
    found: dict[str, set[int]] = {"configured": set(), "down": set()}
    for line in path.read_text().splitlines():
        what, pid = line.split()
        found[what].add(int(pid))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_launch_well(number: int, script: Any) -> None:
    """The hooks run in every process, and the report says why it ended."""
    process, path = script

    process.send_signal(number)

    out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    assert "ended by interrupt True" in out
    found = lives(path)
    assert found["down"] == found["configured"]
    assert len(found["down"]) == 2


def test_two_interrupts_end_it_at_once(script: Any) -> None:
    """As everywhere in Python; nothing is left all the same."""
    process, _ = script
    os.kill(process.pid, signal.SIGSTOP)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
    os.kill(process.pid, signal.SIGCONT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)

    process.communicate(timeout=20)

    assert process.returncode is not None


def test_without_the_launching_process_the_others_end(
    script: Any, launches: str
) -> None:
    """They shut their components down; nobody else would do it."""
    process, path = script

    process.kill()
    process.wait()
    until = time.monotonic() + SOON_S
    while processes(launches):
        assert time.monotonic() < until
        time.sleep(0.05)

    found = lives(path)
    assert found["down"] == found["configured"]
    # It had no time to remove dora's folder of this run.
    for folder in Path(".lk_build/dora/out").iterdir():
        if folder.is_dir():
            assert re.fullmatch(r"[0-9a-f-]{36}", folder.name)
            for item in folder.iterdir():
                item.unlink()
            folder.rmdir()
    # dora does not always free its memory then: the next run on this machine does.
    chain().launch(1, engine="dora")
