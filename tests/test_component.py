"""Components: names, ports, configs, and what may not be."""

import logging
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict
from unittest.mock import MagicMock

import numpy as np
import pytest

import like_keras_core as lk
from like_keras_core import Component, InputPort, Node, OutputPort, System
from like_keras_core.testing.components import Count, Scale


class Pose(NamedTuple):
    x: float
    y: float | None


class Reading(TypedDict):
    left: int
    right: int


@dataclass
class State:
    position: float
    speed: float


def names(ports: Any) -> list[str]:
    return [port.name for port in ports]


def test_the_default_name_is_the_class_in_snake_case() -> None:
    """A component is called after its class unless it says otherwise."""

    class HTTPFaceTracker(Component):
        def forward(self):
            return 1

    assert HTTPFaceTracker().name == "http_face_tracker"
    assert HTTPFaceTracker(name="eye").name == "eye"


def test_first_version_shapes_work() -> None:
    """The constructor shapes of the project's first users are all accepted."""

    class Vision(Component):
        def __init__(self, node=None):
            super().__init__("vision", node=node)
            self.seen = 0

        def forward(self, a, b):
            self.seen += 1
            return a + b

    class Generator(Component):
        @dataclass
        class Config:
            size: int = 3
            seed: int = 0

        def forward(self):
            return [self.config.seed] * self.config.size

    node = Node("jetson")
    vision = Vision(node=node)

    assert (vision.name, vision.node) == ("vision", node)
    assert names(vision.inputs) == ["a", "b"]
    assert Generator(config=Generator.Config(size=5, seed=42)).forward() == [42] * 5
    assert Generator().config == Generator.Config()


def test_ports_follow_the_annotations() -> None:
    """A NamedTuple, TypedDict or dataclass as result gives one port a field."""

    class A(Component):
        def forward(self, image: np.ndarray, gain: float = 1.0) -> Pose:
            return Pose(gain, None)

    class B(Component):
        def forward(self) -> Reading | None:
            return None

    class C(Component):
        def forward(self) -> State:
            return State(0, 0)

    class D(Component):
        def forward(self, x) -> None: ...

    class E(Component):
        def forward(self, x):
            self.x = x

    class F(Component):
        def forward(self, x):
            return 1 if x else None

    a = A()

    assert names(a.inputs) == ["image", "gain"]
    assert [port.required for port in a.inputs] == [True, False]
    assert a.inputs.image.type is np.ndarray
    assert names(a.outputs) == ["x", "y"]
    assert a.outputs.y.type is float
    assert names(B().outputs) == ["left", "right"]
    assert names(C().outputs) == ["position", "speed"]
    assert names(D().outputs) == names(E().outputs) == []
    assert names(F().outputs) == ["output"]


def test_declared_ports_replace_inferred_ones() -> None:
    """A declared input replaces the one of its name; declared outputs all of them."""

    class Env(Component):
        obs = OutputPort(np.ndarray, max_bytes=100)
        reward = OutputPort(float)
        action = InputPort(float, policy="hold")

        def forward(self, action: int, noise: float = 0.0): ...

    env = Env()

    assert names(env.inputs) == ["action", "noise"]
    assert (env.inputs.action.type, env.inputs.action.policy) == (float, "hold")
    assert names(env.outputs) == ["obs", "reward"]
    assert env.outputs.obs.options == {"max_bytes": 100}
    with pytest.raises(AttributeError, match=r"component\.outputs\.obs"):
        env.obs  # noqa: B018


def test_ports_belong_to_the_instance() -> None:
    """Two instances of a class share no port."""
    first, second = Scale(), Scale()

    first.inputs.value.policy = "hold"

    assert second.inputs.value.policy == "sync"


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"obs": 1, "reward": 2}, {"env.obs": [(0, 1)], "env.reward": [(0, 2)]}),
        ((1, None), {"env.obs": [(0, 1)], "env.reward": []}),
        ({"reward": 2}, {"env.obs": [], "env.reward": [(0, 2)]}),
        (None, {"env.obs": [], "env.reward": []}),
    ],
)
def test_declared_outputs_come_as_dict_or_tuple(result: Any, expected: Any) -> None:
    """What is left out, or None, is not sent."""

    class Env(Component):
        obs = OutputPort(int)
        reward = OutputPort(int)

        def forward(self):
            return result

    report = System([Env()]).run(1, record="all")

    assert report.records == expected


@pytest.mark.parametrize("result", [(1, 2, 3), {"other": 1}, 5])
def test_a_result_that_does_not_fit_is_an_error(result: Any) -> None:
    """The error names the class, the ports and what came instead."""

    class Env(Component):
        obs = OutputPort(int)
        reward = OutputPort(int)

        def forward(self):
            return result

    with pytest.raises(lk.ComponentError, match=r"(?s)obs, reward.*a dict, or a tuple"):
        System([Env()]).run(1, record="all")


def test_a_single_declared_output_may_be_returned_bare() -> None:
    """With one declared output the value itself will do."""

    class Policy(Component):
        action = OutputPort(float)

        def forward(self):
            return 0.5

    report = System([Policy()]).run(2, record="policy.action")

    assert report.records == {"policy.action": [(0, 0.5), (1, 0.5)]}


@pytest.mark.parametrize("name", ["", "a.b", "a b", "-a", 3, "ü/x"])
def test_a_bad_name_is_refused(name: Any) -> None:
    """A name can stand in an address."""
    with pytest.raises(ValueError, match="letters, digits"):
        Scale(name=name)


@pytest.mark.parametrize("every", [0, -1, 1.5, True])
def test_a_bad_every_is_refused(every: Any) -> None:
    """`every` counts ticks."""
    with pytest.raises(ValueError, match="counts ticks"):
        Count(every=every)


def test_a_node_must_be_a_node() -> None:
    """A name instead of a node is answered with the call that makes one."""
    with pytest.raises(TypeError, match=r"Write Node\('jetson'\)"):
        Scale(node="jetson")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("attribute", "cure"),
    [
        ("inputs", r"declared in the class: image = InputPort\(\.\.\.\)"),
        ("outputs", r"declared in the class: boxes = OutputPort\(\.\.\.\)"),
        ("name", r"super\(\).__init__\(name=\.\.\.\)"),
        ("node", r"super\(\).__init__\(node=\.\.\.\)"),
        ("every", r"super\(\).__init__\(every=\.\.\.\)"),
        ("config", "a dataclass called Config inside the class"),
        ("lifecycle_state", "where it stands"),
        ("on_click", "kept for the lifecycle hooks, .*: on_configure, on_activate"),
    ],
)
def test_reserved_names_cannot_be_defined(attribute: str, cure: str) -> None:
    """A class that would hide a component's own attribute is refused when made."""
    with pytest.raises(TypeError, match=f"Bad defines '{attribute}'.*{cure}") as caught:
        type("Bad", (Component,), {attribute: 1, "forward": lambda self: 1})

    assert str(caught.value).lower().endswith("choose another name.")


@pytest.mark.parametrize(
    ("attribute", "cure"),
    [
        ("inputs", "its input ports; they are the parameters of forward"),
        ("outputs", "its output ports; they are what forward returns"),
        ("lifecycle_state", "where it stands"),
        ("forward", "write it as a method of the class"),
        ("on_shutdown", "methods of the class"),
        ("on_click", "methods of the class"),
    ],
)
def test_reserved_names_cannot_be_assigned(attribute: str, cure: str) -> None:
    """A constructor that takes one is told what the name stands for."""

    class Bad(Component):
        def __init__(self) -> None:
            super().__init__()
            setattr(self, attribute, [])

        def forward(self) -> int:
            return 1

    match = f"Bad assigns '{attribute}'.*{cure}"
    with pytest.raises((AttributeError, TypeError), match=match) as caught:
        Bad()

    assert str(caught.value).lower().endswith("choose another name.")


@pytest.mark.parametrize(
    ("attribute", "value", "match"),
    [
        ("name", "front left", "component's name is made of letters.*got 'front left'"),
        (
            "node",
            5,
            "node of 'own', where it runs.*got 5. For an attribute of your own",
        ),
        ("every", 0.5, "every of 'own' counts ticks.*got 0.5. For an attribute of"),
    ],
)
def test_a_placement_that_is_meant_as_something_else_is_refused(
    attribute: str, value: Any, match: str
) -> None:
    """An author may not know that these names have a meaning."""

    class Own(Component):
        def __init__(self) -> None:
            super().__init__()
            setattr(self, attribute, value)

        def forward(self) -> int:
            return 1

    with pytest.raises((TypeError, ValueError), match=match):
        Own()


def test_reserved_names_are_explained_while_it_runs_too() -> None:
    """Assignments in `forward` are not watched, but ports stay ports."""

    class Bad(Component):
        def forward(self) -> int:
            self.outputs = [1]  # type: ignore[assignment]
            return 1

    with pytest.raises(lk.ComponentError, match="Bad assigns 'outputs'"):
        System([Bad()]).run(1)


def test_a_misspelt_lifecycle_hook_is_refused() -> None:
    """Names that begin with on_ are the lifecycle's."""
    with pytest.raises(TypeError, match="on_configure"):
        type("Bad", (Component,), {"on_configured": lambda self: 1})


def test_state_reset_and_step_are_free_for_users() -> None:
    """Only the documented names are kept."""

    class Free(Component):
        def reset(self):
            self.state = 0

        def step(self):
            self.state += 1
            return self.state

        def forward(self):
            if not hasattr(self, "state"):
                self.reset()
            return self.step()

    assert System([Free()]).run(3, record="all").records["free.output"][-1] == (2, 3)


@pytest.mark.parametrize("kind", ["async", "generator", "args"])
def test_a_forward_that_cannot_be_one_is_refused(kind: str) -> None:
    """A coroutine, a generator and *args are answered when the component is made."""

    class Async(Component):
        async def forward(self):
            return 1

    class Generator(Component):
        def forward(self):
            yield 1

    class Args(Component):
        def forward(self, *values):
            return values

    cls = {"async": Async, "generator": Generator, "args": Args}[kind]

    with pytest.raises(TypeError, match=r"plain function|name each input"):
        cls()


def test_a_config_without_defaults_must_be_given() -> None:
    """The error shows the call."""

    class Needy(Component):
        @dataclass
        class Config:
            size: int

        def forward(self):
            return self.config.size

    with pytest.raises(TypeError, match=r"Needy\(config=.*Needy\.Config\(\.\.\.\)\)"):
        Needy()


def test_an_annotation_that_cannot_be_resolved_counts_as_any() -> None:
    """It is a warning, and the component works."""

    class Vague(Component):
        def forward(self, x: "Missing") -> "Gone":  # type: ignore[name-defined]  # noqa: F821
            return x

    issues = System([Count(), Vague()]).validate()

    assert [issue.code for issue in issues] == ["unresolved-annotation"] * 2
    assert {issue.severity for issue in issues} == {"warning"}


def test_forgetting_super_init_gives_a_working_component() -> None:
    """Name, node, ports and config are there before the constructor runs."""

    class Forgetful(Component):
        def __init__(self):
            self.count = 1

        def forward(self):
            return self.count

    component = Forgetful()

    assert (component.name, component.node, component.config) == (
        "forgetful",
        None,
        None,
    )
    assert System([component]).run(1, record="all").records == {
        "forgetful.output": [(0, 1)]
    }


def test_a_value_may_have_any_attributes() -> None:
    """Only what is a component, system or port is wired; a mock is a value."""

    class Read(Component):
        def forward(self, device):
            return device.read()

    device = MagicMock()
    device.read.return_value = 7

    assert Read()(device) == 7
    with pytest.raises(TypeError, match=r"Pass its output"):
        Read()(System([Count()]))


def test_values_by_hand_are_computed() -> None:
    """Called with values a component is a function."""
    assert Scale()(21) == 42


def test_ports_and_values_do_not_mix() -> None:
    """The error names the value."""

    class Both(Component):
        def forward(self, a, b):
            return a

    with pytest.raises(TypeError, match="7 is a value"):
        Both()(Count().outputs.output, 7)


def test_log_records_carry_address_and_tick(caplog: pytest.LogCaptureFixture) -> None:
    """`self.log` knows where and when."""

    class Talker(Component):
        def forward(self, value):
            self.log.warning("saw %d", value)

    with caplog.at_level(logging.WARNING):
        System([Count(), Talker()]).run(2)

    found = [(record.address, record.tick) for record in caplog.records]  # type: ignore[attr-defined]
    assert found == [("talker", 0), ("talker", 1)]
    assert caplog.records[1].getMessage() == "[talker @ 1] saw 1"


def test_log_and_rng_may_be_the_authors_own() -> None:
    """An attribute of that name takes the place of ours."""

    class Own(Component):
        def __init__(self):
            super().__init__()
            self.log = []
            self.rng = 4

        def forward(self):
            self.log.append(self.rng)
            return len(self.log)

    assert System([Own()]).run(2, record="all").records["own.output"] == [
        (0, 1),
        (1, 2),
    ]


def test_rng_depends_on_seed_and_address_only() -> None:
    """The same seed gives the same numbers, another address others."""

    class Dice(Component):
        def forward(self) -> int:
            return int(self.rng.integers(1 << 60))

    def roll(seed: int) -> list[Any]:
        system = System([Dice(name="a"), Dice(name="b")])
        records = system.run(3, record="all", seed=seed).records
        return [records["a.output"], records["b.output"]]

    assert roll(1) == roll(1)
    assert roll(1) != roll(2)
    assert roll(1)[0] != roll(1)[1]


def test_what_only_reads_is_told_from_what_might_change() -> None:
    """Operators alone, or anything else."""
    from like_keras_core.authoring.forward_signature import only_reads

    def add(self, x):
        return x + self.gain if x > 0 else -x[0]

    def in_place(self, x):
        x += 1
        return x

    def item(self, x):
        x[0] = 1
        return x

    def keep(self, x):
        self.x = x
        return x

    def call(self, x):
        return x.sort()

    assert only_reads(add)
    assert not any(map(only_reads, (in_place, item, keep, call, len)))


def test_an_array_is_read_only_for_whoever_could_change_it() -> None:
    """Also behind a component that only reads, and passes it on."""

    class Image(Component):
        def forward(self):
            return np.zeros(3)

    class Pass(Component):
        def forward(self, x):
            return x

    class Change(Component):
        def forward(self, x):
            x[0] = 1

    with pytest.raises(lk.ComponentError, match="read-only"):
        System([Image(), Pass(), Change()]).run(1)
