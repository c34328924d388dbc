"""A dataflow that somebody starts and stops by hand."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from payloads import Stays  # type: ignore[import-not-found]

from like_keras_core import Node, System
from like_keras_core.testing.components import Count
from like_keras_core.testing.subprocess_env import default_signals


@pytest.mark.timeout(60)
@pytest.mark.usefixtures("launches")
def test_an_interrupt_of_dora_ends_the_run_well(tmp_path: Path) -> None:
    """At a cut, with the hooks of every process, and the report."""
    lives = tmp_path / "lives"
    parts = [Stays(str(lives), node=Node(name)) for name in "ab"]
    parts[1].name = "other"
    path = System(parts).compile(engine="dora")
    assert path is not None
    with default_signals():
        process = subprocess.Popen(
            [Path(sys.executable).with_name("dora"), "run", path],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    until = time.monotonic() + 30
    while not lives.exists() or len(lives.read_text().splitlines()) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
    time.sleep(1.0)

    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)

    assert "system on dora:" in out
    assert lives.read_text().count("down") == 2
    for folder in (path.parent / "out").glob("*-*-*-*-*"):
        for item in folder.iterdir():
            item.unlink()
        folder.rmdir()
    # dora does not always free its memory then: the next run on this machine does.
    System([Count(node=Node("a"))]).launch(1, engine="dora")
