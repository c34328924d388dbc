"""The processes of a run that nobody launched: the first node's one leads."""

import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from like_keras_core import Node, System
from like_keras_core.errors import LkError
from like_keras_core.runtime.control.connection import ControlConnectionLostError
from like_keras_core.runtime.control.server import ControlServer
from like_keras_core.runtime.process.main import (
    RunSecret,
    connect_to_first,
    control_address,
)
from like_keras_core.testing.components import Count, Fail, Scale
from like_keras_core.testing.subprocess_env import default_signals

SCRIPT = Path(__file__).parents[2] / "by_hand.py"
Start = Callable[..., "subprocess.Popen[str]"]

pytestmark = pytest.mark.slow


def chain(*extra: Any, machine: str = "local") -> System:
    """Return a chain over two nodes."""
    count, scale = Count(node=Node("a", machine)), Scale(node=Node("b"))
    return System([count, scale, *extra])


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start processes of nodes by hand; none of them is left behind."""
    processes: list[subprocess.Popen[str]] = []

    def run(
        system: System, node: str, env: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[str]":
        path = tmp_path / "system.json"
        path.write_text(system.to_spec().to_json())
        own = {key: text for key, text in os.environ.items() if key[:3] != "LK_"}
        with default_signals():
            process = subprocess.Popen(
                [sys.executable, str(SCRIPT), str(path), node, str(tmp_path)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**own, **(env or {})},
            )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()


def wait_until_busy(folder: Path) -> None:
    """Wait until ticks run in both processes."""
    until = time.monotonic() + 40
    while not all((folder / f"{node}.busy").exists() for node in "ab"):
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_processes_started_by_hand_run_together(order: str, start: Start) -> None:
    """In any order; the first node's prints the report."""
    system = chain()
    processes = {}
    for node in order:
        processes[node] = start(system, node, {"LK_ITERATIONS": "20"})
        time.sleep(0.3)

    out, err = processes["a"].communicate(timeout=60)
    assert processes["b"].wait(timeout=20) == 0

    assert err == ""
    assert processes["a"].returncode == 0
    assert out.startswith("system on by hand: 20 ticks in ")
    assert re.search(r"count +20 +0", out)
    assert re.search(r"count.output -> scale.value +20", out)


def test_the_token_is_for_its_owner_and_goes_with_the_run(
    start: Start, tmp_path: Path
) -> None:
    """A file of mode 0600 in the build folder, while the run lasts."""
    system = chain()
    token = tmp_path / "token"
    token.write_text("of an earlier run")
    token.chmod(0o644)
    lead = start(system, "a", {"LK_ITERATIONS": "3"})
    until = time.monotonic() + 20
    while token.read_text() == "of an earlier run" and time.monotonic() < until:
        time.sleep(0.02)

    mode = stat.S_IMODE(token.stat().st_mode)
    start(system, "b")

    assert lead.wait(timeout=60) == 0
    assert mode == 0o600
    assert not token.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("who", ["a", "b"])
def test_a_signal_to_any_of_them_ends_the_run(
    who: str, number: signal.Signals, start: Start, tmp_path: Path
) -> None:
    """Without LK_ITERATIONS it runs until then, and ends at one cut."""
    system = chain()
    processes = {node: start(system, node) for node in "ab"}
    wait_until_busy(tmp_path)

    processes[who].send_signal(number)

    out, err = processes["a"].communicate(timeout=60)
    assert (processes["a"].returncode, err) == (0, "")
    assert processes["b"].wait(timeout=20) == 0
    ticks = int(re.findall(r"(\d+) ticks", out)[0])
    assert ticks > 0
    assert re.search(rf"scale +{ticks} +0", out)


def test_an_error_is_printed_and_is_the_exit_code(start: Start) -> None:
    """With the component's traceback."""
    fail = Fail("forward", tick=10, node=Node("b"))
    system = chain(fail)
    processes = {node: start(system, node) for node in "ab"}

    out, err = processes["a"].communicate(timeout=60)

    assert processes["a"].returncode == 1
    assert "Component 'fail' on node 'b' failed in forward at tick 5" in err
    assert "Traceback" in err
    assert "5 ticks" in out


def test_without_the_first_process_the_others_end(start: Start, tmp_path: Path) -> None:
    """They hear nothing any more, shut down, and exit."""
    system = chain()
    processes = {node: start(system, node) for node in "ab"}
    wait_until_busy(tmp_path)

    processes["a"].kill()

    assert processes["b"].wait(timeout=5) == 0


def test_without_another_process_the_first_one_says_which(
    start: Start, tmp_path: Path
) -> None:
    """And by when it was heard of for the last time."""
    system = chain()
    processes = {node: start(system, node) for node in "ab"}
    wait_until_busy(tmp_path)

    processes["b"].kill()

    _, err = processes["a"].communicate(timeout=10)
    assert processes["a"].returncode == 1
    assert re.search(r"The process of node 'b' was lost: ", err)
    assert re.search(r"The last tick that it reported finished was \d+\.", err)


def test_several_machines_need_a_token(start: Start) -> None:
    """It cannot be a file."""
    process = start(chain(machine="192.168.1.10"), "a")

    _, err = process.communicate(timeout=30)

    assert process.returncode == 2
    assert "set LK_TOKEN to the same secret text on each of them" in err


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("LK_ITERATIONS", "-1", "LK_ITERATIONS must be a whole number, 0 or more"),
        ("LK_CONTROL", "nuc", "LK_CONTROL must be HOST:PORT"),
        ("LK_CONTROL", "192.0.2.1:24000", "Cannot listen at 192.0.2.1:24000"),
    ],
)
def test_a_bad_environment_is_named(
    name: str, value: str, text: str, start: Start
) -> None:
    """With what it should be."""
    process = start(chain(), "a", {name: value})

    _, err = process.communicate(timeout=30)

    assert process.returncode == 2
    assert text in err


def test_the_address_follows_from_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback, else the first node's machine; the environment may say another."""
    monkeypatch.delenv("LK_CONTROL", raising=False)
    near, far = chain().to_spec(), chain(machine="192.168.1.10").to_spec()

    assert control_address(near)[0] == "127.0.0.1"
    assert control_address(near) == control_address(chain().to_spec())
    assert control_address(far)[0] == "192.168.1.10"
    assert control_address(far)[1] != control_address(near)[1]
    monkeypatch.setenv("LK_CONTROL", "jetson.local:4000")
    assert control_address(near) == ("jetson.local", 4000)
    monkeypatch.setenv("LK_CONTROL", "jetson.local:70000")
    with pytest.raises(LkError, match="HOST:PORT"):
        control_address(near)


def test_the_port_follows_from_what_tells_runs_apart() -> None:
    """Two robots of one system meet at two ports."""
    spec = chain().to_spec()

    found = {control_address(spec, identity) for identity in ("", "/r1", "/r2")}

    assert len(found) == 3
    assert control_address(spec, "/r1") in found


@pytest.mark.slow
def test_what_answers_with_another_token_is_not_waited_for(tmp_path: Path) -> None:
    """A run of others in the place of the first node's process: said in seconds."""
    server = ControlServer("another token", 3.0)
    server.start(lambda connection: None)
    began = time.monotonic()
    secret = RunSecret(tmp_path, is_shared=False)

    with pytest.raises(ControlConnectionLostError) as caught:
        connect_to_first(server.address, secret, "b", 60.0)
    server.close()

    assert caught.value.is_refused
    assert time.monotonic() - began < 20
