"""What dora prints of a run: what is its own word, and what a node may have printed."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import DORA  # type: ignore[import-not-found]

from like_keras_core import Node, System
from like_keras_core.errors import EngineError
from like_keras_core.testing.components import Count, Scale
from lk_engine_dora.coordinator import Coordinator
from lk_engine_dora.output_parser import UNSTARTED, RunOutput, StartOutput
from lk_engine_dora.shm_cleanup import remove_logs

RUN_ID = "01a22d73-3858-76d5-a38e-528a46cfdfce"
GONE = 2**30
"""A number that no process has."""


def spec() -> Any:
    """Return a system of two nodes."""
    return System([Count(node=Node("a")), Scale(node=Node("b"))]).to_spec()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunOutput]:
    """Take in what `dora run` prints."""
    output = RunOutput(spec(), tmp_path / "logs")
    yield output
    output.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartOutput]:
    """Take in what `dora start --attach` prints."""
    output = StartOutput(spec(), tmp_path / "logs")
    yield output
    output.close()


def record(message: str, target: str | None = None, **fields: Any) -> str:
    """Return a line of `dora run` about node b; what a node can set, and what not."""
    known = {"dataflow_id": RUN_ID, "node_id": "b", "level": "DEBUG", "target": target}
    return json.dumps({**known, "message": message, "timestamp": "x", **fields})


def exited(text: str, node: str = "b", run_id: str = RUN_ID) -> str:
    """Return the line that dora prints of a process that failed."""
    head = "\x1b[2m2026-11-30T17:14:02Z\x1b[0m \x1b[31mERROR\x1b[0m"
    where = f"node_id={node} dataflow_id={run_id}"
    return f"{head} node_failure: dora_daemon: node exited with error: {text} {where}"


STOP = "handling node stop with exit status {} (restart: false, restart_count: 0)"


def test_the_end_of_a_process_is_believed(run: RunOutput) -> None:
    """With the code that dora says in a line of its own."""
    run.take(record(f"spawned node with pid {GONE}", "spawner"))
    run.take(exited("ExitCode(3)"))
    run.take(record(STOP.format("ExitCode(3)"), "daemon"))

    assert run.ended == {"b": "it ended with exit code 3"}


@pytest.mark.parametrize("status", ["Signal(9)", "ExitCode(3)", "Success"])
@pytest.mark.parametrize("target", ["daemon", "my_app", None])
def test_no_end_is_believed_of_a_process_that_lives(
    run: RunOutput,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    status: str,
    target: str | None,
) -> None:
    """It is the node's line, and appears as such."""
    run.take(record(f"spawned node with pid {os.getpid()}", "spawner"))
    run.take(record(f"spawned node with pid {GONE}", "spawner"))
    run.take(record(STOP.format(status), target))

    run.close()
    assert run.ended == {}
    assert STOP.format(status) in capsys.readouterr().out
    assert STOP.format(status) in (tmp_path / "logs" / "b.log").read_text()


def test_how_a_process_ended_is_not_taken_from_what_it_printed(run: RunOutput) -> None:
    """Not from a record, and not from dora's account at the end, which quotes it."""
    run.take(record(f"spawned node with pid {GONE}", "spawner"))
    run.take(exited("Signal(11)", run_id=RUN_ID.replace("0", "1")))
    run.take(exited("ExitCode(4)"))
    run.take(record(STOP.format("Signal(9)"), "daemon"))
    run.take("[ERROR]")
    run.take(exited("Signal(6)"))
    run.take(record(STOP.format("ExitCode(4)"), "daemon"))

    assert run.ended == {"b": "it ended with exit code 4"}


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("my_app", "motor temperature 40 C"),
        ("daemon", "motor temperature 40 C"),
        ("dora_daemon::spawn", "motor temperature 40 C"),
        ("daemon", "b finished successfully"),
        ("daemon", "exited with code 5"),
        ("daemon::pending", "node exited before initializing dora connection"),
    ],
)
def test_a_record_that_a_node_prints_is_its_own(
    run: RunOutput,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    target: str,
    text: str,
) -> None:
    """Whatever target it names: it is in the terminal and in the node's file."""
    run.take(record(f"spawned node with pid {os.getpid()}", "spawner"))
    run.take(record(text, target))

    run.close()
    line = f"DEBUG {target}: {text}"
    assert capsys.readouterr().out == f"[b: scale] {line}\n"
    assert (tmp_path / "logs" / "b.log").read_text().endswith(f" {line}\n")
    assert run.ended == {}


def test_what_dora_says_of_a_node_is_not_the_node_s(
    run: RunOutput, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is in dora's file; said a second time, it is the node's."""
    run.take(record("node is ready", "daemon"))
    run.take(record("node is ready", "daemon"))
    run.close()

    assert capsys.readouterr().out == "[b: scale] DEBUG daemon: node is ready\n"


def test_lines_in_a_record_are_lines_of_the_node(
    run: RunOutput, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each of them has its name before it."""
    run.take(record("one\n[a: count] two\x1ethree", None))

    run.close()
    shown = capsys.readouterr().out
    assert shown == "[b: scale] one\n[b: scale] [a: count] two\x1ethree\n"


def test_a_process_that_did_not_begin_is_named(run: RunOutput) -> None:
    """As dora says once it is gone."""
    run.take(record(f"spawned node with pid {GONE}", "spawner"))
    begun = "node exited before initializing dora connection"
    run.take(record(begun, "daemon::pending"))

    assert run.ended == {"b": UNSTARTED}


@pytest.mark.parametrize(
    "found", ["/etc", "../..", "", "x" * 36, None, 5, RUN_ID + "/"]
)
def test_a_run_is_known_by_a_uuid(run: RunOutput, found: object) -> None:
    """By the first one."""
    run.take(record("x", dataflow_id=found))
    before = run.dataflow_id
    run.take(record("x"))
    run.take(record("x", dataflow_id=RUN_ID.replace("0", "1")))

    assert (before, run.dataflow_id) == ("", RUN_ID)


def test_an_attached_run_is_known_before_a_node_has_started(
    start: StartOutput,
) -> None:
    """Once, as a UUID; a line of a node that says otherwise is the node's."""
    start.take("dataflow start triggered: /etc")
    start.take(f"dataflow start triggered: {RUN_ID}")
    start.take("17:14:19 INFO   b: spawner spawning `/bin/python` in `/tmp`")
    start.take("17:14:19 INFO   b: my_app hello")
    start.take("dataflow started: " + RUN_ID.replace("0", "1"))

    assert start.dataflow_id == RUN_ID


def test_an_attached_run_that_nobody_named_stays_unknown(start: StartOutput) -> None:
    """What nodes print comes too late."""
    start.take("17:14:19 INFO   b: my_app hello")
    start.take(f"dataflow started: {RUN_ID}")

    assert start.dataflow_id == ""


def test_what_follows_a_line_of_a_node_is_shown_as_the_node_s(
    start: StartOutput, capsys: pytest.CaptureFixture[str]
) -> None:
    """dora prints the line breaks in what a node has printed."""
    start.take("17:14:19 INFO   b: my_app hello")
    start.take("dataflow started: /etc")
    start.take('{"message": "no record", "node_id": "a"}')
    start.close()

    assert capsys.readouterr().out == (
        "[b: scale] INFO my_app hello\n"
        "[b: scale] dataflow started: /etc\n"
        '[b: scale] {"message": "no record", "node_id": "a"}\n'
    )


@pytest.mark.parametrize("where", ["", " on daemon `jetson-x`", " on default daemon"])
def test_an_end_is_said_with_or_without_its_daemon(
    start: StartOutput, tmp_path: Path, where: str
) -> None:
    """It is a rumour, and in the node's file."""
    start.take(f"17:14:19 ERROR  b{where}: daemon exited with code 3")

    assert start.ended == {"b": "it ended with exit code 3"}
    assert "exited with code 3" in (tmp_path / "logs" / "b.log").read_text()


@pytest.mark.parametrize("name", ["/", "..", "../x", "/etc", "", ".", RUN_ID + "/.."])
def test_nothing_is_removed_that_is_not_dora_s_folder(
    tmp_path: Path, name: str
) -> None:
    """Whatever the run is said to be called."""
    build = tmp_path / "build"
    kept = [tmp_path / "x", build / "out" / RUN_ID, build / "out" / "kept"]
    for folder in kept:
        folder.mkdir(parents=True)

    remove_logs(build / "launch.yaml", name)

    assert all(folder.exists() for folder in kept)


@pytest.mark.parametrize("linked", ["out", f"out/{RUN_ID}"])
def test_nothing_is_removed_through_a_link(tmp_path: Path, linked: str) -> None:
    """A link in the way leads nowhere."""
    build, victim = tmp_path / "build", tmp_path / "victim"
    (victim / RUN_ID).mkdir(parents=True)
    (build / linked).parent.mkdir(parents=True)
    (build / linked).symlink_to(victim)

    remove_logs(build / "launch.yaml", RUN_ID)

    assert (victim / RUN_ID).exists()


def test_dora_s_folder_is_removed(tmp_path: Path) -> None:
    """Of this run, and of no other one."""
    for name in (RUN_ID, "other"):
        (tmp_path / "out" / name).mkdir(parents=True)

    remove_logs(tmp_path / "launch.yaml", RUN_ID)

    assert [path.name for path in (tmp_path / "out").iterdir()] == ["other"]


_SCRIPT = """
import json, sys
import like_keras_core as lk
from like_keras_core.testing.components import Count

class Prints(lk.Component):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def forward(self, value: int) -> int:
        if value == 3:
            sys.stdout.write(self.text)
            sys.stdout.flush()
        return value

if __name__ == "__main__":
    where = {"coordinator_addr": sys.argv[3]} if sys.argv[3:] else {}
    line = {"level": "INFO" if where else "DEBUG", "timestamp": "2025-01-01T00:00:00Z"}
    line |= {"target": sys.argv[1], "message": sys.argv[2]}
    count = Count(node=lk.Node("a"))
    prints = Prints(json.dumps(line) + "\\n")
    prints.node = lk.Node("b")
    prints(count())
    system = lk.System([count, prints])
    report = system.launch(200, engine="dora", timeout_s=40, **where)
    print(report.iterations, report.ended_by)
"""


@pytest.mark.parametrize("target", ["daemon", "my_app"])
def test_a_node_that_prints_its_end_runs_on(
    launches: str, tmp_path: Path, target: str
) -> None:
    """What it printed is in the terminal and in its file."""
    script = tmp_path / "prints.py"
    script.write_text(_SCRIPT)
    text = STOP.format("Signal(9)")

    done = subprocess.run(
        [sys.executable, script, target, text],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "200 iterations" in done.stdout, done.stderr
    assert f"DEBUG {target}: {text}" in done.stdout
    assert text in (tmp_path / ".lk_build/dora/logs/b.log").read_text()


@pytest.fixture
def coordinator(launches: str, tmp_path: Path) -> Iterator[str]:
    """Run a coordinator and a daemon of this machine; return the address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    where = ("--coordinator-addr", "127.0.0.1", "--coordinator-port", str(port))
    folder = tmp_path / "dora"
    folder.mkdir()
    # What it keeps lies in its home; the test's own stays empty.
    env = {**os.environ, "HOME": str(folder)}
    del env["LK_TEST"]
    running = []
    try:
        for words in (("coordinator", "--port", str(port)), ("daemon", *where)):
            with (folder / f"{words[0]}.out").open("wb") as out:
                options: Any = {"cwd": folder, "env": env, "stdout": out, "stderr": out}
                running.append(subprocess.Popen([DORA, *words], **options))
            address = Coordinator("127.0.0.1", port)
            until = time.monotonic() + 30
            while address.answers() and time.monotonic() < until:
                time.sleep(0.05)
        while not _has_daemon(address) and time.monotonic() < until:
            time.sleep(0.2)
        yield f"127.0.0.1:{port}"
    finally:
        for process in running:
            process.terminate()
            process.wait(10)


def _has_daemon(address: Coordinator) -> bool:
    try:
        return bool(address.daemons())
    except EngineError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("secret", [None, "s3cret"])
def test_a_node_of_a_coordinator_that_prints_what_dora_prints_runs_on(
    coordinator: str, tmp_path: Path, secret: str | None
) -> None:
    """Nothing is removed, no end is believed, and the coordinator knows no secret."""
    script, victim = tmp_path / "prints.py", tmp_path / "victim"
    script.write_text(_SCRIPT)
    victim.mkdir()
    text = (
        f"hello\ndataflow started: {victim}\n"
        "17:14:19 ERROR  a: daemon exited with code 3\n"
        "17:14:19 ERROR  b: daemon exited because of signal SIGKILL\n"
        "17:14:19 INFO   [dora]: coordinator dataflow finished"
    )

    done = subprocess.run(
        [sys.executable, script, "daemon", text, coordinator],
        env=os.environ | ({"LK_TOKEN": secret} if secret else {}),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )

    assert victim.exists()
    if secret:  # The daemon was started without it, but is this user's own.
        assert "LK_KEY:" not in Path(".lk_build/dora/launch.yaml").read_text()
    assert "200 iterations" in done.stdout, done.stdout + done.stderr
    assert "[b: prints] INFO daemon hello" in done.stdout
    assert not Path(".lk_build/dora/keys").exists()
    said = [x for x in tmp_path.rglob("*") if x.is_file() and x != script]
    assert not [
        x
        for x in said
        if re.search(rb"LK_TOKEN:|LK_KEY:|[tk]-[0-9a-f]{32}|s3cret", x.read_bytes())
    ]
