"""The control protocol: what is said comes over, what is not is refused by name."""

from __future__ import annotations

import ast
import json
import logging
import re
import runpy
from pathlib import Path
from typing import Any, get_args

import pytest

import like_keras_core
from like_keras_core.report import ComponentReport
from like_keras_core.runtime.control import protocol as p
from like_keras_core.runtime.control.log_forwarding import forwarding_logs
from like_keras_core.runtime.control.message import (
    Message,
    ProtocolError,
    assert_never,
    decode,
    encode,
)
from like_keras_core.runtime.control.statistics import NodeStatistics
from like_keras_core.runtime.failure import ReportedFailure
from like_keras_core.runtime.stop_point import StopPoint

RUNTIME = Path(like_keras_core.__file__).parent / "runtime"
ROOT = Path(__file__).resolve().parents[3]

FAILURE = ReportedFailure("camera", "forward", 3, "ValueError: no", "Traceback", "a:1")
STATISTICS = NodeStatistics(
    components={"camera": ComponentReport(fired=3, absent=1, latency_p50_s=0.5)},
    messages={"camera.output": 3},
    bytes={"camera.output -> b": 30},
    in_flight={"camera.output -> b": 1},
    received={"scale.value": (0.25, None)},
    late_ticks=2,
)
STOP = StopPoint(3, 1, "error", "camera")

EXAMPLES: list[Message] = [
    p.GetSystem(),
    p.Beats("a"),
    p.SystemCopy(b"{}"),
    p.Hello("a", 12, "nuc", "3.11", "tcp://1", "abc", {"kit": "1"}),
    p.Build({"window": 8}, {"a": "tcp://1"}, {"0": "k"}),
    p.Ready((FAILURE,)),
    p.ReadClock(),
    p.Clock(1 << 60, "boot"),
    p.Configure(),
    p.Configured(()),
    p.Activate(),
    p.Activated((FAILURE, FAILURE)),
    p.Link(30.0),
    p.Linked(("b",)),
    p.NewStopPoint(STOP),
    p.Start(),
    p.Progress(7),
    p.LowWatermark(7),
    p.RequestStatistics(),
    p.Statistics(STATISTICS),
    p.WaitsFor(("On node 'b', waits.",)),
    p.StopProposed(STOP),
    p.StopAsked(),
    p.StopRequest(),
    p.StopReply(0, -1),
    p.StopGranted(STOP),
    p.Finished(3, 1),
    p.Deactivate(),
    p.Deactivated(()),
    p.Shutdown(),
    p.ShutDown((FAILURE,)),
    p.RequestReport(),
    p.Report(STATISTICS, (FAILURE,)),
    p.Records("camera.output", True, b"\x00\xff"),
    p.RecordsFailed(FAILURE),
    p.ChoicesMade(False, b"{}"),
    p.Trace("firings", "camera", b"12345678"),
    p.Reported(),
    p.RunEnded(False),
    p.Log(30, "like_keras.camera", "dark", "camera", None),
    p.RelayFrame("b", b"frame"),
    p.Frame(b"frame"),
    p.Overdue(FAILURE),
    p.NodeFailed("Traceback"),
]
TABLES: dict[str, Any] = {**p.TO_PROCESS, **p.FROM_PROCESS}


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: message.verb)
def test_a_message_comes_over_equal(message: Message) -> None:
    """Nested values, None and bytes too."""
    text, data = encode(message)

    assert decode(text, data, TABLES) == message


def test_every_message_has_a_verb_of_its_own_and_is_tested_here() -> None:
    """One direction each."""
    assert not p.TO_PROCESS.keys() & p.FROM_PROCESS.keys()
    assert {type(example) for example in EXAMPLES} == set(TABLES.values())
    travelling = {*get_args(p.ToProcess), *get_args(p.FromProcess)}
    assert travelling - set(TABLES.values()) == {p.ConnectionLost}


@pytest.mark.parametrize("kind", TABLES.values(), ids=lambda kind: kind.verb)
def test_a_docstring_says_first_who_sends_the_message(kind: type[Message]) -> None:
    """In the words of the tables."""
    sender = "Launcher" if kind.verb in p.TO_PROCESS else "Process"

    assert re.match(rf"{sender}\b", kind.__doc__ or "")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("no JSON", "is not a JSON array"),
        ("{}", "is not a JSON array"),
        ("[]", "is not a JSON array"),
        ("7", "is not a JSON array"),
        ('["nonsense"]', "'nonsense' does not exist in this direction"),
        ("[[1]]", "[1] does not exist in this direction"),
        ('["start"]', "'start' does not exist in this direction"),
        ('["progress"]', "has 0 fields; expected are 1: tick"),
        ('["reported", 1]', "has 1 fields; expected are 0: none"),
        ('["progress", "7"]', "tick must be an integer; got '7'"),
        ('["progress", true]', "tick must be an integer; got True"),
        ('["progress", 7.0]', "tick must be an integer; got 7.0"),
        ('["linked", "b"]', "unheard must be an array; got 'b'"),
        ('["linked", ["b", 1]]', "unheard[1] must be a string; got 1"),
        ('["ready", [{}]]', "failures[0] must be an object of component, phase"),
        ('["stop_proposed", [1, 2]]', "stop_point must be an array of 4; got [1, 2]"),
        (
            '["stop_proposed", [1, 2, "stop", null]]',
            "stop_point[3] must be a string; got None",
        ),
        (
            '["log", 1, "a", "b", 2, null]',
            "address must be a string or null; got 2",
        ),
        (
            '["hello", "a", 1, "m", "3", "", "d", {"kit": 1}]',
            "versions['kit'] must be a string; got 1",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(
    content: str, problem: str
) -> None:
    """Whatever a broken peer sends, nothing else is raised."""
    with pytest.raises(ProtocolError) as caught:
        decode(content.encode(), b"", p.FROM_PROCESS)

    assert problem in str(caught.value)


def test_a_field_of_nested_data_is_named_with_its_place() -> None:
    """As in a program."""
    text, _ = encode(p.Statistics(STATISTICS))
    verb, statistics = json.loads(text)
    statistics["components"]["camera"]["busy_s"] = "long"

    with pytest.raises(ProtocolError) as caught:
        decode(json.dumps([verb, statistics]).encode(), b"", p.FROM_PROCESS)

    place = "statistics.components['camera'].busy_s must be a number; got 'long'"
    assert place in str(caught.value)


def test_a_message_that_no_case_handles_is_named() -> None:
    """If the type checker was not asked."""
    with pytest.raises(AssertionError, match=r"No case handles Start\(\)"):
        assert_never(p.Start())  # type: ignore[arg-type]


class Kept:
    """A connection that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, message: object) -> None:
        self.sent.append(message)


def test_attributes_of_other_libraries_records_are_left_out() -> None:
    """They may be anything; `address` and `tick` are ours where they fit."""
    kept: Any = Kept()
    logger = logging.getLogger("somebody.else")

    with forwarding_logs(kept):
        logger.warning("hello", extra={"address": ("::1", 80), "tick": "now"})
        logger.warning("there", extra={"address": "camera", "tick": 7})

    assert [(log.address, log.tick) for log in kept.sent] == [
        (None, None),
        ("camera", 7),
    ]


def strings_of(module: ast.Module) -> set[str]:
    """Return the strings of a module but for docstrings and attributes' names."""
    others: set[int] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Expr):
            others.add(id(node.value))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("attr"):
            others |= {id(argument) for argument in node.args}
        elif (
            isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__slots__"
        ):
            others |= {id(item) for item in ast.walk(node.value)}
    return {
        node.value
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if id(node) not in others
    }


def test_a_verb_stands_in_the_protocol_and_nowhere_else() -> None:
    """Whoever sends or takes a message names its class."""
    verbs = {*TABLES, p.Heartbeat.verb, p.ConnectionLost.verb}

    found = {
        f"{file.relative_to(RUNTIME)}: {verb}"
        for file in RUNTIME.rglob("*.py")
        if file.name != "protocol.py"
        for verb in verbs & strings_of(ast.parse(file.read_text(encoding="utf-8")))
    }

    assert found == set()


def test_the_page_shows_the_protocol_as_it_is() -> None:
    """`python docs/protocol_diagram.py` brings it up to date."""
    drawn = runpy.run_path(str(ROOT / "docs" / "protocol_diagram.py"))

    assert drawn["shown"]() == drawn["diagram"]()
