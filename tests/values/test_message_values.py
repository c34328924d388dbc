"""Values as messages: nobody's later change reaches what was sent, kept or received."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

from like_keras_core import (
    Component,
    OutputPort,
    System,
    ValueMutationError,
)
from like_keras_core.values.config_json import encode
from like_keras_core.values.registry import register_type
from like_keras_core.values.semantics import fingerprint, protect, read_only, same
from tests.components import Count, Pass, Script, Sink, failed, run, values


@dataclass
class Image:
    """A mutable value with an array in it."""

    pixels: np.ndarray
    tags: list[str] = dataclasses.field(default_factory=list)


@dataclass(frozen=True)
class FrozenImage:
    """An immutable value with a mutable array in it."""

    pixels: np.ndarray


@dataclass(frozen=True, slots=True)
class SlottedImage:
    """As FrozenImage, without a `__dict__`."""

    pixels: np.ndarray


@dataclass(frozen=True)
class Uncopyable:
    """As SlottedImage, but written in a way that `copy.copy` cannot do."""

    __slots__ = ("pixels",)
    pixels: np.ndarray


class Scan(NamedTuple):
    """A named tuple with an array in it."""

    angle: float
    ranges: np.ndarray


def make(n: int) -> np.ndarray:
    """Return an array that tells `n`."""
    return np.full(3, float(n))


class ListReuser(Component):
    """Writes over the list that it sent before."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.buffer: list[Any] = [-1, [-1]]

    def forward(self) -> list[Any]:
        self.buffer[0] += 1
        self.buffer[1][0] += 1
        return self.buffer


class ArrayReuser(Component):
    """Writes over the array that it sent before."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.buffer = make(-1)

    def forward(self) -> np.ndarray:
        self.buffer += 1
        return self.buffer


class UntypedReuser(Component):
    """Writes over a value whose type nobody knows before."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name)
        self.buffer = {"image": Image(make(-1))}

    def forward(self):
        self.buffer["image"].pixels += 1
        self.buffer["image"].tags.append("x")
        return self.buffer


REUSERS: dict[type[Component], Callable[[int], Any]] = {
    ListReuser: lambda n: [n, [n]],
    ArrayReuser: make,
    UntypedReuser: lambda n: {"image": Image(make(n), ["x"] * (n + 1))},
}


@pytest.mark.parametrize("reuser", REUSERS)
def test_what_is_recorded_is_safe_from_its_producer(reuser: type[Component]) -> None:
    """Each tick's record is the value of that tick."""
    report = run(System([reuser("source")]), 3)

    expected = [REUSERS[reuser](n) for n in range(3)]
    assert same(values(report, "source.output"), expected)


@pytest.mark.parametrize("reuser", REUSERS)
def test_what_is_recorded_of_a_value_passed_on_is_safe_too(
    reuser: type[Component],
) -> None:
    """Whoever sent it on."""
    report = run(System([reuser(), Pass("relay")]), 3)

    expected = [REUSERS[reuser](n) for n in range(3)]
    assert same(values(report, "relay.output"), expected)


class Keeper(Component):
    """Sends on what it holds."""

    def forward(self, held: Any, trigger: Any) -> Any:
        return held


@pytest.mark.parametrize("reuser", REUSERS)
@pytest.mark.parametrize("policy", ["hold", "latest"])
def test_what_is_held_is_safe_from_its_producer(
    reuser: type[Component], policy: str
) -> None:
    """A value that was passed on at tick 0 is still that value at tick 2."""
    source, gate, keeper = reuser("source"), Gate([0]), Keeper()
    gate(source.outputs.output)
    keeper.inputs.held.policy = policy
    keeper(gate.outputs.output, source.outputs.output)

    report = run(System([source, gate, keeper]), 3)

    assert same(values(report, "keeper.output"), [REUSERS[reuser](0)] * 3)


class Gate(Component):
    """Passes values on at some of its firings."""

    def __init__(self, opens: list[int]) -> None:
        super().__init__()
        self.opens, self.fired = opens, 0

    def forward(self, value: Any) -> Any:
        self.fired += 1
        return value if self.fired - 1 in self.opens else None


@pytest.mark.parametrize("reuser", REUSERS)
@pytest.mark.parametrize("first", ["producer first", "consumer first"])
def test_what_is_delayed_is_safe_from_its_producer(
    reuser: type[Component], first: str
) -> None:
    """It is the value of the tick before, though the producer fires again first."""
    source, relay = reuser("source"), Pass("relay")
    relay(source.outputs.output.delay(initial=None))
    parts = [source, relay] if first == "producer first" else [relay, source]

    report = run(System(parts), 4)

    expected = [REUSERS[reuser](n) for n in range(3)]
    assert same(values(report, "relay.output"), expected)


def test_the_initial_value_of_a_delay_is_the_launchs_own() -> None:
    """What its author does to it after the launch began, or it to it, stays apart."""
    initial = [1, [2]]
    count, sink = Script([]), Sink()
    sink(count.outputs.output.delay(initial=initial))
    system = System([count, sink])
    spec = system.to_spec()

    first = run(system, 1)
    first.instances["sink"].received[0][1].append("changed")
    second = run(system, 1)

    assert initial == [1, [2]]
    assert second.instances["sink"].received == [[1, [2]]]
    assert system.to_spec() == spec


def inside(array: np.ndarray) -> dict[str, tuple[Any, Callable[[Any], np.ndarray]]]:
    """Return values with an array in them, and where it is."""
    twice = [array]
    return {
        "array": (array, lambda v: v),
        "slice": (array[1:], lambda v: v),
        "scalar array": (np.array(1.0), lambda v: v),
        "list": ([0, array], lambda v: v[1]),
        "tuple": ((array, 0), lambda v: v[0]),
        "dict": ({"a": array}, lambda v: v["a"]),
        "dict in list": ([{"a": (array,)}], lambda v: v[0]["a"][0]),
        "named tuple": (Scan(0.0, array), lambda v: v.ranges),
        "dataclass": (Image(array), lambda v: v.pixels),
        "frozen dataclass": (FrozenImage(array), lambda v: v.pixels),
        "slotted dataclass": (SlottedImage(array), lambda v: v.pixels),
        "dataclass in dict": ({"i": Image(array)}, lambda v: v["i"].pixels),
        "ordered dict": (OrderedDict(a=array), lambda v: v["a"]),
        "list twice, first": ({"a": twice, "b": twice}, lambda v: v["a"][0]),
        "list twice, second": ({"a": twice, "b": twice}, lambda v: v["b"][0]),
        "image twice": ([image := Image(array), image], lambda v: v[1].pixels),
    }


@pytest.mark.parametrize("how", ["sync", "hold", "latest", "delay"])
@pytest.mark.parametrize("where", inside(make(0)))
def test_an_array_that_arrives_is_read_only(where: str, how: str) -> None:
    """Wherever in the value it is, and whichever way it came."""
    value, find = inside(make(0))[where]
    source, sink = Script([value]), Sink()
    if how == "delay":
        sink(source.outputs.output.delay(initial=None))
    else:
        sink.inputs.value.policy = how
        sink(source.outputs.output)

    System([source, sink]).launch(2, engine="native")

    received = next(v for v in sink.received if v is not None)
    assert not find(received).flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        find(received)[...] = 1


@pytest.mark.parametrize(
    "array",
    [np.array(1.0), np.zeros(0), np.zeros(3), np.zeros(6)[::2], np.zeros((2, 2)).T],
    ids=["no axis", "empty", "owner", "view", "turned"],
)
def test_an_array_of_any_form_is_read_only_for_its_reader(array: np.ndarray) -> None:
    """And can still be changed by whoever made it."""
    found = read_only(array)

    assert (found.flags.writeable, array.flags.writeable) == (False, True)
    assert np.shares_memory(found, array) or not array.size
    assert read_only(found) is found


def test_a_scalar_that_can_be_changed_is_no_array() -> None:
    """One of a structured dtype is, in memory that others see."""
    with pytest.raises(ValueError, match="array scalars"):
        read_only(np.zeros(2, [("a", float)])[0])


def test_a_value_around_read_only_arrays_is_not_rebuilt() -> None:
    """There is nothing to protect."""
    array = make(0)
    array.setflags(write=False)
    value = [array, {"a": Image(array)}]

    assert protect(value) is value


def test_a_value_that_nobody_keeps_need_not_be_copyable() -> None:
    """Its arrays are read-only nevertheless."""
    source, sink = Script([Uncopyable(make(0))]), Sink()

    System([source, sink]).launch(1, engine="native")

    assert not sink.received[0].pixels.flags.writeable


def test_an_array_as_the_initial_value_of_a_delay_is_read_only() -> None:
    """As any other that arrives."""
    source, sink = Script([]), Sink()
    sink(source.outputs.output.delay(initial={"a": make(0)}))

    System([source, sink]).launch(1, engine="native")

    assert not sink.received[0]["a"].flags.writeable


class Annotated(Component):
    """Sends arrays on outputs whose types say so, more or less."""

    array = OutputPort(np.ndarray)
    maybe = OutputPort(np.ndarray | None)
    listed = OutputPort(list[np.ndarray])
    image = OutputPort(Image)
    anything = OutputPort(object)

    def forward(self) -> Any:
        return make(0), make(0), [make(0)], Image(make(0)), make(0)


@pytest.mark.parametrize(
    ("port", "find"),
    [
        ("array", lambda v: v),
        ("maybe", lambda v: v),
        ("listed", lambda v: v[0]),
        ("image", lambda v: v.pixels),
        ("anything", lambda v: v),
    ],
)
def test_an_array_is_read_only_whatever_its_port_is_annotated_with(
    port: str, find: Callable[[Any], np.ndarray]
) -> None:
    """The annotation may save work, never the promise."""
    source, sink = Annotated(), Sink()
    sink(source.outputs[port])

    System([source, sink]).launch(1, engine="native")

    assert not find(sink.received[0]).flags.writeable


def test_a_value_may_change_its_type_from_tick_to_tick() -> None:
    """An array after a thousand numbers is read-only all the same."""
    lines = [*range(200), make(0), 1, 2, make(1), "x", [make(2)]]
    source, sink = Script(lines), Sink()

    System([source, sink]).launch(len(lines), engine="native")

    assert same(sink.received, lines)
    arrays = [sink.received[200], sink.received[203], sink.received[205][0]]
    assert [array.flags.writeable for array in arrays] == [False] * 3


def test_a_value_that_keeps_its_type_is_protected_at_every_tick() -> None:
    """What has no arrays at first may have one later."""
    lines: list[Any] = [[n] for n in range(100)] + [[make(n)] for n in range(600)]
    source, sink = Script(lines), Sink()

    System([source, sink]).launch(len(lines), engine="native")

    assert not any(array.flags.writeable for (array,) in sink.received[100:])


def test_the_producers_own_array_stays_writable() -> None:
    """Only the view that the others get is protected."""
    array = make(0)
    box = [array, {"a": array}]

    System([Script([array, box]), Sink()]).launch(2, engine="native")

    assert array.flags.writeable
    assert box[0] is array


class Mutator(Component):
    """Changes what it receives."""

    def __init__(
        self, change: Callable[[Any], object], name: str | None = None
    ) -> None:
        super().__init__(name)
        self.change = change

    def forward(self, value: Any) -> int:
        if value is not None:
            self.change(value)
        return 0


class Bag:
    """A mutable value of no known kind."""

    def __init__(self) -> None:
        self.items = [1]


CHANGES: dict[str, tuple[Any, Callable[[Any], object]]] = {
    "list": ([1], lambda v: v.append(2)),
    "inner list": ({"a": ([1],)}, lambda v: v["a"][0].append(2)),
    "dict": ({"a": 1}, lambda v: v.update(a=2)),
    "order of a dict": ({"a": 1, "b": 2}, lambda v: v.update(a=v.pop("a"))),
    "set": ({1}, lambda v: v.add(2)),
    "bytearray": (bytearray(b"a"), lambda v: v.append(1)),
    "dataclass": (Image(make(0)), lambda v: v.tags.append("x")),
    "object": (Bag(), lambda v: v.items.append(2)),
    "type of an item": ([1], lambda v: v.__setitem__(0, 1.0)),
    "sign of zero": ([0.0], lambda v: v.__setitem__(0, -0.0)),
    "array by force": (
        [make(0)],
        lambda v: v[0].base.__setitem__(0, 9.0),
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_check_values_names_who_changed_what_it_received(what: str) -> None:
    """Of several that received it, and of those that passed it on."""
    value, change = CHANGES[what]
    source, relay = Script([None, value]), Pass("relay")
    good, bad, late = Sink("good"), Mutator(change, "bad"), Sink("late")
    for part in (relay, good):
        part(source.outputs.output)
    bad(relay.outputs.output)
    late(source.outputs.output)

    error = failed(System([source, relay, good, bad, late]), 3, check_values=True)

    assert (error.component, error.tick) == ("bad", 1)
    assert isinstance(error.__cause__, ValueMutationError)
    assert (error.__cause__.component, error.__cause__.port) == ("bad", "bad.value")


@pytest.mark.parametrize("how", ["hold", "latest", "delay"])
def test_check_values_looks_at_held_and_delayed_values_too(how: str) -> None:
    """They belong to everybody as well."""
    source, bad = Script([[1]]), Mutator(lambda v: v.append(2), "bad")
    if how == "delay":
        bad(source.outputs.output.delay(initial=None))
    else:
        bad.inputs.value.policy = how
        bad(source.outputs.output)

    error = failed(System([source, bad]), 3, check_values=True)

    assert error.component == "bad"
    assert isinstance(error.__cause__, ValueMutationError)


def test_check_values_names_who_changed_what_it_never_received() -> None:
    """Between the emission and the last reader."""
    shared: list[list[int]] = [[0]]
    source, trigger = Sharer(shared), Count()
    meddler, sink = Meddler(shared), Sink()
    meddler(trigger())
    sink(source.outputs.output)

    error = failed(System([source, trigger, meddler, sink]), 3, check_values=True)

    assert isinstance(error.__cause__, ValueMutationError)
    assert error.component == "meddler"


class Sharer(Component):
    """Sends a list that somebody else has too."""

    def __init__(self, shared: list[list[int]]) -> None:
        super().__init__()
        self.shared = shared

    def forward(self) -> list[int]:
        return self.shared[0]


class Meddler(Component):
    """Changes a list that it never received."""

    def __init__(self, shared: list[list[int]]) -> None:
        super().__init__()
        self.shared = shared

    def forward(self, value: int) -> int:
        self.shared[0].append(value)
        return value


@pytest.mark.parametrize("kind", REUSERS)
def test_check_values_names_who_uses_a_buffer_again(kind: type[Component]) -> None:
    """Lists, arrays and dataclasses: others may have them still, or have copies."""
    error = failed(System([kind("camera"), Pass(), Sink()]), 3, check_values=True)

    assert (error.component, error.tick) == ("camera", 1)
    assert isinstance(error.__cause__, ValueMutationError)
    assert error.__cause__.sent_at == 0
    assert "which it had sent at tick 0" in str(error)
    assert "buffer.copy()" in str(error)


class Ring(Component):
    """Uses several buffers in turn, as drivers do."""

    def __init__(self, size: int = 3) -> None:
        super().__init__()
        self.buffers = [make(-1) for _ in range(size)]
        self.count = -1

    def forward(self) -> np.ndarray:
        self.count += 1
        buffer = self.buffers[self.count % len(self.buffers)]
        buffer[:] = self.count
        return buffer


def test_check_values_sees_buffers_that_are_used_in_turn() -> None:
    """The value of several ticks ago is looked at, too."""
    error = failed(System([Ring(), Sink()]), 6, check_values=True)

    assert (error.component, error.tick) == ("ring", 3)


def test_check_values_looks_again_at_the_end() -> None:
    """A driver may write the next frame into the last one that was sent."""
    shared: list[list[int]] = [[0]]
    source, sink = Sharer(shared), Sink()
    trigger, meddler = Count(), Meddler(shared)
    sink(source.outputs.output)
    meddler(trigger())

    error = failed(System([source, sink, trigger, meddler]), 1, check_values=True)

    assert (error.component, error.tick) == ("sharer", None)
    assert isinstance(error.__cause__, ValueMutationError)
    assert error.__cause__.sent_at == 0


def test_check_values_accepts_what_changes_nothing() -> None:
    """One value may be sent again and again."""
    shared: list[list[int]] = [[0]]

    report = run(System([Sharer(shared), Pass(), Sink()]), 3, check_values=True)

    assert report.iterations == 3


def test_check_values_changes_no_result() -> None:
    """Records are the same with it and without."""
    runs = [
        run(System([Script([[1], {"a": make(0)}]), Pass()]), 2, check_values=check)
        for check in (False, True)
    ]

    assert same(*(dict(report.records) for report in runs))


def test_without_check_values_a_change_goes_unnoticed() -> None:
    """Nothing is paid for what was not asked for."""
    bad = Mutator(lambda v: v.append(2), "bad")

    report = run(System([Script([[1]]), bad]), 1)

    assert report.iterations == 1


SAME: list[tuple[Any, Any]] = [
    (float("nan"), float("nan")),
    ([1, (2.0, "x")], [1, (2.0, "x")]),
    (np.array([1.0, np.nan]), np.array([1.0, np.nan])),
    (np.asfortranarray(np.eye(2)), np.eye(2)),
    (np.float32(1), np.float32(1)),
    ({"a": make(1)}, {"a": make(1)}),
    (Scan(0.0, make(1)), Scan(0.0, make(1))),
    ({1, 2}, {2, 1}),
    ({float("nan")}, {float("nan")}),
]
DIFFERENT: list[tuple[Any, Any]] = [
    (1, 1.0),
    (1, True),
    (0.0, -0.0),
    ((1,), [1]),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({1: 0}, {1.0: 0}),
    ([1], [1, 2]),
    (np.zeros(2), np.zeros(2, np.float32)),
    (np.zeros((1, 2)), np.zeros((2, 1))),
    (np.zeros(1), np.array([-0.0])),
    (np.float64(1), 1.0),
    (Scan(0.0, make(1)), (0.0, make(1))),
    ({1}, {True}),
    ({0.0}, {-0.0}),
    (Image(make(1)), Image(make(2))),
    ([float("nan")], [0.0]),
]


@pytest.mark.parametrize("pair", SAME)
def test_equal_messages_are_the_same(pair: tuple[Any, Any]) -> None:
    """NaN equals NaN, and how an array lies in memory is nobody's business."""
    assert same(*pair)


@pytest.mark.parametrize("pair", DIFFERENT)
def test_messages_that_differ_in_any_way_are_not_the_same(
    pair: tuple[Any, Any],
) -> None:
    """Types, shapes, the order and types of keys, the sign of zero."""
    assert not same(*pair)


class Reading:
    """A value whose own equality says nothing: what is saved of it counts."""

    __slots__ = ("data",)

    def __init__(self, data: np.ndarray) -> None:
        self.data = data


register_type(Reading, lambda value: value.data, Reading)


def test_registered_values_are_equal_when_what_is_saved_of_them_is() -> None:
    """Whatever their class thinks of equality; NaN equals NaN there too."""
    first, again = (Reading(np.array([1.0, np.nan])) for _ in range(2))
    other = Reading(np.array([1.0, 2.0]))

    assert same(first, again)
    assert not same(first, other)
    assert fingerprint(first) == fingerprint(again) != fingerprint(other)


def padded(values: list[float], dtype: Any, rest: int) -> np.ndarray:
    """Return an array whose bytes that say nothing are `rest`, where it has such."""
    array = np.array(values, dtype)
    if np.finfo(np.longdouble).nmant == 63:
        size = np.dtype(np.longdouble).itemsize
        array.view(np.uint8).reshape(-1, size)[:, 10:] = rest
    return array


@pytest.mark.parametrize("dtype", [np.longdouble, np.clongdouble])
def test_what_pads_a_wide_float_says_nothing(dtype: Any) -> None:
    """Neither in a comparison nor in a fingerprint, nor in what is saved."""
    one, two = (padded([1, -0.0, np.nan], dtype, rest) for rest in (1, 2))

    assert same(one, two)
    assert same(one[0], two[0])
    assert fingerprint(one) == fingerprint(two)
    assert encode(one) == encode(two)
    assert not same(one, padded([1, 0.0, np.nan], dtype, 1))


def test_gaps_in_a_structure_say_nothing() -> None:
    """Its fields are compared, each as an array is."""
    dtype = np.dtype([("a", "u1"), ("b", "f8")], align=True)
    one, two = np.empty(2, dtype), np.empty(2, dtype)
    for n, array in enumerate((one, two)):
        array.view(np.uint8)[:] = n
        array["a"], array["b"] = 1, [0.5, np.nan]

    assert same(one, two)
    assert fingerprint(one) == fingerprint(two)
    two["b"][0] = -0.0
    assert not same(one, two)
