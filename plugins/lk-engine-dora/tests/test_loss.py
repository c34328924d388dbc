"""Nothing is lost, run after run: what one good run does not show."""

import pytest
from dora_parts import Follow, Numbers  # type: ignore[import-not-found]

from like_keras_core import Component, Node, System
from like_keras_core.testing.components import Count, Scale

RUNS = range(20)

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(180),
    pytest.mark.usefixtures("launches"),
]


@pytest.mark.parametrize("number", RUNS)
@pytest.mark.parametrize(
    ("size", "ticks", "sleep_s"),
    [(1, 5000, 0.0), (50_000, 3000, 0.0), (1, 1000, 0.005)],
    ids=["8 B", "400 KB", "a sink of 5 ms"],
)
def test_every_value_arrives_once_in_order(
    size: int, ticks: int, sleep_s: float, number: int
) -> None:
    """From a source without a pace; the sink raises where one does not."""
    numbers, follow = Numbers(size, node=Node("a")), Follow(sleep_s, node=Node("b"))

    report = System([numbers, follow]).launch(ticks, engine="dora")

    assert report.components["follow"].fired == ticks
    assert report.connections["numbers.output -> follow.values"].messages == ticks


@pytest.mark.parametrize("number", RUNS)
def test_a_chain_of_50_nodes_hands_on_every_value(number: int) -> None:
    """Each process is a relay."""
    names = [*(f"relay{n}" for n in range(48)), "last"]
    parts: list[Component] = [Count(node=Node("first"))]
    parts += [Scale(name, node=Node(name)) for name in names]

    report = System(parts).launch(100, engine="dora", record=["last.output"])

    assert report.records["last.output"] == [(n, n << 49) for n in range(100)]
