"""An allow-list is asked for more than modules: what runs code beside them."""

import json
from pathlib import Path
from typing import Any

import pytest

import like_keras_core as lk
from like_keras_core import Node, System
from like_keras_core.testing.components import Count, Scale

ALLOW = ["like_keras_core"]


def saved(folder: Path, **options: Any) -> Path:
    """Return the file of a system whose second node has options."""
    count, scale = Count(node=Node("a")), Scale("s", node=Node("b", **options))
    scale(count())
    return System([count, scale]).save(folder / "robot.json")


@pytest.mark.parametrize(
    "options",
    [
        {"env": {"PYTHONWARNINGS": "all:0:antigravity.x:0:0"}},
        {"python": "/tmp/python"},
        {"working_dir": "/tmp"},
        {"prefix": "gdb --args"},
        {"made_up": ["reboot"]},
        {"made_up": {"deep": [{"command": "reboot"}]}},
    ],
)
def test_options_that_may_run_code_are_refused(
    options: dict[str, Any], tmp_path: Path
) -> None:
    """Whatever engine reads them; the error shows them, and what allows them."""
    path = saved(tmp_path, **options)
    (name, value) = next(iter(options.items()))

    with pytest.raises(lk.NotAllowedError) as caught:
        System.load(path, allow=ALLOW)

    assert f"'b' with {name} {value!r}" in str(caught.value)
    assert "--allow node:b (or allow=['node:b'])" in str(caught.value)
    assert System.load(path, allow=[*ALLOW, "node:b"]).components
    assert System.load(path).components


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"cpu_affinity": [0, 1], "shared_memory_pool_size": "64 MB"},
        {"env": {}, "max_restarts": 3, "restart_delay": 0.5, "fast": True},
    ],
)
def test_numbers_and_sizes_need_no_permission(
    options: dict[str, Any], tmp_path: Path
) -> None:
    """Nothing can be run by them."""
    path = saved(tmp_path, **options)

    assert System.load(path, allow=ALLOW).components


def test_all_nodes_that_are_refused_are_named_at_once(tmp_path: Path) -> None:
    """So that one look at them is enough."""
    path = saved(tmp_path, python="/tmp/python")
    data = json.loads(path.read_text())
    data["nodes"][0]["options"] = {"working_dir": "/tmp"}
    path.write_text(json.dumps(data))

    with pytest.raises(lk.NotAllowedError, match=r"--allow node:a --allow node:b"):
        System.load(path, allow=ALLOW)


def test_a_node_that_is_not_ours_is_a_command(tmp_path: Path) -> None:
    """Its class may be allowed; what it starts is another question."""
    foreign = Foreign("echo", "/bin/sh", node=Node("echo"))
    data = System([foreign]).to_spec().to_dict()
    path = tmp_path / "robot.json"
    path.write_text(json.dumps(data))
    allow = [__name__]

    with pytest.raises(lk.NotAllowedError, match=r"'echo' with .*path '/bin/sh'"):
        System.load(path, allow=allow)
    assert System.load(path, allow=[*allow, "node:echo"]).components


class Foreign(lk.Component):
    """Stands for a process that is not ours."""

    needs = ("foreign-nodes",)

    def __init__(self, name: str, path: str, node: Node | None = None) -> None:
        super().__init__(name, node=node)

    def forward(self) -> int:
        return 0
