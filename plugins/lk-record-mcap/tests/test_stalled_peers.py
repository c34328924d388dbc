"""A run beside a peer that is halted is recorded, and repeated on every engine.

    pytest -m soak --timeout=0 plugins/lk-record-mcap/tests/test_stalled_peers.py

does two hundred of them, for half an hour.
"""

import os
import random
import signal
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from stalling_robot import robot  # type: ignore[import-not-found]

from lk_record_mcap import Recording, replay

ENGINES = {
    "native": "lk_engine_native",
    "reference": "like_keras_core",
    "dora": "lk_engine_dora",
    "ros2": "rclpy",
}
STALL_S = 0.5
FEW, MANY = 1, {"native": 40, "reference": 80, "dora": 60, "ros2": 20}


def halts(pid: Path, after_s: float) -> None:
    """Halt the process that a file names, for a while."""
    until = time.monotonic() + 30
    while not pid.exists() or not pid.read_text():
        if time.monotonic() > until:
            return
        time.sleep(0.01)
    time.sleep(after_s)
    number = int(pid.read_text())
    if number != os.getpid():
        os.kill(number, signal.SIGSTOP)
        time.sleep(STALL_S)
        os.kill(number, signal.SIGCONT)


def check(engine: str, number: int, folder: Path) -> None:
    """Record a run in which a peer is halted, and repeat it elsewhere."""
    dice = random.Random(f"{engine} {number}")
    takes = dice.choice([0, 1, 3, 8])
    pid, path = folder / "pid", folder / "run.mcap"
    halt = threading.Thread(target=halts, args=(pid, dice.uniform(0.1, 0.6)))
    halt.start()

    made = robot(str(pid), takes)
    report = made.launch(150, engine=engine, record_to=path, timeout_s=60)
    halt.join()

    recording = Recording(path)
    assert recording.choices == report.choices
    others = [name for name in ENGINES if find_spec(ENGINES[name])]
    for other in {"native", dice.choice(others)}:
        found = replay(recording, robot(str(pid), takes), engine=other, timeout_s=60)
        assert found.is_equal, f"{other}: {found}"
        assert found.compared > 0


CASES = [
    pytest.param(
        engine,
        number,
        marks=[
            pytest.mark.slow if number < FEW else pytest.mark.soak,
            pytest.mark.timeout(180),
            pytest.mark.skipif(
                find_spec(ENGINES[engine]) is None, reason=f"needs {ENGINES[engine]}"
            ),
        ],
    )
    for engine, many in MANY.items()
    for number in range(many)
]


@pytest.mark.usefixtures("reference")
@pytest.mark.filterwarnings("ignore:ROS cannot hold every argument")
@pytest.mark.parametrize(("engine", "number"), CASES)
def test_a_run_beside_a_halted_peer_is_repeated(
    engine: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one process, and on another engine; its controller fired on."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("UV_NO_CACHE", "1")
    check(engine, number, tmp_path)
