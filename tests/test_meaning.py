"""What a system means: time, absence, delays, and where a run ends."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypedDict

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from like_keras_core import (
    Component,
    ComponentError,
    EndOfStream,
    GraphError,
    InputPort,
    LaunchTimeoutError,
    LkWarning,
    OutputPort,
    RunReport,
    System,
    SystemSpec,
    Tap,
)
from like_keras_core.values.semantics import same
from tests.components import (
    Count,
    Pair,
    Pass,
    Play,
    Script,
    Sink,
    counts,
    failed,
    messages,
    records,
    report_of,
    run,
    ticks,
    values,
)
from tests.example_counts import share_of
from tests.oracle import Outcome, evaluate
from tests.systems import Plan, plans, spell

TICKS = st.sampled_from([0, 1, 2, 7, 12, 12, 64, 70])
VARIANTS = st.sampled_from(
    ["live", "live", "again", "saved", "checked", "tapped", "unseen", "half seen"]
)

_tapped: list[tuple[str, int, str]] = []


class Listener:
    """A tap that remembers all that it hears, from every port."""

    def __init__(self, port: str) -> None:
        self.port = port

    def __call__(self, tick: int, value: Any) -> None:
        _tapped.append((self.port, tick, spell(value)))


def launch(
    plan: Plan, iterations: int | None, variant: str
) -> tuple[RunReport, ComponentError | None]:
    """Launch a plan's system in one of several ways that must not differ.

    Args:
        plan: What to build.
        iterations: How many ticks.
        variant: `"live"`; `"again"`: a second time; `"saved"`: from its JSON;
            `"checked"`: with check_values; `"tapped"`: with a tap on each port;
            `"unseen"`: nothing is recorded; `"half seen"`: every second port.
    """
    system, options = plan.build(), dict[str, Any](record="all")
    if variant == "unseen":
        options["record"] = ()
    elif variant == "half seen":
        options["record"] = plan.addresses()[::2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LkWarning)
        if variant == "again":
            _launch(system, iterations, record="all")
        elif variant == "saved":
            spec = SystemSpec.from_json(system.to_spec().to_json())
            system = System.from_spec(spec)
        elif variant == "checked":
            options["check_values"] = True
        elif variant == "tapped":
            _tapped.clear()
            options["taps"] = [
                Tap(address, f"{__name__}:Listener", {"port": address})
                for address in plan.addresses()
            ]
        return _launch(system, iterations, **options)


def _launch(
    system: System, iterations: int | None, **options: Any
) -> tuple[RunReport, ComponentError | None]:
    try:
        return system.launch(iterations, engine="native", **options), None
    except ComponentError as error:
        return report_of(error), error


def differences(
    plan: Plan, outcome: Outcome, report: RunReport, error: ComponentError | None
) -> list[str]:
    """List where a launch differs from what it must be."""
    found: list[str] = []

    def compare(what: str, expected: Any, got: Any) -> None:
        if not same(expected, got):
            found.append(f"{what}: expected {expected!r}, got {got!r}")

    compare("iterations", outcome.iterations, report.iterations)
    compare("ended_by", outcome.ended_by, report.ended_by)
    raised = error and (type(error.__cause__), error.component, error.tick)
    wanted = outcome.error and (type(outcome.error[0]), *outcome.error[1:])
    compare("error", wanted, raised)
    for address in report.records:
        sent = outcome.records[address]
        compare(f"records of {address}", sent, records(report, address))
    for address, pair in counts(report).items():
        wanted_pair = (outcome.fired[address], outcome.absent[address])
        compare(f"fired and absent of {address}", wanted_pair, pair)
    compare("messages", sorted_items(outcome.messages), sorted_items(messages(report)))
    for member in plan.members:
        received = report.instances[member.address].received
        wanted_inputs = [
            spell(dict(sorted({**member.unfed(), **inputs}.items())))
            for inputs in outcome.received[member.address]
        ]
        got = received[: len(wanted_inputs)]
        compare(f"inputs of {member.address}", wanted_inputs, got)
    return found


def sorted_items(mapping: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return a mapping as something that compares without its order."""
    return sorted(mapping.items())


def agree(plan: Plan, iterations: int | None, variant: str) -> None:
    """Fail if a launch is not what the oracle says."""
    if variant == "checked":
        plan = plan.that_reuses_nothing()
    outcome = evaluate(plan.parts(), 100 if iterations is None else iterations)
    if outcome.ended_by != "iterations" and iterations == 12:
        iterations = None
    note(f"{iterations=} {variant=}\n{plan}")

    report, error = launch(plan, iterations, variant)

    recorded = {"unseen": [], "half seen": plan.addresses()[::2]}
    assert sorted(report.records) == sorted(recorded.get(variant, plan.addresses()))
    assert differences(plan, outcome, report, error) == []
    if variant == "tapped":
        heard = {
            address: [(t, text) for port, t, text in _tapped if port == address]
            for address in outcome.records
        }
        for address, sent in outcome.records.items():
            below = heard[address][: len(sent)]
            assert below == [(tick, spell(value)) for tick, value in sent]
            assert all(
                tick == outcome.iterations for tick, _ in heard[address][len(sent) :]
            )


@pytest.mark.timeout(600)  # most of it for the search of the smallest that fails
@settings(
    max_examples=share_of(300),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(plan=plans(), iterations=TICKS, variant=VARIANTS)
def test_a_launch_gives_what_the_definitions_say(
    plan: Plan, iterations: int, variant: str
) -> None:
    """Records, counts, the end and its error are those of the whole-history oracle."""
    agree(plan, iterations, variant)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=plans(), iterations=TICKS, variant=VARIANTS)
def test_ten_thousand_launches_give_what_the_definitions_say(
    plan: Plan, iterations: int, variant: str
) -> None:
    """As above, for as many systems as a night allows."""
    agree(plan, iterations, variant)


def test_a_source_fires_at_every_tick_from_0() -> None:
    """`iterations=3` is ticks 0, 1 and 2."""
    report = run(System([Count()]), 3)

    assert records(report, "count.output") == [(0, 0), (1, 1), (2, 2)]
    assert counts(report) == {"count": (3, 0)}
    assert report.iterations == 3
    assert report.ended_by == "iterations"


def test_a_source_with_every_fires_at_each_kth_tick_from_0() -> None:
    """At the other ticks it is absent."""
    report = run(System([Count(every=3)]), 8)

    assert records(report, "count.output") == [(0, 0), (3, 1), (6, 2)]
    assert counts(report) == {"count": (3, 5)}


def test_a_sync_input_and_every_exclude_each_other() -> None:
    """The input fires the component already, so nothing is run."""
    count, sink = Count(), Sink()
    sink.every = 2

    with pytest.raises(GraphError) as caught:
        run(System([count, sink]), 1)

    assert [issue.code for issue in caught.value.issues] == ["every"]
    assert count.count == 0


def test_a_value_passes_through_a_whole_chain_in_one_tick() -> None:
    """Without a delay, all happens at the same tick."""
    report = run(System([Count(), Pass("a"), Pass("b"), Pass("c")]), 2)

    assert records(report, "c.output") == [(0, 0), (1, 1)]
    assert messages(report) == {
        "count.output -> a.value": 2,
        "a.output -> b.value": 2,
        "b.output -> c.value": 2,
    }


def test_the_list_order_matters_only_between_what_is_not_connected() -> None:
    """A consumer that is listed before its producer fires after it."""
    names: list[str] = []
    first, second, third = (Named(name, names) for name in ("first", "second", "third"))
    first.inputs.value.connect(third.outputs.output)

    run(System([first, second, third]), 1)

    assert names == ["second", "third", "first"]


class Named(Component):
    """Writes its name down when it fires."""

    def __init__(self, name: str, names: list[str]) -> None:
        super().__init__(name)
        self.names = names

    def forward(self, value: int = 0) -> int:
        self.names.append(self.name)
        return value


def joined(first: Component, second: Component, **policies: str) -> System:
    """Return a system of two sources, `left` and `right`, and a pair of them."""
    first.name, second.name = "left", "right"
    pair = Pair()
    for port, policy in policies.items():
        pair.inputs[port].policy = policy
    pair(first.outputs.output, second.outputs.output)
    return System([first, second, pair])


def test_a_sync_join_fires_only_when_all_its_values_are_there() -> None:
    """The values of a tick at which one is absent are discarded, never paired later."""
    system = joined(Script([1, None, 3, 4]), Script(["a", "b", None, "d"]))

    report = run(system, 5)

    assert records(report, "pair.output") == [(0, (1, "a")), (3, (4, "d"))]
    assert counts(report)["pair"] == (2, 3)
    assert messages(report) == {
        "left.output -> pair.left": 3,
        "right.output -> pair.right": 3,
    }


def test_a_join_of_sources_with_unequal_every_is_warned_of() -> None:
    """It is meant seldom: the warning names the port and the way out."""
    with pytest.warns(LkWarning, match=r"pair\.right.*every 3.*hold"):
        report = run(joined(Count(every=2), Count(every=3)), 7)

    assert records(report, "pair.output") == [(0, (0, 0)), (6, (3, 2))]


def test_absence_goes_on_downstream() -> None:
    """What was not fired sends nothing either."""
    system = System([Script([None, 1]), Pass("a"), Pass("b")])

    report = run(system, 3)

    assert counts(report) == {"script": (3, 0), "a": (1, 2), "b": (1, 2)}


def test_a_diamond_meets_again_at_the_same_tick() -> None:
    """Both ways from one value to a join take no time."""
    count, left, right, pair = Count(), Pass("a"), Play([None, 5, 6]), Pair()
    pair(left(count()), right(count.outputs.output))

    report = run(System([count, left, right, pair]), 3)

    assert records(report, "pair.output") == [(1, (1, 5)), (2, (2, 6))]


def test_an_output_feeds_many_inputs_and_two_of_one_component() -> None:
    """Fan-out copies nothing and loses nothing."""
    count, pair, sink = Count(), Pair(), Sink()
    pair(count.outputs.output, count.outputs.output)
    sink(count.outputs.output)

    report = run(System([count, pair, sink]), 2)

    assert values(report, "pair.output") == [(0, 0), (1, 1)]
    assert sink.received == [0, 1]
    assert set(messages(report).values()) == {2}


def test_hold_gives_none_before_the_first_value_and_then_the_newest() -> None:
    """The newest includes that of the same tick."""
    system = joined(Count(), Script([None, "b", None, "d"]), right="hold")

    report = run(system, 5)

    assert values(report, "pair.output") == [
        (0, None),
        (1, "b"),
        (2, "b"),
        (3, "d"),
        (4, "d"),
    ]


def test_a_held_value_of_the_same_tick_arrives_from_a_component_listed_later() -> None:
    """Hold counts for the execution order, as sync does."""
    count, script, pair = Count(), Script(["a", "b"]), Pair()
    pair.inputs.right.policy = "hold"
    pair(count.outputs.output, script.outputs.output)

    report = run(System([pair, count, script]), 2)

    assert values(report, "pair.output") == [(0, "a"), (1, "b")]


def test_a_held_input_fires_nothing() -> None:
    """Only the sync input does, at its ticks."""
    system = joined(Count(every=2), Count(), right="hold")

    report = run(system, 5)

    assert records(report, "pair.output") == [(0, (0, 0)), (2, (1, 2)), (4, (2, 4))]


@pytest.mark.parametrize("policy", ["hold", "latest"])
def test_a_component_with_held_inputs_only_fires_at_every_tick(policy: str) -> None:
    """It is absent at none, though its sources are."""
    system = joined(Count(every=2), Count(every=3), left=policy, right=policy)

    report = run(system, 5)

    assert values(report, "pair.output") == [(0, 0), (0, 0), (1, 0), (1, 1), (2, 1)]
    assert counts(report)["pair"] == (5, 0)


def test_a_component_with_held_inputs_only_may_have_every() -> None:
    """It fires at each k-th tick, with what is newest then."""
    system = joined(Count(), Count(every=3), left="hold", right="hold")
    system.components[2].every = 2

    report = run(system, 6)

    assert records(report, "pair.output") == [(0, (0, 0)), (2, (2, 0)), (4, (4, 1))]


def test_latest_means_hold_where_everything_is_in_one_process() -> None:
    """None before the first value, then the newest, and nothing is dropped."""
    system = joined(Count(), Script([None, "b", None]), right="latest")

    report = run(system, 3)

    assert values(report, "pair.output") == [(0, None), (1, "b"), (2, "b")]
    assert {item.dropped for item in report.connections.values()} == {0}


def test_an_input_with_a_default_may_stay_unconnected() -> None:
    """Its component is a source then, and gets the default."""
    report = run(System([Greeter()]), 2)

    assert values(report, "greeter.output") == ["hello you", "hello you"]


def test_a_connected_input_with_a_default_is_as_any_other() -> None:
    """It is waited for, and the default is never used: not before the first value."""
    script, held = Script([None, "Ada"]), Greeter("held")
    greeter = Greeter()
    greeter(script.outputs.output)
    held.inputs.who.policy = "hold"
    held(script.outputs.output)

    report = run(System([script, greeter, held]), 2)

    assert records(report, "greeter.output") == [(1, "hello Ada")]
    assert values(report, "held.output") == ["hello None", "hello Ada"]


class Greeter(Component):
    """Greets."""

    def forward(self, who: Any = "you") -> str:
        return f"hello {who}"


def test_only_positional_inputs_may_stay_unconnected_before_a_connected_one() -> None:
    """They get their default; the connected one gets its value."""
    count, part = Count(), OnlyPositional()
    part.inputs.b.connect(count.outputs.output)

    report = run(System([count, part]), 2)

    assert values(report, "only_positional.output") == [("a", 0, "c"), ("a", 1, "c")]


class OnlyPositional(Component):
    """Its inputs cannot be given by name."""

    def forward(self, a: Any = "a", b: Any = "b", /, c: Any = "c") -> tuple[Any, ...]:
        return a, b, c


def delayed(source: Component, initial: Any, policy: str = "sync") -> System:
    """Return a system of a source and a sink behind a delay."""
    source.name = "source"
    sink = Sink()
    sink.inputs.value.policy = policy
    sink(source.outputs.output.delay(initial=initial))
    return System([source, sink])


@pytest.mark.parametrize("policy", ["sync", "hold", "latest"])
def test_a_delay_begins_with_its_initial_value_and_is_one_tick_late(
    policy: str,
) -> None:
    """The last value sent is a message, though nothing reads it any more."""
    report = run(delayed(Count(), -1, policy), 3)

    assert report.instances["sink"].received == [-1, 0, 1]
    assert messages(report) == {"source.output -> sink.value": 3}


@pytest.mark.parametrize("policy", ["sync", "hold"])
def test_a_delay_is_never_absent_and_keeps_its_value(policy: str) -> None:
    """It hands over the newest value sent before the tick, however old."""
    report = run(delayed(Script([None, "a", None, None, "b", None]), "x", policy), 7)

    assert report.instances["sink"].received == ["x", "x", "a", "a", "a", "b", "b"]
    assert counts(report)["sink"] == (7, 0)


def test_a_delay_keeps_its_value_while_another_input_is_absent() -> None:
    """A tick at which its component does not fire uses nothing up."""
    script, count, pair = Script([None, None, "c"]), Count(every=2), Pair()
    pair(count.outputs.output.delay(initial=-1), script.outputs.output)

    report = run(System([script, count, pair]), 4)

    assert records(report, "pair.output") == [(2, (0, "c"))]


def test_none_may_be_the_initial_value_of_a_delay() -> None:
    """It is a value then: the component fires."""
    report = run(delayed(Count(), None), 2)

    assert report.instances["sink"].received == [None, 0]


def test_a_component_may_feed_itself_through_a_delay() -> None:
    """It adds up what it has sent before."""
    count, total = Count(), Total()
    total(count(), total.outputs.output.delay(initial=100))

    report = run(System([count, total]), 4)

    assert values(report, "total.output") == [100, 101, 103, 106]


class Total(Component):
    """Adds."""

    def forward(self, value: int, before: int) -> int:
        return value + before


def test_a_loop_needs_no_source() -> None:
    """Behind delays only, each component fires at every tick, from 0."""
    ping, pong = Next("ping"), Next("pong")
    ping(pong.outputs.output.delay(initial=0))
    pong(ping.outputs.output.delay(initial=100))

    report = run(System([ping, pong]), 4)

    assert values(report, "ping.output") == [1, 102, 3, 104]
    assert values(report, "pong.output") == [101, 2, 103, 4]


class Next(Component):
    """Adds one."""

    def forward(self, value: int) -> int:
        return value + 1


def test_the_order_in_the_list_does_not_change_what_a_delay_gives() -> None:
    """Its register is filled after the tick, whether its reader fires early or late."""
    system = System(delayed(Count(), -1).components[::-1])

    report = run(system, 3)

    assert list(report.components) == ["sink", "source"]
    assert report.instances["sink"].received == [-1, 0, 1]


def test_one_output_may_be_read_with_and_without_delays() -> None:
    """Each delay has its own initial value."""
    count, now, soon, later = Count(), Sink("now"), Sink("soon"), Sink("later")
    now(count.outputs.output)
    soon(count.outputs.output.delay(initial=-1))
    later(count.outputs.output.delay(initial=-2))

    run(System([count, now, soon, later]), 2)

    assert (now.received, soon.received, later.received) == (
        [0, 1],
        [-1, 0],
        [-2, 0],
    )


def test_a_cycle_without_a_delay_is_refused() -> None:
    """The error names the ports of the cycle and the way out."""
    ping, pong = Next("ping"), Next("pong")
    ping(pong.outputs.output)
    pong(ping.outputs.output)

    with pytest.raises(
        GraphError, match=r"ping\.output -> pong\.value.*delay\(initial"
    ):
        run(System([ping, pong]), 1)


def test_held_values_need_a_delay_in_a_cycle_too() -> None:
    """Hold waits for its producer at the same tick."""
    ping, pong = Next("ping"), Next("pong")
    ping.inputs.value.policy = "hold"
    ping(pong.outputs.output)
    pong(ping.outputs.output)

    with pytest.raises(GraphError) as caught:
        run(System([ping, pong]), 1)

    assert [issue.code for issue in caught.value.issues] == ["cycle"]


def test_a_delay_of_a_delay_is_refused() -> None:
    """It has no single meaning."""
    delay = Count().outputs.output.delay(initial=0)

    with pytest.raises(GraphError) as caught:
        delay.delay(initial=1)

    assert [issue.code for issue in caught.value.issues] == ["delay-of-delay"]


def test_the_initial_value_of_a_delay_is_of_its_ports_type() -> None:
    """A text cannot be what a source of numbers has sent before."""
    with pytest.raises(GraphError) as caught:
        run(delayed(Count(), "zero"), 1)

    assert [issue.code for issue in caught.value.issues] == ["type-mismatch"]


END = EndOfStream()


def test_the_tick_of_an_end_does_not_count_anywhere() -> None:
    """What ran in it before the end is taken back: records, fired, absent, messages."""
    count, sink, end, rare = (
        Count(),
        Sink(),
        Script([0, 1, END]),
        Count("rare", every=2),
    )
    sink(count.outputs.output)

    report = run(System([count, sink, rare, end]), 10)

    assert report.iterations == 2
    assert report.ended_by == "end of stream"
    assert records(report, "count.output") == [(0, 0), (1, 1)]
    assert records(report, "rare.output") == [(0, 0)]
    assert counts(report) == {
        "count": (2, 0),
        "sink": (2, 0),
        "rare": (1, 1),
        "script": (2, 0),
    }
    assert messages(report) == {"count.output -> sink.value": 2}
    assert count.count == 3


def test_an_absence_at_the_tick_of_an_end_does_not_count_either() -> None:
    """The tick is as if it had never been."""
    rare, sink, end = Count("rare", every=2), Sink(), Script([0, END])
    sink(rare.outputs.output)

    report = run(System([rare, sink, end]), 10)

    assert counts(report) == {"rare": (1, 0), "sink": (1, 0), "script": (1, 0)}


@pytest.mark.parametrize("at", [0, 1, 3, 4, 5, 63, 64, 65, 128, 511, 512, 513, 1100])
def test_a_run_without_iterations_goes_on_to_its_end(at: int) -> None:
    """However long that is."""
    system = System([Count(), Play([*range(at), END])])

    report = run(system, None)

    assert report.iterations == at
    assert counts(report) == {"count": (at, 0), "play": (at, 0)}
    assert ticks(report, "play.output") == list(range(at))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_any_component_may_end_a_run(place: int) -> None:
    """A source, a filter, a sink."""
    lines: list[list[Any]] = [[0, 1, 2, 3] for _ in range(3)]
    lines[place][2] = END
    source, middle, sink = Script(lines[0]), Play(lines[1], "middle"), Play(lines[2])

    report = run(System([source, middle, sink]), 10)

    assert report.iterations == 2
    assert {fired for fired, _ in counts(report).values()} == {2}


def test_an_error_cuts_at_its_tick_and_its_place_in_the_order() -> None:
    """At that tick, what comes before counts and what comes after does not."""
    before, bad, after = Count("before"), Play([0, 1, ValueError("broken")]), Sink()
    alone = Count("alone")
    bad(before.outputs.output)
    after(bad.outputs.output)

    error = failed(System([before, bad, after, alone]), 10)

    report = report_of(error)
    assert report.iterations == 2
    assert report.ended_by == "error"
    assert ticks(report, "before.output") == [0, 1, 2]
    assert ticks(report, "play.output") == [0, 1]
    assert ticks(report, "alone.output") == [0, 1]
    assert counts(report) == {
        "before": (3, 0),
        "play": (2, 0),
        "sink": (2, 0),
        "alone": (2, 0),
    }
    assert messages(report) == {
        "before.output -> play.value": 3,
        "play.output -> sink.value": 2,
    }


def test_an_error_says_which_component_where_and_when() -> None:
    """The original exception is the cause, with its traceback."""
    wrong = ValueError("broken")

    error = failed(System([Count(), Play([0, wrong], "bad")]), 10)

    assert (error.component, error.node, error.tick) == ("bad", "main", 1)
    assert error.phase == "forward"
    assert error.__cause__ is not None
    assert type(error.__cause__) is ValueError
    assert "broken" in str(error)
    assert "raise line" in error.traceback


def test_absences_at_the_tick_of_an_error_count_below_its_place() -> None:
    """`early` is absent at it and counts; `late` does not."""
    early, bad = Count("early", every=2), Script([0, ValueError("broken")])
    late = Count("late", every=2)

    report = report_of(failed(System([early, bad, late]), 10))

    assert counts(report) == {"early": (1, 1), "script": (1, 0), "late": (1, 0)}


@pytest.mark.parametrize(("line", "sent"), [("b", 2), (None, 1)])
def test_what_was_sent_before_an_error_counts_though_its_reader_never_came(
    line: Any, sent: int
) -> None:
    """And what was not sent does not."""
    source, bad = Script(["a", line], "source"), Script([0, ValueError("broken")])
    sink = Sink()
    sink(source.outputs.output)

    report = report_of(failed(System([source, bad, sink]), 5))

    assert messages(report) == {"source.output -> sink.value": sent}
    assert len(records(report, "source.output")) == sent


@pytest.mark.parametrize("first", ["end", "error"])
def test_the_first_in_the_execution_order_decides_at_one_tick(first: str) -> None:
    """Whether it is an end or an error."""
    lines = {"end": [0, 1, END], "error": [0, 1, ValueError("broken")]}
    second = "error" if first == "end" else "end"
    system = System([Script(lines[first], "a"), Script(lines[second], "b")])

    if first == "end":
        assert run(system, 10).iterations == 2
    else:
        assert failed(system, 10).component == "a"


@pytest.mark.parametrize("order", ["end first", "error first"])
def test_the_smaller_tick_decides_whatever_the_order(order: str) -> None:
    """An end at tick 2 comes before an error at tick 3."""
    parts = [Script([0, 1, END], "a"), Script([0, 1, 2, ValueError("broken")], "b")]

    report = run(System(parts if order == "end first" else parts[::-1]), 10)

    assert report.ended_by == "end of stream"
    assert report.iterations == 2


def test_a_result_that_does_not_fit_its_ports_is_the_components_error() -> None:
    """It has not fired at that tick."""
    error = failed(System([Misfit()]), 5)

    assert (error.component, error.tick) == ("misfit", 1)
    assert counts(report_of(error)) == {"misfit": (1, 0)}


@pytest.mark.parametrize("record", ["all", ()])
def test_a_result_that_does_not_fit_is_an_error_whether_it_is_used_or_not(
    record: Any,
) -> None:
    """Looking at a run does not change how it ends."""
    with pytest.raises(ComponentError) as caught:
        System([Misfit()]).launch(5, engine="native", record=record)

    assert (caught.value.component, caught.value.tick) == ("misfit", 1)


class Misfit(Component):
    """Forgets one of two outputs."""

    left = OutputPort(int)
    right = OutputPort(int)

    def __init__(self) -> None:
        super().__init__()
        self.fired = 0

    def forward(self) -> Any:
        self.fired += 1
        return (1, 2) if self.fired == 1 else (1, 2, 3)


class Uncopyable:
    """A value that nobody can copy."""

    def __deepcopy__(self, memo: Any) -> Any:
        raise TypeError("one of a kind")


def test_a_value_that_cannot_be_copied_is_its_producers_error() -> None:
    """What fires after the producer does not count at that tick, absent or not."""
    odd = Script([0, 1, Uncopyable()], "odd")
    early, rare = Count("early"), Count("rare", every=2)
    late, sink = Script([0, 1], "late"), Sink()
    sink(odd.outputs.output.delay(initial=None))
    after = Pass("after")
    after(late.outputs.output)

    with pytest.raises(ComponentError) as caught:
        System([early, odd, rare, late, after, sink]).launch(10, engine="native")

    report = report_of(caught.value)
    assert (caught.value.component, caught.value.tick) == ("odd", 2)
    assert counts(report) == {
        "early": (3, 0),
        "odd": (2, 0),
        "rare": (1, 1),
        "late": (2, 0),
        "after": (2, 0),
        "sink": (2, 0),
    }
    assert messages(report) == {
        "odd.output -> sink.value": 2,
        "late.output -> after.value": 2,
    }


def test_a_failing_component_leaves_no_trace_of_its_other_outputs() -> None:
    """Its first output was looked at before the second could not be kept."""
    two, pair = TwoOdd(), Pair()
    pair.inputs.left.policy = pair.inputs.right.policy = "hold"
    pair(two.outputs.left, two.outputs.right)

    report = report_of(failed(System([Count(), two, pair]), 5))

    assert records(report, "two_odd.left") == [(0, 0)]
    assert counts(report) == {"count": (2, 0), "two_odd": (1, 0), "pair": (1, 0)}
    assert messages(report) == {
        "two_odd.left -> pair.left": 1,
        "two_odd.right -> pair.right": 1,
    }


class TwoOdd(Component):
    """Sends on both ports, then what cannot be copied on one only."""

    left = OutputPort(Any)
    right = OutputPort(Any)

    def __init__(self) -> None:
        super().__init__()
        self.fired = 0

    def forward(self) -> Any:
        self.fired += 1
        return (0, 0) if self.fired == 1 else (None, Uncopyable())


def test_no_iterations_fire_nothing() -> None:
    """Every port has an empty record."""
    report = run(System([Count(), Pass()]), 0)

    assert report.iterations == 0
    assert counts(report) == {"count": (0, 0), "pass": (0, 0)}
    assert dict(report.records) == {"count.output": [], "pass.output": []}
    assert messages(report) == {"count.output -> pass.value": 0}


def test_stop_from_another_thread_ends_after_the_tick_that_has_begun() -> None:
    """That tick counts, for the components after the moment too."""
    begun, stopped = threading.Event(), threading.Event()
    gate, sink = Gate(3, begun, stopped), Sink()
    system = System([gate, sink])

    def stop() -> None:
        begun.wait()
        system.stop()
        stopped.set()

    thread = threading.Thread(target=stop)
    thread.start()
    report = run(system, None)
    thread.join()

    assert report.ended_by == "stop"
    assert report.iterations == 4
    assert counts(report) == {"gate": (4, 0), "sink": (4, 0)}
    assert report.instances["sink"].received == [0, 1, 2, 3]


class Gate(Component):
    """At one tick it says so and waits."""

    def __init__(self, at: int, begun: Any, stopped: Any) -> None:
        super().__init__()
        self.at, self.begun, self.stopped = at, begun, stopped
        self.fired = 0

    def forward(self) -> int:
        if self.fired == self.at:
            self.begun.set()
            assert self.stopped.wait(60)
        self.fired += 1
        return self.fired - 1


@pytest.mark.parametrize("at", [0, 1, 3, 4, 20, 63, 64, 512, 600])
def test_stop_from_a_component_ends_after_its_tick(at: int) -> None:
    """As it does from a thread, at a sampled tick and at any other."""
    calls: list[Any] = []
    system = System([Stopper(at, calls), Sink()])
    calls.append(system.stop)

    report = run(system, None)

    assert report.iterations == at + 1
    assert counts(report) == {"stopper": (at + 1, 0), "sink": (at + 1, 0)}


class Stopper(Component):
    """Calls what it was given at one tick."""

    def __init__(self, at: int, calls: list[Any]) -> None:
        super().__init__()
        self.at, self.calls, self.fired = at, calls, 0

    def forward(self) -> int:
        if self.fired == self.at:
            self.calls[0]()
        self.fired += 1
        return self.fired


def test_stop_before_the_first_tick_runs_none() -> None:
    """A component may ask for the end while it is activated."""
    calls: list[Any] = []
    system = System([Reluctant(calls)])
    calls.append(system.stop)

    report = run(system, None)

    assert (report.iterations, report.ended_by) == (0, "stop")
    assert counts(report) == {"reluctant": (0, 0)}


class Reluctant(Component):
    """Stops before it begins."""

    def __init__(self, calls: list[Any]) -> None:
        super().__init__()
        self.calls = calls

    def on_activate(self) -> None:
        self.calls[0]()

    def forward(self) -> int:
        return 0


def test_stop_says_nothing_to_a_later_launch() -> None:
    """It ends the launches that run."""
    system = System([Count()])

    system.stop()

    assert run(system, 3).iterations == 3


def test_a_time_limit_ends_as_stop_does_and_raises() -> None:
    """The error carries the report, whose counts agree."""
    with pytest.raises(LaunchTimeoutError) as caught:
        run(System([Count(), Sink()]), None, timeout_s=0.01)

    report = caught.value.report
    assert report.ended_by == "timeout"
    assert counts(report) == {
        "count": (report.iterations, 0),
        "sink": (report.iterations, 0),
    }


def test_a_run_within_its_time_limit_is_as_any_other() -> None:
    """The limit leaves no thread behind."""
    before = threading.active_count()

    report = run(System([Count()]), 3, timeout_s=60)

    assert report.ended_by == "iterations"
    assert threading.active_count() == before


def test_progress_tells_growing_numbers_of_ticks() -> None:
    """Never more than have been done."""
    told: list[int] = []
    count = Count()

    run(System([count]), 200, progress=lambda done: told.append(count.count - done))

    assert told
    assert set(told) == {0}


def nested() -> System:
    """Return a system with systems inside, two of which have default names."""
    inner = [System([Count("source"), Pass("relay")]) for _ in range(2)]
    middle = System([Count("source"), *inner], name="middle")
    sink = Sink()
    sink(inner[1].components[1].outputs.output)
    return System([middle, sink], name="outer")


def test_names_in_a_nested_system_are_paths() -> None:
    """Of records, counts, connections and instances alike."""
    report = run(nested(), 2)

    relay = "middle.system_2.relay"
    assert list(counts(report)) == [
        "middle.source",
        "middle.system_1.source",
        "middle.system_1.relay",
        "middle.system_2.source",
        relay,
        "sink",
    ]
    assert records(report, f"{relay}.output") == [(0, 0), (1, 1)]
    assert messages(report)[f"{relay}.output -> sink.value"] == 2
    assert report.instances[relay].name == "relay"


def test_an_error_in_a_nested_system_names_the_path() -> None:
    """As the report does."""
    inner = System([Script([0, ValueError("broken")], "bad")], name="inner")

    error = failed(System([Count(), System([inner], name="middle")]), 3)

    assert error.component == "middle.inner.bad"
    assert error.tick == 1


def test_a_component_may_run_a_system_of_its_own() -> None:
    """Its failure is that component's failure, at the outer tick."""
    error = failed(System([Count(), Runner([0, ValueError("broken")])]), 5)

    assert (error.component, error.tick) == ("runner", 1)
    assert isinstance(error.__cause__, ComponentError)
    assert (error.__cause__.component, error.__cause__.tick) == ("script", 0)


class Runner(Component):
    """Runs a system at each tick."""

    def __init__(self, lines: Sequence[Any]) -> None:
        super().__init__()
        self.lines = lines

    def forward(self, value: int) -> int:
        return run(System([Script([self.lines[value]])]), 1).iterations


@pytest.mark.parametrize("how", ["port", "address", "list", "mixed list"])
def test_record_takes_ports_and_addresses(how: str) -> None:
    """One or several; only what was asked for is kept."""
    count, relay = Count(), Pass()
    wanted: Any = {
        "port": relay.outputs.output,
        "address": "pass.output",
        "list": ["pass.output"],
        "mixed list": [relay.outputs.output, "pass.output"],
    }[how]

    report = System([count, relay]).launch(2, engine="native", record=wanted)

    assert dict(report.records) == {"pass.output": [(0, 0), (1, 1)]}


def test_nothing_is_recorded_unless_asked_for() -> None:
    """A run of any length needs no memory."""
    report = System([Count()]).launch(2, engine="native")

    assert dict(report.records) == {}


def test_a_port_inside_a_subsystem_is_recorded_by_its_path() -> None:
    """The port object knows no path; the system does."""
    count = Count()
    system = System([System([count], name="inner")])

    report = system.launch(1, engine="native", record=count.outputs.output)

    assert dict(report.records) == {"inner.count.output": [(0, 0)]}


@pytest.mark.parametrize("option", ["record", "taps"])
def test_an_unknown_port_is_refused_before_anything_runs(option: str) -> None:
    """With the name that was probably meant."""
    count, port = Count(), "count.outptu"
    given: Any = port if option == "record" else [Tap(port, "builtins:dict")]

    with pytest.raises(GraphError, match=r"count\.output"):
        System([count]).launch(1, engine="native", **{option: given})

    assert count.count == 0


@pytest.mark.parametrize("by", ["port", "address"])
def test_a_tap_sees_tick_and_value_of_each_emission(by: str) -> None:
    """And nothing at a tick without one."""
    _tapped.clear()
    script = Script([5, None, "x"])
    port: Any = script.outputs.output if by == "port" else "script.output"
    tap = Tap(port, f"{__name__}:Listener", {"port": "a"})

    System([script]).launch(4, engine="native", taps=[tap])

    assert _tapped == [("a", 0, spell(5)), ("a", 2, spell("x"))]


def test_several_taps_may_listen_to_one_port() -> None:
    """In the order in which they were given."""
    _tapped.clear()
    taps = [
        Tap("count.output", f"{__name__}:Listener", {"port": name}) for name in "ab"
    ]

    System([Count()]).launch(1, engine="native", taps=taps)

    assert [name for name, _, _ in _tapped] == ["a", "b"]


def test_a_report_can_be_printed() -> None:
    """With a line for each component and connection."""
    text = str(run(nested(), 2))

    assert "outer on native: 2 ticks" in text
    assert "middle.system_2.relay.output -> sink.value" in text


class Named2(NamedTuple):
    """Two outputs."""

    left: int
    right: str | None


class Typed2(TypedDict, total=False):
    """Two outputs."""

    left: int
    right: str


@dataclass
class Data2:
    """Two outputs."""

    left: int
    right: str | None = None


class NamedOutputs(Component):
    """Gives a named tuple."""

    def forward(self, n: int) -> Named2 | None:
        return (Named2(n, "x"), Named2(n, None), None)[n]


class TypedOutputs(Component):
    """Gives a dict, once without one of its keys."""

    def forward(self, n: int) -> Typed2 | None:
        choices: tuple[Typed2 | None, ...] = (
            {"right": "x", "left": n},
            {"left": n},
            None,
        )
        return choices[n]


class DataOutputs(Component):
    """Gives a dataclass."""

    def forward(self, n: int) -> Data2 | None:
        return (Data2(n, "x"), Data2(n), None)[n]


class DictOutputs(Component):
    """Declares its outputs and gives a dict, once without one of its keys."""

    left = OutputPort(int)
    right = OutputPort(str)

    def forward(self, n: int) -> Any:
        return ({"right": "x", "left": n}, {"left": n}, None)[n]


class TupleOutputs(Component):
    """Declares its outputs and gives a tuple in that order."""

    left = OutputPort(int)
    right = OutputPort(str)

    def forward(self, n: int) -> Any:
        return ((n, "x"), (n, None), None)[n]


@pytest.mark.parametrize(
    "many", [NamedOutputs, TypedOutputs, DataOutputs, DictOutputs, TupleOutputs]
)
def test_several_outputs_are_absent_one_by_one(many: type[Component]) -> None:
    """A field that is None, or not there, sends nothing; None sends nothing at all."""
    component, left, right = many("many"), Sink("l"), Sink("r")
    source = Count()
    component(source())
    left(component.outputs.left)
    right(component.outputs.right)

    report = run(System([source, component, left, right]), 3)

    assert records(report, "many.left") == [(0, 0), (1, 1)]
    assert records(report, "many.right") == [(0, "x")]
    assert counts(report)["many"] == (3, 0)
    assert (counts(report)["l"], counts(report)["r"]) == ((2, 1), (1, 2))


@pytest.mark.parametrize(
    "value", [0, 0.0, False, "", b"", (), [], {}, [None], float("nan")]
)
def test_values_that_count_as_false_are_values(value: Any) -> None:
    """Only None is absence, and inside a container it is a value too."""
    report = run(System([Script([value]), Sink()]), 1)

    assert same(records(report, "script.output"), [(0, value)])
    assert counts(report)["sink"] == (1, 0)


class Declared(Component):
    """Takes what it declares, though its forward names nothing."""

    left = InputPort(int)
    right = InputPort(int, policy="hold")

    def forward(self, **inputs: Any) -> dict[str, Any]:
        return inputs


def test_declared_inputs_may_be_taken_as_keywords() -> None:
    """Each by its own policy."""
    count, rare, declared = Count("count"), Count("rare", every=2), Declared()
    declared(left=count(), right=rare())

    report = run(System([count, rare, declared]), 3)

    assert values(report, "declared.output") == [
        {"left": 0, "right": 0},
        {"left": 1, "right": 0},
        {"left": 2, "right": 1},
    ]
