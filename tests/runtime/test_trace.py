"""Traces: when what fired, brought to one clock, as events that Perfetto opens."""

import json
from array import array
from pathlib import Path
from typing import Any

import pytest

from like_keras_core import (
    ComponentError,
    Engine,
    LkWarning,
    RunReport,
    System,
)
from like_keras_core.plugins import engine_registry
from like_keras_core.plugins.engine_registry import register_engine
from like_keras_core.runtime.perfetto import events
from like_keras_core.runtime.trace import Trace, TraceSet, offset_of
from like_keras_core.spec import (
    ComponentSpec,
    ConnectionSpec,
    DelaySpec,
    NodeSpec,
    PortSpec,
    SystemSpec,
)
from like_keras_core.testing.components import Count, Fail, Scale

NEEDED = {
    "M": {"args"},
    "X": {"dur", "args"},
    "b": {"cat", "id2"},
    "e": {"cat", "id2"},
    "s": {"cat", "id"},
    "f": {"cat", "id", "bp"},
}
"""What the format wants of each kind of event, beside what it wants of all."""


def read(path: Path) -> list[dict[str, Any]]:
    """Return the events of a file, after a look at their form."""
    found: list[dict[str, Any]] = json.loads(path.read_text())["traceEvents"]
    for event in found:
        assert event.keys() >= {"ph", "name", "ts", "pid", "tid"} | NEEDED[event["ph"]]
        assert isinstance(event["pid"], int)
        assert event["ts"] >= 0
    return found


def two_nodes(delay: DelaySpec | None = None) -> SystemSpec:
    """Return a system with one connection between two processes."""

    def part(name: str) -> ComponentSpec:
        port = PortSpec(name="x")
        return ComponentSpec(
            name=name, node=name, entry_point="a:A", inputs=(port,), outputs=(port,)
        )

    return SystemSpec(
        nodes=(NodeSpec(name="a"), NodeSpec(name="b", machine="jetson")),
        components=(part("a"), part("b")),
        connections=(ConnectionSpec(source="a.x", target="b.x", delay=delay),),
    )


def gathered(ahead_ns: int = 0) -> TraceSet:
    """Return two ticks: `a` fires for 1 us, and 5 us later `b` does."""
    one, other = Trace(), Trace()
    one.firings["a"] = array("q", [0, 1000, 2000, 1, 11_000, 12_000])
    firings = [0, 6000, 7000, 1, 16_000, 17_000]
    other.firings["b"] = array(
        "q", [x + ahead_ns * (n % 3 > 0) for n, x in enumerate(firings)]
    )
    arrivals = [0, 5000 + ahead_ns, 1, 15_000 + ahead_ns]
    other.arrivals["a.x"] = array("q", arrivals)
    return TraceSet({"a": one, "b": other}, {"b": ahead_ns})


def test_every_firing_is_a_slice(tmp_path: Path) -> None:
    """With its tick, one after the other."""
    target = tmp_path / "run.json"

    System([Count(), Scale()]).launch(100, engine="native", trace_to=target)

    slices = [event for event in read(target) if event["ph"] == "X"]
    assert [x["args"]["tick"] for x in slices if x["name"] == "scale"] == [*range(100)]
    counts = [event for event in slices if event["name"] == "count"]
    ends = [event["ts"] + event["dur"] for event in counts]
    assert all(a <= b["ts"] for a, b in zip(ends, counts[1:], strict=False))


def test_a_run_that_fails_has_a_trace(tmp_path: Path) -> None:
    """Its last firing is the one that failed."""
    target = tmp_path / "run.json"

    with pytest.raises(ComponentError):
        System([Count(), Fail(tick=3)]).launch(9, engine="native", trace_to=target)

    last = [event for event in read(target) if event["ph"] == "X"][-1]
    assert (last["name"], last["args"]["tick"]) == ("fail", 3)


def test_a_trace_without_a_folder_is_refused(tmp_path: Path) -> None:
    """Before the run, not after it."""
    count = Count()

    with pytest.raises(FileNotFoundError, match="no folder"):
        System([count]).launch(9, engine="native", trace_to=tmp_path / "no" / "run")

    assert count.value == 0


class Quiet(Engine):
    """An engine that has no process of ours."""

    def validate(self, system: Any) -> tuple[bool, list[str]]:
        """Accept everything."""
        return True, []

    def compile(self, system: Any, build_dir: Path | None = None) -> None:
        """Write nothing."""

    def launch(
        self, system: Any, config_path: Path | None = None, **options: Any
    ) -> RunReport:
        """Run nothing."""
        return RunReport(engine="quiet", system="system")


def test_an_engine_that_keeps_no_trace_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody looks for the file in vain."""
    monkeypatch.setattr(engine_registry, "_registered", {})
    register_engine("quiet", Quiet)

    with pytest.warns(LkWarning, match="'quiet' keeps no trace"):
        System([Count()]).launch(1, engine="quiet", trace_to=tmp_path / "run.json")


@pytest.mark.parametrize("ahead_ns", [0, 3_600_000_000_000, -7_000_000])
def test_a_value_is_an_arrow_by_one_clock(ahead_ns: int) -> None:
    """Whatever the time is on the other machine."""
    found = list(events(two_nodes(), gathered(ahead_ns)))

    arrows = [(x["ph"], x["pid"], x["ts"], x["id"]) for x in found if x["ph"] in "sf"]
    ways = [(x["ph"], x["ts"]) for x in found if x["ph"] in "be"]
    assert arrows == [
        *[("s", 1, 0.5, 1), ("f", 2, 5.0, 1)],
        *[("s", 1, 10.5, 2), ("f", 2, 15.0, 2)],
    ]
    assert ways == [("b", 1.0), ("e", 4.0), ("b", 11.0), ("e", 14.0)]


def test_a_delayed_value_points_to_the_next_tick() -> None:
    """The last one has nowhere to go."""
    found = list(events(two_nodes(DelaySpec(initial=0)), gathered()))

    assert [x["ts"] for x in found if x["ph"] == "f"] == [15.0]
    assert len([x for x in found if x["ph"] == "b"]) == 2


def test_processes_and_components_have_names() -> None:
    """With the machine."""
    found = events(two_nodes(), gathered())

    names = [event["args"]["name"] for event in found if event["ph"] == "M"]
    assert names == ["a on local", "a", "b on jetson", "b"]


def test_the_quickest_answer_tells_the_time() -> None:
    """Of the others nobody knows where they waited."""
    readings = [(0, 1500, 900), (1000, 1510, 1020), (2000, 3000, 2100)]

    assert offset_of(readings) == 500


def test_what_is_sent_arrives() -> None:
    """In parts, by component and port."""
    before, after = gathered().processes["b"], Trace()

    for part in before.parts():
        after.take(*part)

    assert (after.firings, after.arrivals) == (before.firings, before.arrivals)
