"""What the process of a node works out before it runs."""

import subprocess
import sys
from pathlib import Path

import pytest

from like_keras_core import Node, System
from like_keras_core.errors import LkError
from like_keras_core.testing.components import Count, Scale
from lk_engine_dora.node import (
    MAX_FAR_FRAME,
    MAX_FRAME,
    find_system,
    frame_sizes,
)


def chain() -> System:
    """Return a chain over two machines, with two nodes on one of them."""
    near, far = Node("a"), [Node(name, machine="jetson") for name in "bc"]
    parts = [Scale(f"s{n}", node=node) for n, node in enumerate(far)]
    return System([Count(node=near), *parts])


def test_frames_are_small_between_machines_only() -> None:
    """On one machine they are as large as dora takes them."""
    spec = chain().to_spec()

    assert frame_sizes(spec, "a")["b"] == frame_sizes(spec, "b")["a"] == MAX_FAR_FRAME
    assert frame_sizes(spec, "b")["c"] == MAX_FRAME


def test_a_machine_by_address_is_one_for_each_node() -> None:
    """Its nodes have a daemon each, which are far from each other for dora."""
    parts = [Count(node=Node("a", "192.0.2.1")), Scale(node=Node("b", "192.0.2.1"))]

    assert frame_sizes(System(parts).to_spec(), "a")["b"] == MAX_FAR_FRAME


def test_without_a_launching_process_the_system_must_lie_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says which file to copy."""
    monkeypatch.delenv("LK_LAUNCHED", raising=False)

    with pytest.raises(LkError, match=r"Copy system\.json there"):
        find_system(tmp_path / "system.json", "sha256:0")


def test_a_node_starts_without_the_engine() -> None:
    """What compiles and launches takes long to import, and a node needs none of it."""
    code = "import lk_engine_dora.node, sys; print(*sys.modules)"

    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    imported = said.stdout.split()
    assert "lk_engine_dora.transport" in imported
    heavy = {"lk_engine_dora.engine", "yaml", "rich", "importlib.metadata"}
    assert not heavy.intersection(imported)
