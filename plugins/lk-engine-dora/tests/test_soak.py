"""Each failure again and again: every run ends soon, by the right name, cleanly."""

import pytest
from launching import HALT, KILL, When  # type: ignore[import-not-found]

from like_keras_core import ComponentError, HostLostError, Node, System
from like_keras_core.errors import EngineError
from like_keras_core.testing.components import Count, Fail, Scale

SOON_S = 10.0
RUNS = range(20)

pytestmark = [pytest.mark.soak, pytest.mark.timeout(60)]


def chain() -> System:
    """Return a chain over three nodes, without end."""
    first, last = Scale("first", node=Node("b")), Scale("last", node=Node("c"))
    return System([Count(node=Node("a")), first, last])


@pytest.mark.parametrize("number", RUNS)
def test_a_component_that_raises_is_named(number: int, launches: str) -> None:
    """With its node, its tick and its traceback; in another place each time."""
    node = Node("abc"[number % 3])
    fail = Fail(tick=7 * number, node=node)
    system = System([Count(node=Node("a")), fail, Scale("last", node=Node("c"))])

    with pytest.raises(ComponentError, match="'fail' on node") as caught:
        system.launch(engine="dora")

    assert (caught.value.node, caught.value.tick) == (node.name, 7 * number)
    assert "ValueError" in caught.value.traceback


@pytest.mark.parametrize("number", RUNS)
def test_a_killed_node_is_named(number: int, launches: str) -> None:
    """With how it ended; another node each time."""
    node = "abc"[number % 3]
    kill = When(launches, node, KILL, ticks=1 + 10 * number)

    with pytest.raises(HostLostError, match="killed by SIGKILL") as caught:
        chain().launch(engine="dora", progress=kill)

    assert kill.age_s < SOON_S
    assert caught.value.node == node
    assert caught.value.tick is not None


@pytest.mark.parametrize("number", RUNS)
def test_a_halted_node_is_named(number: int, launches: str) -> None:
    """It lives, and is silent; another one each time."""
    node = "abc"[number % 3]
    halt = When(launches, node, HALT, ticks=1 + 10 * number)

    with pytest.raises(HostLostError, match="nothing was heard of it") as caught:
        chain().launch(engine="dora", progress=halt)

    assert halt.age_s < SOON_S
    assert caught.value.node == node


@pytest.mark.parametrize("number", RUNS)
def test_dora_itself_is_killed(number: int, launches: str) -> None:
    """Its nodes end too."""
    kill = When(launches, "", KILL, ticks=1 + 10 * number)

    with pytest.raises(EngineError, match=r"`dora run` ended .* killed by SIGKILL"):
        chain().launch(engine="dora", progress=kill)

    assert kill.age_s < SOON_S
