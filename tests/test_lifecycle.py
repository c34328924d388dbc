"""The life of components: state, randomness, lifecycle, interruptions."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from like_keras_core import (
    Component,
    ComponentError,
    EndOfStream,
    LifecycleState,
    LkWarning,
    LoadError,
    System,
    Tap,
)
from like_keras_core.values.semantics import same
from tests.components import Count, Pass, Script, Sink, counts, failed, run, values

PHASES = ("on_configure", "on_activate", "forward", "on_deactivate", "on_shutdown")

_diary: list[str] = []


@pytest.fixture(autouse=True)
def diary() -> list[str]:
    """What the components of this test wrote down."""
    _diary.clear()
    return _diary


class Diarist(Component):
    """Writes down each hook, and its state in it; raises what it was told to.

    Args:
        name: Its name.
        raises: The exceptions to raise, by phase.
    """

    def __init__(
        self, name: str, raises: dict[str, BaseException] | None = None
    ) -> None:
        super().__init__(name)
        self.raises = raises or {}
        self.states: list[LifecycleState] = []

    def enter(self, phase: str) -> None:
        _diary.append(f"{self.name} {phase}")
        self.states.append(self.lifecycle_state)
        if phase in self.raises:
            raise self.raises[phase]

    def on_configure(self) -> None:
        self.enter("on_configure")

    def on_activate(self) -> None:
        self.enter("on_activate")

    def forward(self, value: int = 0) -> int:
        self.enter("forward")
        return value

    def on_deactivate(self) -> None:
        self.enter("on_deactivate")

    def on_shutdown(self) -> None:
        self.enter("on_shutdown")


def three(phase: str = "", error: BaseException | None = None) -> System:
    """Return a chain of a, b and c, listed as c, b, a; b raises `error` in `phase`."""
    raises = {} if error is None else {phase: error}
    a, b, c = Diarist("a"), Diarist("b", raises), Diarist("c")
    b.inputs.value.connect(a.outputs.output)
    c.inputs.value.connect(b.outputs.output)
    return System([c, b, a])


def written(phase: str) -> list[str]:
    """Return who wrote in a phase, in order."""
    return [line.split()[0] for line in _diary if line.endswith(f" {phase}")]


def test_each_phase_is_finished_before_the_next_begins() -> None:
    """In execution order on the way up, in its reverse on the way down."""
    run(three(), 1)

    assert _diary == [
        *("a on_configure", "b on_configure", "c on_configure"),
        *("a on_activate", "b on_activate", "c on_activate"),
        *("a forward", "b forward", "c forward"),
        *("c on_deactivate", "b on_deactivate", "a on_deactivate"),
        *("c on_shutdown", "b on_shutdown", "a on_shutdown"),
    ]


def test_a_component_knows_its_state() -> None:
    """A hook leads to the next state; it is not there yet."""
    component = Diarist("a")
    before = component.lifecycle_state

    run(System([component]), 1)

    assert before is LifecycleState.UNCONFIGURED
    assert component.states == [
        LifecycleState.UNCONFIGURED,
        LifecycleState.INACTIVE,
        LifecycleState.ACTIVE,
        LifecycleState.ACTIVE,
        LifecycleState.INACTIVE,
    ]
    assert component.lifecycle_state is LifecycleState.FINALIZED


@pytest.mark.parametrize("iterations", [0, 3])
def test_the_hooks_are_called_once_however_many_ticks_there_are(
    iterations: int,
) -> None:
    """Also without any."""
    run(System([Diarist("a")]), iterations)

    assert [written(phase) for phase in PHASES if phase != "forward"] == [["a"]] * 4
    assert written("forward") == ["a"] * iterations


def test_the_hooks_are_called_after_an_end_of_stream() -> None:
    """An end is nothing exceptional."""
    run(three("forward", EndOfStream()), None)

    assert written("on_deactivate") == written("on_shutdown") == ["c", "b", "a"]


def test_a_failure_to_configure_shuts_down_what_was_configured() -> None:
    """Not the one that failed, and nothing is activated."""
    error = failed(three("on_configure", ValueError("broken")), 1)

    assert (error.component, error.phase, error.tick) == ("b", "on_configure", None)
    assert _diary == ["a on_configure", "b on_configure", "a on_shutdown"]


def test_a_failure_to_activate_deactivates_what_was_active() -> None:
    """And shuts down all, since all were configured."""
    error = failed(three("on_activate", ValueError("broken")), 1)

    assert (error.component, error.phase, error.tick) == ("b", "on_activate", None)
    assert written("on_activate") == ["a", "b"]
    assert written("forward") == []
    assert written("on_deactivate") == ["a"]
    assert written("on_shutdown") == ["c", "b", "a"]


def test_a_failure_in_a_tick_takes_everybody_down() -> None:
    """The one that failed too: it gives back what it took."""
    error = failed(three("forward", ValueError("broken")), 1)

    assert (error.component, error.phase, error.tick) == ("b", "forward", 0)
    assert written("forward") == ["a", "b"]
    assert written("on_deactivate") == written("on_shutdown") == ["c", "b", "a"]


@pytest.mark.parametrize("phase", ["on_deactivate", "on_shutdown"])
def test_a_failure_on_the_way_down_stops_nobody_elses_way(phase: str) -> None:
    """The whole run counts, and the error says what happened."""
    error = failed(three(phase, ValueError("broken")), 2)

    assert (error.component, error.phase, error.tick) == ("b", phase, None)
    assert written("on_deactivate") == written("on_shutdown") == ["c", "b", "a"]
    assert error.report is not None
    assert error.report.iterations == 2
    assert counts(error.report) == {"c": (2, 0), "b": (2, 0), "a": (2, 0)}


def test_the_first_failure_is_the_one_that_is_raised() -> None:
    """What fails while cleaning up does not hide why."""
    first, second = ValueError("first"), ValueError("second")
    system = System([Diarist("a", {"forward": first, "on_shutdown": second})])

    error = failed(system, 1)

    assert error.phase == "forward"
    assert error.__cause__ is first


@pytest.mark.parametrize("phase", ["on_configure", "on_activate"])
def test_a_failing_hook_before_tick_0_ends_the_run_by_error(phase: str) -> None:
    """The report says so, and that nothing has fired."""
    error = failed(three(phase, ValueError("broken")), 5)

    assert error.report is not None
    assert error.report.ended_by == "error"
    assert error.report.iterations == 0
    assert counts(error.report) == {"c": (0, 0), "b": (0, 0), "a": (0, 0)}


def test_an_end_of_stream_in_a_hook_is_an_error() -> None:
    """There is no tick that it could end."""
    error = failed(three("on_activate", EndOfStream()), 1)

    assert isinstance(error.__cause__, EndOfStream)
    assert (error.component, error.phase) == ("b", "on_activate")
    assert "EndOfStream() ends a run from forward only" in str(error)


def test_one_exception_object_may_be_raised_by_several_launches() -> None:
    """What an earlier launch left in its traceback misleads nobody."""
    broken = ValueError("broken")

    first = failed(System([Count(), Diarist("x", {"forward": broken})]), 1)
    second = failed(System([Diarist("y", {"forward": broken})]), 1)

    assert (first.component, second.component) == ("x", "y")


class Interrupter(Component):
    """Sends this process a Ctrl-C, once or more often.

    Args:
        phase: Where.
        times: How often.
        number: Another signal to send.
    """

    def __init__(
        self, phase: str, times: int, number: signal.Signals = signal.SIGINT
    ) -> None:
        super().__init__()
        self.phase, self.times, self.number = phase, times, number
        self.fired = 0

    def press(self, phase: str) -> None:
        _diary.append(f"interrupter {phase}")
        if phase == self.phase:
            for _ in range(self.times):
                signal.raise_signal(self.number)

    def on_configure(self) -> None:
        self.press("on_configure")

    def on_activate(self) -> None:
        self.press("on_activate")

    def forward(self) -> int:
        self.fired += 1
        if self.fired == 3:
            self.press("forward")
        return 0

    def on_deactivate(self) -> None:
        self.press("on_deactivate")

    def on_shutdown(self) -> None:
        self.press("on_shutdown")


@pytest.mark.usefixtures("ctrl_c")
def test_the_first_ctrl_c_ends_the_run_after_its_tick() -> None:
    """As stop() does, and the report says what it was."""
    report = run(System([Interrupter("forward", 1), Sink()]), None)

    assert report.ended_by == "interrupt"
    assert report.iterations == 3
    assert counts(report) == {"interrupter": (3, 0), "sink": (3, 0)}
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("phase", PHASES)
def test_a_second_ctrl_c_interrupts_and_still_cleans_up(phase: str) -> None:
    """Wherever it comes, whoever was configured is shut down."""
    system = System([Diarist("a"), Interrupter(phase, 2), Diarist("z")])

    with pytest.raises(KeyboardInterrupt):
        run(system, 10)

    up = ["a"] if phase == "on_configure" else ["a", "z"]
    active = up if phase in ("forward", "on_deactivate", "on_shutdown") else up[:-1]
    others = set("az")
    assert [name for name in written("on_configure") if name in others] == up
    down = [name for name in written("on_deactivate") if name in others]
    assert down == (active[::-1] if phase != "on_configure" else [])
    assert [name for name in written("on_shutdown") if name in others] == up[::-1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("ctrl_c")
def test_a_program_with_its_own_ctrl_c_keeps_it() -> None:
    """A launch does not take it away."""
    heard: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))

    report = run(System([Interrupter("forward", 1)]), 5)

    assert report.iterations == 5
    assert heard == [signal.SIGINT]


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize(
    "error",
    [
        SystemExit(3),
        KeyboardInterrupt(),
        GeneratorExit(),
        asyncio.CancelledError(),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.usefixtures("ctrl_c")
def test_whatever_a_component_raises_is_its_failure(
    phase: str, error: BaseException
) -> None:
    """With its name, phase and tick, the report, and what was configured shut down."""
    caught = failed(three(phase, error), 1)

    assert (caught.component, caught.phase) == ("b", phase)
    assert caught.tick == (0 if phase == "forward" else None)
    assert type(error).__name__ in str(caught)
    assert type(error).__name__ in caught.traceback
    assert caught.report is not None
    configured = ["a"] if phase == "on_configure" else ["a", "b", "c"]
    assert written("on_shutdown") == configured[::-1]


class Wordless(Exception):
    """Cannot be printed, changed or sent to another process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.is_made = True

    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__

    def __setattr__(self, name: str, value: Any) -> None:
        if "is_made" in vars(self):
            raise AttributeError(name)
        super().__setattr__(name, value)


class Secretive(Component):
    """Raises what cannot be printed, in one phase of its life."""

    def __init__(self, phase: str) -> None:
        super().__init__()
        self.phase = phase

    def enter(self, phase: str) -> None:
        if phase == self.phase:
            raise Wordless

    def on_configure(self) -> None:
        self.enter("on_configure")

    def on_activate(self) -> None:
        self.enter("on_activate")

    def forward(self) -> int:
        self.enter("forward")
        return 0

    def on_deactivate(self) -> None:
        self.enter("on_deactivate")

    def on_shutdown(self) -> None:
        self.enter("on_shutdown")


@pytest.mark.parametrize("phase", PHASES)
def test_an_exception_that_cannot_be_printed_is_named_by_its_type(phase: str) -> None:
    """It may refuse attributes, too, as a frozen dataclass does."""
    caught = failed(System([Secretive(phase), Sink()]), 1)

    assert (caught.component, caught.phase) == ("secretive", phase)
    assert "Wordless: (str of it raised ValueError)" in str(caught)
    assert "in enter" in caught.traceback
    assert caught.report is not None


@pytest.mark.parametrize("phase", PHASES)
def test_what_a_handler_of_the_program_raises_is_the_programs(phase: str) -> None:
    """Such as `sys.exit` at SIGTERM: it leaves the launch, after the hooks."""

    def leave(number: int, frame: object) -> None:
        sys.exit(7)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        with pytest.raises(SystemExit) as caught:
            run(System([Diarist("a"), Interrupter(phase, 1, signal.SIGTERM)]), 10)
    finally:
        signal.signal(signal.SIGTERM, before)

    assert caught.value.code == 7
    assert "a" in written("on_shutdown")


def test_a_launch_works_outside_the_main_thread() -> None:
    """Where Python allows no signal handlers."""
    reports: list[Any] = []
    thread = threading.Thread(target=lambda: reports.append(run(three(), 3)))

    thread.start()
    thread.join()

    assert counts(reports[0]) == {"c": (3, 0), "b": (3, 0), "a": (3, 0)}


def test_two_systems_run_side_by_side() -> None:
    """Each in its own thread, without mixing anything up."""
    barrier, reports = threading.Barrier(2), dict[str, Any]()

    def launch(name: str) -> None:
        system = System([Meeting(name, barrier), Sink(f"sink_{name}")])
        reports[name] = run(system, 5)

    threads = [threading.Thread(target=launch, args=[name]) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {name: counts(report) for name, report in reports.items()} == {
        name: {name: (5, 0), f"sink_{name}": (5, 0)} for name in "ab"
    }


class Meeting(Component):
    """Waits at each tick for its like in another system."""

    def __init__(self, name: str, barrier: threading.Barrier) -> None:
        super().__init__(name)
        self.barrier = barrier

    def forward(self) -> str:
        self.barrier.wait(60)
        return self.name


class Random(Component):
    """Gives what its generator gives."""

    def forward(self) -> int:
        return int(self.rng.integers(2**62))


def draws(seed: int, names: list[str]) -> dict[str, list[int]]:
    """Return what the generators of that names give in a launch of that seed."""
    report = run(System([Random(name) for name in names]), 3, seed=seed)
    return {name: values(report, f"{name}.output") for name in names}


def test_a_generator_is_the_same_for_the_same_seed_and_address() -> None:
    """Whatever else there is in the system."""
    assert draws(1, ["a", "b"]) == draws(1, ["a", "b"])
    assert draws(1, ["a", "b"])["b"] == draws(1, ["c", "b", "d"])["b"]


def test_a_generator_differs_by_seed_and_by_address() -> None:
    """No two are alike."""
    found = [tuple(d) for seed in (0, 1, 2) for d in draws(seed, ["a", "b"]).values()]

    assert len(set(found)) == 6


def test_a_generator_depends_on_the_path_in_a_nested_system() -> None:
    """Two subsystems of one kind draw different numbers."""
    system = System([System([Random()], name="left"), System([Random()], name="right")])

    report = run(system, 3)

    assert values(report, "left.random.output") != values(report, "right.random.output")


def test_a_generator_begins_anew_in_each_launch() -> None:
    """The same system gives the same numbers again."""
    system = System([Random()])

    first, second = run(system, 3, seed=5), run(system, 3, seed=5)

    assert values(first, "random.output") == values(second, "random.output")


@dataclass
class Limits:
    """A config that its component changes."""

    low: int = 0
    seen: list[int] = field(default_factory=list)


class Stateful(Component):
    """Changes everything that it has: itself, its config, its argument."""

    def __init__(self, box: list[int], config: Limits | None = None) -> None:
        super().__init__(config=config or Limits())
        self.box, self.count = box, 0

    def forward(self) -> list[Any]:
        self.count += 1
        self.config.low += 1
        self.config.seen.append(self.count)
        self.box.append(self.count)
        return [self.count, self.config.low, list(self.config.seen), list(self.box)]


def test_no_launch_sees_what_another_left() -> None:
    """Neither in attributes, nor in the config, nor in a constructor argument."""
    system = System([Stateful([0], Limits(low=10))])

    first, second, third = (run(system, 3) for _ in range(3))

    assert values(first, "stateful.output")[0] == [1, 11, [1], [0, 1]]
    assert dict(first.records) == dict(second.records) == dict(third.records)


def test_the_author_may_use_the_argument_again_for_another_component() -> None:
    """What one launch changed in it does not reach a later launch of the other."""
    box = [0]
    one, two = Stateful(box), Stateful(box)
    run(System([one]), 2)
    run(System([two]), 0)

    report = run(System([two]), 1)

    assert values(report, "stateful.output") == [[1, 1, [1], [0, 1]]]


def test_a_loop_begins_again_with_its_initial_value() -> None:
    """A delay keeps nothing from launch to launch, nor does hold."""
    relay, sink = Pass(), Sink()
    script = Script(["a", "b"])
    sink.inputs.value.policy = "hold"
    relay(script.outputs.output.delay(initial=None))
    sink(relay.outputs.output)
    system = System([script, relay, sink])

    received = [run(system, 2).instances["sink"].received for _ in range(2)]

    assert received == [[None, "a"]] * 2


def test_the_first_launch_runs_the_authored_objects_and_later_ones_do_not() -> None:
    """`instances` are the objects that ran."""
    count = Count()
    system = System([count])

    first, second = run(system, 3), run(system, 2)

    assert first.instances["count"] is count
    assert second.instances["count"] is not count
    assert (count.count, second.instances["count"].count) == (3, 2)


def test_a_component_that_ran_in_one_system_is_fresh_in_another() -> None:
    """By whichever System it was launched first."""
    count = Count()
    run(System([count]), 3)

    report = run(System([System([count], name="inner")]), 2)

    assert values(report, "inner.count.output") == [0, 1]


def test_a_component_that_was_called_by_hand_is_made_anew() -> None:
    """What the call left in it does not reach the launch."""
    memory = Memory()

    answer = memory(5)
    report = run(System([Count(), memory]), 2)

    assert answer == [5]
    assert values(report, "memory.output") == [[0], [0, 1]]


class Memory(Component):
    """Remembers."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[int] = []

    def forward(self, value: int) -> list[int]:
        self.all.append(value)
        return list(self.all)


def test_a_launch_that_fails_leaves_nothing_behind() -> None:
    """The next one fails in the same way, at the same tick."""
    system = System([Count(), Script([0, 1, ValueError("broken")])])

    errors = [failed(system, 10) for _ in range(2)]

    assert [(error.component, error.tick) for error in errors] == [("script", 2)] * 2
    assert same(*(dict(error.report.records) for error in errors if error.report))


def test_a_constructor_that_fails_in_a_later_launch_is_a_components_error() -> None:
    """Nothing was configured, so nothing is shut down."""
    system = System([Diarist("a"), Once()])
    run(system, 1)
    _diary[:] = ["made"]

    error = failed(system, 1)

    assert (error.component, error.phase, error.tick) == ("once", "__init__", None)
    assert _diary == ["made"]


class Once(Component):
    """Can be made once only."""

    def __init__(self) -> None:
        super().__init__()
        if "made" in _diary:
            raise ValueError("only once")

    def forward(self) -> int:
        return 0


def test_a_tap_that_cannot_be_made_shuts_down_what_was_configured() -> None:
    """It is found out before the first tick."""
    tap = Tap("a.output", f"{__name__}:Missing")

    with pytest.raises(LoadError, match="Missing"):
        run(System([Diarist("a")]), 1, taps=[tap])

    assert _diary[-1] == "a on_shutdown"
    assert written("forward") == []


class Diary:
    """A tap that writes down what it is told, and its closing."""

    def __init__(self, raises: bool = False) -> None:
        self.raises = raises

    def __call__(self, tick: int, value: Any) -> None:
        _diary.append(f"tap {tick}")

    def close(self) -> None:
        _diary.append("tap closed")
        if self.raises:
            raise OSError("disk full")


def test_a_tap_is_closed_after_the_last_on_shutdown() -> None:
    """It may write what it holds, for nothing follows."""
    run(System([Diarist("a")]), 2, taps=[Tap("a.output", f"{__name__}:Diary")])

    assert _diary.count("tap closed") == 1
    assert _diary[-2:] == ["a on_shutdown", "tap closed"]


def test_taps_are_closed_after_an_error_too() -> None:
    """What they saw before it is the most wanted of all."""
    system = System([Diarist("a", {"forward": ValueError("boom")})])

    failed(system, 1, taps=[Tap("a.output", f"{__name__}:Diary")])

    assert _diary[-1] == "tap closed"


def test_a_tap_that_cannot_be_closed_fails_the_run() -> None:
    """The error names the tap and its port; the others are closed as well."""
    broken = Tap("a.output", f"{__name__}:Diary", {"raises": True})
    sound = Tap("a.output", f"{__name__}:Diary")

    error = failed(System([Diarist("a")]), 1, taps=[broken, sound])

    assert "Diary' on 'a.output' was closed, and raised OSError" in str(error)
    assert _diary.count("tap closed") == 2


class Keeper(Diary):
    """A tap that refers to what it is given until it settles."""

    def settle(self) -> None:
        _diary.append("tap settled")
        if self.raises:
            raise OSError("disk full")


def test_a_tap_settles_before_anything_of_the_author_runs() -> None:
    """What it was given may be of any component before its own."""
    a, b = Count("a"), Diarist("b")
    tap = Tap("a.output", f"{__name__}:Keeper")

    run(System([a, b]), 2, taps=[tap])

    told = [x for x in _diary if x.startswith("tap") or "forward" in x]
    assert told == [
        *("tap settled", "tap 0", "tap settled", "b forward"),
        *("tap settled", "tap 1", "tap settled", "b forward"),
        *("tap settled", "tap closed"),
    ]


def test_a_tap_that_cannot_settle_fails_the_run() -> None:
    """The error names the tap and its port."""
    tap = Tap("a.output", f"{__name__}:Keeper", {"raises": True})

    error = failed(System([Diarist("a")]), 1, taps=[tap])

    assert "Keeper' on 'a.output' settled, and raised OSError" in str(error)


class Onlooker(Diary):
    """A tap that sees what its component is fired with."""

    def taken(self, inputs: Mapping[str, Any]) -> None:
        _diary.append(f"taken {dict(inputs)}")
        if self.raises:
            raise OSError("disk full")


class Join(Component):
    """Has inputs that come by position and by name, and one that nothing feeds."""

    def forward(self, first: int, /, second: int = 5, *, third: int = 0) -> int:
        return first + third


@pytest.mark.parametrize("takes", [None, 2])
def test_a_tap_sees_what_its_component_is_fired_with(takes: int | None) -> None:
    """By the inputs' names, before each firing and before what comes of it."""
    count, join = Count(), Join()
    if takes:
        join.takes = takes
    system = System([count, join])
    system.connect(count.outputs.output, join.inputs.first)
    system.connect(count.outputs.output, join.inputs.third)

    run(system, 3, taps=[Tap("join.output", f"{__name__}:Onlooker")])

    told = [x for x in _diary if x.startswith(("taken", "tap "))]
    seen = [x for x in told if x != "tap closed"]
    values = [f"taken {{'first': {n}, 'third': {n}}}" for n in range(3)]
    if takes:
        # What begins at tick 2 may begin after the run has ended.
        assert seen[:2] == [values[0], "tap 2"]
    else:
        assert seen == [x for n in range(3) for x in (values[n], f"tap {n}")]


def test_a_tap_that_cannot_see_fails_the_run() -> None:
    """The error names the tap and its port."""
    tap = Tap("a.output", f"{__name__}:Onlooker", {"raises": True})

    error = failed(System([Diarist("a")]), 1, taps=[tap])

    assert "Onlooker' on 'a.output' saw the inputs, and raised OSError" in str(error)


def test_an_attribute_assigned_by_the_author_is_warned_of() -> None:
    """A later launch, or another process, would not have it."""
    count = Count()
    count.count = 10

    with pytest.warns(LkWarning, match=r"count\.count.*__init__"):
        report = run(System([count]), 1)

    assert values(report, "count.output") == [10]


def test_what_a_component_assigns_itself_is_state() -> None:
    """In forward, in hooks and in what they call: nobody is warned."""
    system = System([Grower()])

    reports = [run(system, 2) for _ in range(2)]

    assert [values(report, "grower.output") for report in reports] == [[2, 3]] * 2


class Grower(Component):
    """Assigns in hooks, in forward and in a helper."""

    def on_configure(self) -> None:
        self.size = 0

    def on_activate(self) -> None:
        self._grow()

    def forward(self) -> int:
        self._grow()
        return self.size

    def _grow(self) -> None:
        self.size += 1


def test_a_log_line_tells_address_and_tick(caplog: pytest.LogCaptureFixture) -> None:
    """In its text and as attributes; outside a tick there is none."""
    caplog.set_level(logging.INFO, "like_keras")

    run(System([System([Talker()], name="inner")]), 2)

    found = [(r.address, r.tick, r.getMessage()) for r in caplog.records]  # type: ignore[attr-defined]
    assert found == [
        ("inner.talker", None, "[inner.talker] up"),
        ("inner.talker", 0, "[inner.talker @ 0] hello"),
        ("inner.talker", 1, "[inner.talker @ 1] hello"),
        ("inner.talker", None, "[inner.talker] down"),
    ]


class Talker(Component):
    """Writes to its log."""

    def on_activate(self) -> None:
        self.log.info("up")

    def forward(self) -> None:
        self.log.info("hello")

    def on_deactivate(self) -> None:
        self.log.info("down")


def test_a_long_run_needs_no_more_memory_than_a_short_one() -> None:
    """Whatever is kept of its ticks has a bound."""
    scale, relays = Scale({200_000, 1_200_000}), [Pass(f"relay{n}") for n in range(9)]

    System([scale, *relays]).launch(1_200_001, engine="native")

    early, late = scale.blocks
    assert late - early < 4000


class Scale(Component):
    """Weighs the memory in use at some ticks."""

    def __init__(self, at: set[int]) -> None:
        super().__init__()
        self.at, self.fired = at, 0
        self.blocks: list[int] = []

    def forward(self) -> bool:
        if self.fired in self.at:
            self.blocks.append(sys.getallocatedblocks())
        self.fired += 1
        return True


def test_an_error_carries_what_the_run_had_done_so_far() -> None:
    """Also the objects that ran."""
    count = Count()

    with pytest.raises(ComponentError) as caught:
        run(System([count, Script([0, ValueError("broken")])]), 5)

    assert caught.value.report is not None
    assert caught.value.report.instances["count"] is count
