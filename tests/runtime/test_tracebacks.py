"""What a component raised, as it is told: its text, and the line of the user's code."""

from __future__ import annotations

import functools
import json
import re
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from like_keras_core import Component, ComponentError, EndOfStream, SystemSpec
from like_keras_core.runtime.loader import instantiate
from like_keras_core.runtime.tracebacks import place_of, text_of
from like_keras_core.spec import ComponentSpec, NodeSpec
from like_keras_core.testing.components import Fail


def line_of(function: Callable[..., object], offset: int = 1) -> str:
    """Return `file.py:line` of the n-th line of a function's body."""
    return f"{Path(__file__).name}:{function.__code__.co_firstlineno + offset}"


def raised(function: Callable[[], object]) -> Exception:
    try:
        function()
    except Exception as error:  # noqa: BLE001
        return error
    raise AssertionError("it raises")


def divide() -> float:
    return 1 / 0


def through_the_standard_library() -> Any:
    return json.loads("{")


def through_a_package() -> Any:
    return np.zeros(3).reshape(2, 2)


def through_generated_code() -> Any:
    class Pose(NamedTuple):
        x: float

    return Pose()  # type: ignore[call-arg]


def through_a_regular_expression() -> Any:
    return re.sub("a", lambda _: str(divide()), "a")


def through_a_decorator() -> Any:
    return functools.lru_cache(divide)()


def through_ours() -> Any:
    return instantiate(3, 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("function", "place"),
    [
        (divide, line_of(divide)),
        (through_the_standard_library, line_of(through_the_standard_library)),
        (through_a_package, line_of(through_a_package)),
        (through_generated_code, line_of(through_generated_code, 4)),
        (through_a_regular_expression, line_of(divide)),
        (through_a_decorator, line_of(divide)),
        (through_ours, line_of(through_ours)),
    ],
)
def test_the_place_is_the_innermost_line_of_the_users_code(
    function: Callable[[], object], place: str
) -> None:
    """Whatever it called: the line is one that the user can change."""
    assert place_of(raised(function)) == place


def run_as(filename: str, source: str) -> Exception:
    """Run source as if it were in that file, from code that is ours."""
    names: dict[str, Any] = {}
    exec(compile(source, filename, "exec"), names)
    error = raised(names["forward"])
    trace = error.__traceback__
    assert trace is not None
    return error.with_traceback(trace.tb_next)


FORWARD = """
import json

def forward():
    return json.loads("{")
"""


@pytest.mark.parametrize(
    "filename",
    [
        "/opt/venv/lib/python3.12/site-packages/arm/driver.py",
        "/usr/lib/python3/dist-packages/arm/driver.py",
    ],
)
def test_a_component_of_an_installed_package_is_named_by_its_own_line(
    filename: str,
) -> None:
    """Not by the innermost one, which may be anywhere."""
    assert place_of(run_as(filename, FORWARD)) == "driver.py:5"


@pytest.mark.parametrize(
    "filename", ["<stdin>", "<ipython-input-3-0a1b>", "<python-input-0>"]
)
def test_what_was_typed_in_is_the_users_code(filename: str) -> None:
    """A notebook's cell has no file."""
    assert place_of(run_as(filename, FORWARD)) == f"{filename}:5"


def test_a_project_with_its_environment_inside_is_told_from_it() -> None:
    """The folder of an environment says nothing of the files beside it."""
    assert place_of(run_as("/home/me/robot/arm.py", FORWARD)) == "arm.py:5"


def test_an_error_without_a_traceback_has_no_place() -> None:
    """Nothing is invented."""
    assert place_of(ValueError("never raised")) == ""


def test_our_components_for_tests_are_like_the_users() -> None:
    """They fail in users' systems, and their line is what helps."""
    error = raised(lambda: Fail(tick=0).forward(0))

    assert re.fullmatch(r"components\.py:\d+", place_of(error))


@pytest.mark.parametrize(
    ("phase", "when", "cure"),
    [
        ("__init__", "when the component is made", "raise an error that says why"),
        ("on_configure", "before tick 0", "raise an error that says why"),
        ("on_activate", "before tick 0", "raise an error that says why"),
        ("on_deactivate", "after the last tick", "Return instead"),
        ("on_shutdown", "after the last tick", "Return instead"),
    ],
)
def test_an_end_of_stream_outside_the_stream_is_explained(
    phase: str, when: str, cure: str
) -> None:
    """No tick is running that it could end."""
    text = text_of(EndOfStream("no more frames"), phase)

    assert text.startswith(
        f"EndOfStream('no more frames') ends a run from forward only, and {phase} is "
        f"called {when}. "
    )
    assert cure in text


def test_any_other_error_is_told_as_python_does() -> None:
    """Type and text."""
    assert text_of(ValueError("too far"), "on_configure") == "ValueError: too far"
    assert text_of(EndOfStream("x"), "forward") == "EndOfStream: x"


class Late(Component):
    def __init__(self) -> None:
        super().__init__()
        json.loads("{")

    def forward(self) -> int:
        return 1


def test_a_constructor_that_fails_is_told_with_its_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A component that is made from its spec."""
    module = types.ModuleType("lately")
    module.__dict__["Late"] = Late
    monkeypatch.setitem(sys.modules, "lately", module)
    spec = SystemSpec(
        nodes=(NodeSpec(name="main"),),
        components=(
            ComponentSpec(
                name="late", node="main", entry_point="lately:Late", config={}
            ),
        ),
    )

    with pytest.raises(ComponentError) as caught:
        instantiate(spec, spec)

    assert caught.value.place == line_of(Late.__init__, 2)
    assert caught.value.place in str(caught.value)
