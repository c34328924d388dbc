"""The drawing of a system: where everything stands, for any system there could be."""

from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from like_keras_core.spec import (
    ComponentSpec,
    ConnectionSpec,
    DelaySpec,
    NodeSpec,
    PortSpec,
    SystemSpec,
)
from like_keras_core.view.page.coordinates import Box, Layout, Point
from like_keras_core.view.page.ordering import spread
from like_keras_core.view.page.scene import arrange, shorten

MACHINES = ("local", "jetson")


@st.composite
def specs(draw: st.DrawFn) -> SystemSpec:
    """Draw a system: some of them sound, some with cycles and missing ends."""
    size = draw(st.integers(1, 14))
    nodes = draw(st.lists(st.integers(0, 4), min_size=size, max_size=size))
    links = draw(
        st.lists(
            st.tuples(
                st.integers(0, size - 1), st.integers(0, size - 1), st.booleans()
            ),
            max_size=24,
        )
    )
    inputs = [
        tuple(
            PortSpec(name=f"i{n}") for n, link in enumerate(links) if link[1] == number
        )
        for number in range(size)
    ]
    components = [
        ComponentSpec(
            name=f"c{n}",
            node=f"n{nodes[n]}",
            entry_point="robot:Part",
            inputs=inputs[n],
            outputs=tuple(PortSpec(name=f"o{k}") for k in range(1 + n % 2)),
        )
        for n in range(size)
    ]
    connections = [
        ConnectionSpec(
            source=f"c{source}.o{n % (1 + source % 2)}",
            target=f"c{target}.i{n}",
            delay=DelaySpec() if source >= target or is_delayed else None,
        )
        for n, (source, target, is_delayed) in enumerate(links)
    ]
    return SystemSpec(
        nodes=tuple(NodeSpec(name=f"n{n}", machine=MACHINES[n // 3]) for n in range(5)),
        components=tuple(components),
        connections=tuple(connections),
    )


def overlap(one: Box, other: Box) -> bool:
    """Say whether two rectangles share more than a border."""
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def holds(outer: Box, inner: Box) -> bool:
    """Say whether a rectangle lies within another one."""
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.x + inner.width <= outer.x + outer.width
        and inner.y + inner.height <= outer.y + outer.height
    )


def segments(line: list[Point]) -> list[Box]:
    """Return the straight parts of a line as rectangles, a little wide."""
    return [
        Box(
            min(a[0], b[0]) - 1,
            min(a[1], b[1]) - 1,
            abs(a[0] - b[0]) + 2,
            abs(a[1] - b[1]) + 2,
        )
        for a, b in pairwise(line)
    ]


def layout_of(spec: SystemSpec) -> Layout:
    """Return where everything stands."""
    return arrange(spec).layout


@given(specs())
def test_no_two_boxes_overlap(spec: SystemSpec) -> None:
    """Components, nodes and machines each have a place of their own."""
    layout = layout_of(spec)

    for boxes in (
        layout.components,
        list(layout.nodes.values()),
        list(layout.machines.values()),
    ):
        for one, other in combinations(boxes, 2):
            assert not overlap(one, other)


@given(specs())
def test_boxes_lie_in_one_another(spec: SystemSpec) -> None:
    """A component within its node, that within its machine, all within the drawing."""
    layout = layout_of(spec)

    whole = Box(0, 0, layout.width, layout.height)
    machines = {
        node.name: layout.machines["this machine" if x == "local" else x]
        for node in spec.nodes
        for x in [node.machine]
        if node.name in layout.nodes
    }
    for component, box in zip(spec.components, layout.components, strict=True):
        assert holds(layout.nodes[component.node], box)
    for name, machine in machines.items():
        assert holds(machine, layout.nodes[name])
        assert holds(whole, machine)


@given(specs())
def test_no_connection_crosses_a_component(spec: SystemSpec) -> None:
    """They go round, and touch only the two that they connect."""
    layout = layout_of(spec)

    for line in layout.lines:
        inner = [line[0], *line[1:-1], line[-1]]
        parts = segments(inner)
        for box in layout.components:
            body = Box(box.x + 2, box.y, box.width - 4, box.height)
            assert not any(overlap(body, part) for part in parts)


@given(specs())
def test_the_drawing_is_the_same_each_time(spec: SystemSpec) -> None:
    """It depends on the system alone."""
    assert arrange(spec) == arrange(spec)


def test_a_cycle_without_a_delay_is_drawn() -> None:
    """What is wrong with a system is what people look for in its drawing."""
    spec = SystemSpec(
        components=tuple(
            ComponentSpec(
                name=name,
                node="main",
                entry_point="robot:Part",
                inputs=(PortSpec(name="x"),),
                outputs=(PortSpec(name="y"),),
            )
            for name in ("a", "b")
        ),
        connections=(
            ConnectionSpec(source="a.y", target="b.x"),
            ConnectionSpec(source="b.y", target="a.x"),
            ConnectionSpec(source="nobody.y", target="a.x"),
        ),
    )

    assert len(arrange(spec).wires) == 2


def test_a_long_chain_goes_on_in_the_next_line() -> None:
    """So that it is not forty times as wide as it is high."""
    names = [f"stage_{n}" for n in range(40)]
    spec = SystemSpec(
        components=tuple(
            ComponentSpec(
                name=name,
                node="main",
                entry_point="robot:Stage",
                inputs=(PortSpec(name="x"),),
                outputs=(PortSpec(name="y"),),
            )
            for name in names
        ),
        connections=tuple(
            ConnectionSpec(source=f"{a}.y", target=f"{b}.x") for a, b in pairwise(names)
        ),
    )

    layout = layout_of(spec)

    assert len({box.y for box in layout.components}) == 4


def test_rows_are_pooled_around_what_they_want() -> None:
    """Three that want one row lie about it; who wants another keeps it."""
    assert spread([2, 2, 2, 9]) == [1, 2, 3, 9]


def test_a_long_name_is_cut_in_its_middle() -> None:
    """Both ends tell names apart."""
    assert shorten("left_shoulder_joint_controller", 100) == "left_s…roller"
