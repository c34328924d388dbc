"""Which options of a launch an engine's own `launch` is called with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from like_keras_core import launch_options
from like_keras_core.engine import Engine
from like_keras_core.errors import EngineOptionError
from like_keras_core.launch_options import LaunchOptions, Option
from like_keras_core.plugins.engine_adapter import options_for
from like_keras_core.runtime.stop import StopSignal
from like_keras_core.system import System
from like_keras_core.testing.components import Count

SPEC = System([Count()]).to_spec()


class Exact(Engine):
    """An engine that names the few options that it has."""

    name = "exact"

    def validate(self, system: Any) -> Any:
        return True, []

    def compile(self, system: Any, build_dir: Any = None) -> Any:
        return None

    def launch(  # type: ignore[override]
        self,
        system: Any,
        config_path: Any = None,
        *,
        iterations: int | None,
        stop: StopSignal | None = None,
        own: int = 0,
    ) -> Any:
        raise AssertionError


class Open(Exact):
    """An engine that takes any option, and looks at them itself."""

    def launch(self, system: Any, config_path: Any = None, **options: Any) -> Any:
        raise AssertionError


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a core with one more option, `pace`."""
    option = Option(name="pace", default=1, help="How fast.")
    options: Mapping[str, Option] = {**launch_options.OPTIONS, "pace": option}
    monkeypatch.setattr("like_keras_core.plugins.engine_adapter.OPTIONS", options)


def asked(**options: Any) -> dict[str, Any]:
    """Return the options of a launch, as the core has them for an engine."""
    return {**LaunchOptions(**options).for_engine(), "stop": StopSignal()}


def test_options_that_are_not_named_are_left_out_at_their_defaults() -> None:
    """Those that are named are passed, whatever they are."""
    passed = options_for(Exact(), SPEC, asked(record=[], taps=[]))

    assert passed.keys() == {"iterations", "stop"}


def test_the_rate_of_the_system_itself_is_left_out() -> None:
    """The engine knows it from the spec."""
    spec = replace(SPEC, rate_hz=20.0)

    passed = options_for(Exact(), spec, asked(rate_hz=20))

    assert "rate_hz" not in passed


@pytest.mark.parametrize(
    ("options", "near"),
    [({"rate_hz": 5}, ""), ({"iteration": 5}, "iterations"), ({"onw": 1}, "own")],
)
def test_an_option_that_is_not_named_is_refused(
    options: dict[str, Any], near: str
) -> None:
    """By name, with the nearest of those that the engine has."""
    with pytest.raises(EngineOptionError) as caught:
        options_for(Exact(), SPEC, {**asked(), **options})

    assert caught.value.unknown == tuple(options)
    assert caught.value.known == ("iterations", "own", "stop")
    assert (f"Did you mean {near!r}" in str(caught.value)) is bool(near)


def test_an_engine_that_takes_any_option_finds_those_of_ever() -> None:
    """It may read them without a default, as the first engines could."""
    passed = options_for(Open(), SPEC, {**asked(), "own": 1})

    # These came later.
    later = {"stop_grace_s", "speed", "late", "choices", "realtime"}
    assert passed.keys() == {*asked(), "own"} - later


def test_as_fast_as_possible_is_told_to_those_who_may_know_the_word() -> None:
    """An engine of before is given no rate to keep; that says it, too."""
    options = LaunchOptions(speed=None).in_ticks(20.0).for_engine()

    assert "speed" not in options_for(Exact(), SPEC, options)
    passed = options_for(Open(), SPEC, options)
    assert (passed["rate_hz"], passed["speed"]) == (None, None)


@pytest.mark.usefixtures("newer")
@pytest.mark.parametrize("engine", [Exact(), Open()])
def test_a_new_option_at_its_default_changes_nothing(engine: Engine) -> None:
    """An engine that was made before is called as it was."""
    assert "pace" not in options_for(engine, SPEC, {**asked(), "pace": 1})


@pytest.mark.usefixtures("newer")
def test_a_new_option_that_is_given_reaches_the_engine_or_is_refused() -> None:
    """It is not ignored."""
    given = {**asked(), "pace": 2}

    assert options_for(Open(), SPEC, given)["pace"] == 2
    with pytest.raises(EngineOptionError, match="'pace'"):
        options_for(Exact(), SPEC, given)
