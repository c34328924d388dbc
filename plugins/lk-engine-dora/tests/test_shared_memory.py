"""Shared memory: what a run needs of it, and what it leaves."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import like_keras_core as lk
from like_keras_core import LkWarning, Node, System, SystemSpec
from like_keras_core.testing.components import Count, Scale
from lk_engine_dora import shm_cleanup
from lk_engine_dora.dataflow import to_dataflow
from lk_engine_dora.local_paths import Places
from lk_engine_dora.memory_pools import raise_pools, refuse_no_memory, warn_of_locks


@pytest.mark.timeout(20)
def test_what_is_not_a_file_of_ours_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe that nobody writes to holds up nobody, and a link leads nowhere."""
    monkeypatch.setattr(shm_cleanup, "MEMORY", tmp_path)
    os.mkfifo(tmp_path / "pipe.zenoh")
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "link.zenoh").symlink_to(tmp_path / "mine")
    for name in ("free.zenoh", "used.zenoh"):
        (tmp_path / name).write_text("")

    with (tmp_path / "used.zenoh").open() as used:
        fcntl.flock(used, fcntl.LOCK_SH)
        shm_cleanup.remove_free(shm_cleanup.segments())

    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["link.zenoh", "mine", "pipe.zenoh", "used.zenoh"]


class Camera(lk.Component):
    """Sends arrays."""

    output = lk.OutputPort(np.ndarray)

    def forward(self) -> np.ndarray:
        return np.zeros(4)


def large(**options: Any) -> SystemSpec:
    """Return a system whose first node sends arrays to its second."""
    camera, look = Camera(node=Node("a", **options)), Sink(node=Node("b"))
    look(camera())
    return System([camera, look]).to_spec()


class Sink(lk.Component):
    """Takes arrays."""

    def forward(self, image: np.ndarray) -> None:
        pass


def nodes_of(spec: SystemSpec) -> list[dict[str, Any]]:
    flow = to_dataflow(spec, Places(interpreter="python", system="/system.json"))
    nodes: list[dict[str, Any]] = flow["nodes"]
    return nodes


def test_memory_that_cannot_be_locked_is_warned_of() -> None:
    """With what to do in a shell, a container and a service."""
    spec = large()
    nodes = nodes_of(spec)
    raise_pools(spec, nodes, 1 << 40)

    with pytest.warns(LkWarning, match="lock 8 MB of memory, and needs 75 MB") as said:
        warn_of_locks(spec, nodes, 8_000_000)

    for cure in ("ulimit -l unlimited", "--ulimit memlock=-1", "LimitMEMLOCK=infinity"):
        assert cure in str(said[0].message)
    warn_of_locks(spec, nodes, 80_000_000)
    warn_of_locks(spec, nodes, None)


def test_small_values_need_no_locked_memory() -> None:
    """Numbers are sent complete in any case."""
    count, scale = Count(node=Node("a")), Scale(node=Node("b"))
    scale(count())
    spec = System([count, scale]).to_spec()
    nodes = nodes_of(spec)
    raise_pools(spec, nodes, 1 << 40)

    warn_of_locks(spec, nodes, 0)


@pytest.mark.parametrize("size", ["64 MB", 64 << 20])
def test_pools_that_do_not_fit_are_warned_of(size: object) -> None:
    """Also those that somebody has asked for."""
    spec = large(shared_memory_pool_size=size)

    with pytest.warns(LkWarning, match="ask for 67 MB .* 4 MB are left"):
        raise_pools(spec, nodes_of(spec), 4_000_000)


def test_a_launch_without_shared_memory_is_refused() -> None:
    """Before anything is started, with what to do."""
    refuse_no_memory(3, 3 * 12_288, is_writable=True)
    with pytest.raises(lk.EngineError, match=r"need 37 kB .* 8 kB are left there"):
        refuse_no_memory(3, 8_000, is_writable=True)
    with pytest.raises(lk.EngineError, match=r"it is read-only.*--shm-size=2g"):
        refuse_no_memory(3, 1 << 30, is_writable=False)


LAUNCH = """
import like_keras_core as lk
from like_keras_core.testing.components import Count, Scale
count, scale = Count(node=lk.Node("a")), Scale(node=lk.Node("b"))
scale(count())
print(lk.System([count, scale]).launch(3, engine="dora").iterations)
"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("options", "said"),
    [("size=100k", "3"), ("size=8k", "8 kB are left"), ("size=9m,ro", "read-only")],
)
def test_little_shared_memory_never_ends_in_a_panic(
    options: str, said: str, tmp_path: Path
) -> None:
    """In a mount namespace of its own."""
    mount = f"mount -t tmpfs -o {options} tmpfs /dev/shm"
    if subprocess.run(["unshare", "-m", "sh", "-c", mount], check=False).returncode:
        pytest.skip("needs the right to mount")

    done = subprocess.run(
        [
            *("unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh"),
            *(sys.executable, "-c", LAUNCH),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert said in done.stdout + done.stderr
    assert "panicked" not in done.stdout + done.stderr
