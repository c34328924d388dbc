"""The options of a launch are described once, and everybody says the same of them."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import like_keras_core as lk
from like_keras_core.launch_options import OPTIONS, LaunchOptions, Option
from like_keras_core.runtime.control.run_options import RunOptions
from like_keras_core.testing.components import Count

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "cli.md"


def plain(text: str) -> str:
    """Return text without Markdown and line breaks."""
    return " ".join(re.sub('[`"]', "", text).split())


def row(option: Option) -> str:
    """Return the row of an option in the table of the reference page."""
    flag = "" if option.flag is None else f"`{option.flag.name}`"
    default = "" if option.default in (None, ()) else f"`{option.default!r}`"
    where = " Only with several processes." if option.is_between_processes else ""
    return f"| {flag} | `{option.name}` | {default} | {option.sentence}{where} |"


def test_the_signature_of_launch_is_that_of_the_options() -> None:
    """Names, defaults and types, so that editors and type checkers know them."""
    parameters = inspect.signature(lk.System.launch).parameters.values()

    found = {
        item.name: (item.default, item.annotation)
        for item in parameters
        if item.name not in ("self", "engine", "engine_options")
    }
    assert found == {
        item.name: (item.default, item.type) for item in fields(LaunchOptions)
    }


@pytest.mark.parametrize("option", OPTIONS.values(), ids=list(OPTIONS))
def test_the_docstring_of_launch_has_the_help(option: Option) -> None:
    """Word for word, with the unit."""
    text = plain(str(lk.System.launch.__doc__))

    assert f"{option.name}: {option.sentence}" in text


def test_the_reference_page_has_every_option() -> None:
    """As a table, in the order of `lk launch --help`."""
    head = "| flag of `lk launch` | keyword | default | meaning |\n|---|---|---|---|"
    table = "\n".join([head, *map(row, OPTIONS.values())])

    assert table in PAGE.read_text(encoding="utf-8"), f"the table is now\n{table}"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"iterations": -1}, "iterations must be a whole number, 0 or more; got -1."),
        ({"seed": True}, "seed must be a whole number, 0 or more; got True."),
        ({"seed": None}, "seed must be a whole number, 0 or more; got None."),
        ({"window": 0}, "window must be a whole number, 1 or more; got 0."),
        ({"rate_hz": 0}, "rate_hz must be a number greater than 0; got 0."),
        ({"timeout_s": "2"}, "timeout_s must be a number greater than 0; got '2'."),
        ({"heartbeat_s": -1}, "heartbeat_s must be a number, 0 or greater; got -1."),
        (
            {"heartbeat_s": 1e10},
            "heartbeat_s must be 1,000,000 at most; got 10000000000.0.",
        ),
        (
            {"timeout_s": 1e10},
            "timeout_s must be 1,000,000,000 at most; got 10000000000.0.",
        ),
        (
            {"stop_grace_s": 1e10},
            "stop_grace_s must be 1,000,000,000 at most; got 10000000000.0.",
        ),
    ],
)
def test_a_value_that_cannot_be_is_refused(
    options: dict[str, Any], expected: str
) -> None:
    """The message has the name, the range and what came."""
    with pytest.raises(ValueError, match=r"must be") as caught:
        LaunchOptions.of(**options)

    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"iterations": 3, "seconds": 1},
            "iterations=3 and seconds=1 both say how long",
        ),
        ({"rate_hz": 10, "speed": 2}, "rate_hz=10 and speed=2.0 both say how fast"),
        ({"rate_hz": 10, "speed": None}, "rate_hz=10 and speed=None both say how fast"),
        ({"speed": 0}, "speed must be a number greater than 0, or None"),
        ({"seconds": float("inf")}, "seconds must be a number greater than 0; got inf"),
    ],
)
def test_two_options_that_say_the_same_are_refused(
    options: dict[str, Any], expected: str
) -> None:
    """Both are named."""
    with pytest.raises(ValueError, match=expected):
        LaunchOptions.of(**options)


@pytest.mark.parametrize(
    ("options", "rate_hz", "expected"),
    [
        ({}, None, (None, None, 1.0)),
        ({}, 20.0, (None, 20.0, 1.0)),
        ({"speed": None}, None, (None, None, 1.0)),
        ({"speed": None}, 20.0, (None, None, None)),
        ({"speed": 0.5, "seconds": 0.3}, 20.0, (6, 10.0, 1.0)),
        ({"rate_hz": 5.0, "seconds": 0.31}, 20.0, (7, 5.0, 1.0)),
        ({"rate_hz": 5.0, "iterations": 4}, 5.0, (4, 5.0, 1.0)),
    ],
)
def test_options_in_terms_of_ticks(
    options: dict[str, Any], rate_hz: float | None, expected: tuple[Any, ...]
) -> None:
    """Engines are told a number of ticks and a rate to keep; once is enough."""
    told = LaunchOptions(**options).in_ticks(rate_hz)

    assert (told.iterations, told.rate_hz, told.speed) == expected
    assert told.in_ticks(rate_hz) == told


@pytest.mark.parametrize("options", [{"seconds": 1.0}, {"speed": 2.0}])
def test_seconds_and_speed_need_a_rate(options: dict[str, Any]) -> None:
    """The cure is in the error."""
    match = r"the system has no rate. Write System\(..., rate_hz=200\), or launch"
    with pytest.raises(ValueError, match=match):
        lk.System([Count()]).launch(**options)


def test_values_are_converted_to_what_is_used() -> None:
    """Once, so that whoever reads them need not."""
    options = LaunchOptions(rate_hz=5, check_values=1, trace_to="t.json")  # type: ignore[arg-type]

    assert (options.rate_hz, options.check_values) == (5.0, True)
    assert isinstance(options.rate_hz, float)
    assert options.trace_to == Path("t.json")


def test_an_unknown_option_is_answered_with_the_nearest() -> None:
    """Among those of every launch, and the engine's own."""
    with pytest.raises(
        lk.EngineOptionError, match="Did you mean 'run_ahead'"
    ) as caught:
        LaunchOptions.of("dora", ["local"], run_ahed=1)
    with pytest.raises(lk.EngineOptionError, match="Did you mean 'local'"):
        LaunchOptions.of("dora", ["local"], locale=True)

    assert (caught.value.engine, caught.value.unknown) == ("dora", ("run_ahed",))


def test_what_differs_from_the_defaults_is_known() -> None:
    """An empty list means the same as the default, which is an empty tuple."""
    options = LaunchOptions(record=[], taps=[], seed=3, trace_to="t.json")

    assert options.changed() == {"trace_to": Path("t.json"), "seed": 3}
    assert options.facts() == {"seed": 3}


def test_engines_do_not_see_what_the_core_does_itself() -> None:
    """A trace is written by the launch."""
    passed = LaunchOptions(trace_to="t.json").for_engine()

    own = {"build_dir", "trace_to", "seconds", "params"}
    assert passed.keys() == OPTIONS.keys() - own


def test_processes_are_told_what_concerns_them() -> None:
    """With what the system says where the launch says nothing."""
    spec = lk.System([Count()], rate_hz=20).to_spec()

    told = RunOptions.of(spec, LaunchOptions(seed=4, heartbeat_s=9.0))

    assert (told.seed, told.rate_hz, told.window) == (4, 20.0, 8)
    assert RunOptions.from_dict(told.to_dict()) == told
    assert RunOptions.of(spec, LaunchOptions(speed=None)).rate_hz is None
    assert RunOptions.of(spec, LaunchOptions(speed=2)).rate_hz == 40
