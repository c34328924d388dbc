"""How a launch fails: who is named, how soon, and that nothing is left running."""

import os
import time
from typing import Any

import pytest
from launching import HALT, KILL, When  # type: ignore[import-not-found]
from ros_parts import Prints  # type: ignore[import-not-found]

from like_keras_core import Component, HostLostError, Node, System
from like_keras_core.engine_kit import LAUNCHED
from like_keras_core.errors import ComponentError, EngineError, GraphError
from like_keras_core.spec import SystemSpec
from like_keras_core.testing.components import Count, Scale
from lk_engine_ros2_stub import Ros2Engine

pytestmark = [pytest.mark.usefixtures("launches"), pytest.mark.timeout(120)]

LOST_WITHIN_S = 10.0


def chain() -> System:
    """Return a source and two readers in a row, each on a node of its own."""
    count, one, two = Count(node=Node("a")), Scale("one"), Scale("two")
    one.node, two.node = Node("b"), Node("c")
    two(one(count()))
    return System([count, one, two])


@pytest.mark.parametrize(
    ("number", "how"),
    [
        (KILL, "it was killed by SIGKILL"),
        pytest.param(HALT, "nothing was heard of it", marks=pytest.mark.slow),
    ],
)
def test_a_process_that_is_lost_is_named(launches: str, number: int, how: str) -> None:
    """Killed or halted, within ten seconds; the others end."""
    told = When(launches, "b", number)

    with pytest.raises(HostLostError, match="node 'b' was lost: ") as caught:
        chain().launch(engine="ros2", rate_hz=200, progress=told)

    assert told.age_s < LOST_WITHIN_S
    assert how in str(caught.value)


@pytest.mark.slow
def test_a_process_that_exits_is_named_with_what_it_said() -> None:
    """With its exit code and the end of its log."""
    with pytest.raises(HostLostError, match="exit code 7") as caught:
        System([Prints(last=3, node=Node("a")), Scale(node=Node("b"))]).launch(
            50, engine="ros2"
        )

    assert caught.value.node == "a"
    assert "WARNING like_keras.prints: [prints @ 3] logged 3" in caught.value.log


@pytest.mark.slow
def test_a_process_that_does_not_start_is_named_with_the_reason() -> None:
    """A parameter of another type, say; the others do not wait for it."""
    spec = System([Count(5, node=Node("a")), Scale(node=Node("b"))]).to_spec()
    path = Ros2Engine().compile(spec)
    params = path.parents[1] / "config" / "params.yaml"
    params.write_text(params.read_text().replace("start: 5", "start: five"))
    began = time.monotonic()

    with pytest.raises(HostLostError, match=r"'count\.start' of /\w+/a") as caught:
        Ros2Engine().launch(spec, path, iterations=3)

    assert time.monotonic() - began < 2 * LOST_WITHIN_S
    assert caught.value.node == "a"


@pytest.mark.slow
def test_a_command_that_is_not_there_is_named() -> None:
    """With the whole command."""
    node = Node("a", prefix="no-such-command --fast")

    with pytest.raises(EngineError, match="node 'a' cannot be started") as caught:
        System([Count(node=node)]).launch(1, engine="ros2")

    assert "no-such-command --fast" in str(caught.value)


class Loads(Component):
    def __init__(self, **options: Any):
        super().__init__(**options)
        if LAUNCHED in os.environ:
            raise OSError("no such model: arm.onnx")

    def forward(self) -> int:
        return os.getpid()


@pytest.mark.slow
def test_a_component_that_cannot_be_made_is_named() -> None:
    """As any other failure of a component."""
    with pytest.raises(ComponentError, match=r"no such model: arm\.onnx"):
        System([Loads(node=Node("a")), Scale(node=Node("b"))]).launch(1, engine="ros2")


def test_code_that_no_process_finds_is_refused() -> None:
    """Before anything is written or started."""
    data = System([Count(node=Node("a"))]).to_spec().to_dict()
    data["components"][0]["entry_point"] = "gone.away:Count"

    with pytest.raises(GraphError, match=r"would not find the module 'gone\.away'"):
        Ros2Engine().launch(SystemSpec.from_dict(data), iterations=1)
