"""dora's own command, launches, and places that are the same on every machine."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lk_engine_dora.local_paths import Places

# Where the processes of launches find the components, and the tests find each other.
sys.path[:0] = [
    str(Path(__file__).parent),
    str(Path(__file__).parents[3] / "tests"),
    str(Path(__file__).parents[3]),
]

DORA = Path(sys.executable).with_name("dora")


@pytest.fixture
def dora_env(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Return an environment in which dora leaves nothing outside `tmp_path`."""

    def env(**more: str) -> dict[str, str]:
        home = str(tmp_path)
        return {"HOME": home, "RUST_BACKTRACE": "0", "PATH": "/usr/bin:/bin", **more}

    return env


@pytest.fixture
def dora(tmp_path: Path, dora_env: Callable[..., dict[str, str]]) -> Callable[..., str]:
    """Run dora's command in an empty folder; it must succeed."""
    folder = tmp_path / "dora"
    folder.mkdir()

    def run(*words: str | Path) -> str:
        done = subprocess.run(
            [DORA, *words],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            env=dora_env(),
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def places() -> Places:
    """A robot's places, not this machine's."""
    return Places(
        interpreter="/opt/robot/bin/python",
        system="/home/robot/.lk_build/dora/system.json",
        python_path=("/home/robot/src",),
    )


@pytest.fixture
def launches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Launch below `tmp_path`, and leave nothing anywhere else.

    Returns:
        What the environment of each process of a launch holds.
    """
    from launching import orphaned, processes  # type: ignore[import-not-found]

    mark = f"LK_TEST={secrets.token_hex(8)}x"
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("UV_NO_CACHE", "1")  # dora asks uv for a Python.
    monkeypatch.setenv(*mark.split("="))
    before = {name for name in os.listdir("/dev/shm") if name.endswith(".zenoh")}
    files = set(os.listdir("/proc/self/fd"))
    yield mark
    until = time.monotonic() + 1
    while time.monotonic() < until and orphaned(before):
        time.sleep(0.05)  # Another run on this machine may be at its end.
    assert processes(mark) == {}
    assert orphaned(before) == set()
    assert list(home.iterdir()) == []
    assert len(os.listdir("/proc/self/fd")) <= len(files) + 2
    out = tmp_path / ".lk_build" / "dora" / "out"
    assert not [path for path in out.glob("*") if path.is_dir()]
