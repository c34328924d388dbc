"""Globals and class attributes that were changed after the import of their module."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import like_keras_core as lk
from like_keras_core import System
from like_keras_core.testing.components import Count

PARTS = """
import enum
from dataclasses import dataclass

import settings_of_parts as settings
import like_keras_core as lk

GAIN = 1.0
LIMITS = {"low": 0.0, "high": 1.0}
args = None
UNUSED = 1
TWICE = 1
TWICE = 2
COUNT = 0
SEEN = {"frames": 0}
HELPED = 1
LAZY = None
EARLY = 1


def configure(gain):
    global GAIN
    GAIN = gain


def begin():
    global EARLY
    EARLY = 7


begin()


def count():
    global COUNT
    COUNT += 1
    SEEN["frames"] += 1
    return COUNT


def load():
    global LAZY
    if LAZY is None:
        LAZY = "model"
    return LAZY


def helped():
    return HELPED


class Params:
    speed = 3


class Color(enum.Enum):
    RED = 1


@dataclass(slots=True)
class Box:
    x: int = 1


class Base(lk.Component):
    offset = 0.0


class Scale(Base):
    rate = 1
    calls = 0
    own = 2

    def __init__(self):
        super().__init__()
        self.own = 5

    def forward(self, value: float) -> float:
        Scale.calls += 1
        Color.RED, Box().x, EARLY, TWICE, load(), count()
        low = LIMITS["low"]
        gain = 1 if args is None else args.gain
        speeds = Params.speed, settings.SPEED, self.rate, self.own
        return value * GAIN * helped() + self.offset


if __name__ == "__main__":
    GAIN = 8.0
"""


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module with a component that reads all kinds of constants."""
    (tmp_path / "parts_with_constants.py").write_text(PARTS)
    (tmp_path / "settings_of_parts.py").write_text("SPEED = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("parts_with_constants")
    for name in ("parts_with_constants", "settings_of_parts"):
        sys.modules.pop(name, None)


def found(parts: Any) -> list[str]:
    """Return what is said of a system with that component."""
    issues = System([Count(), parts.Scale()]).lower().issues
    return [str(issue) for issue in issues if issue.code == "changed-constant"]


CHANGES: dict[str, Callable[[Any], object]] = {
    "GAIN of parts": lambda parts: parts.configure(5.0),
    "LIMITS of parts": lambda parts: parts.LIMITS.update(low=-1.0),
    "args of parts": lambda parts: setattr(parts, "args", object()),
    "HELPED of parts": lambda parts: setattr(parts, "HELPED", 2),
    "Params.speed of parts": lambda parts: setattr(parts.Params, "speed", 9),
    "SPEED of settings_of_parts": lambda parts: setattr(parts.settings, "SPEED", 2),
    "Base.offset of parts": lambda parts: setattr(parts.Base, "offset", 100.0),
    "Scale.rate of parts": lambda parts: setattr(parts.Scale, "rate", "high"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_another_process_would_not_have_is_named(what: str, parts: Any) -> None:
    """The constant, both values, who reads it, and what to do."""
    CHANGES[what](parts)

    (text,) = found(parts)

    assert text.startswith(what)
    assert "Component 'scale' reads it" in text
    assert "Pass it to __init__ instead" in text


def test_what_is_as_the_file_says_is_no_issue(parts: Any) -> None:
    """Nor what is bound twice, or by code that runs with the import."""
    assert found(parts) == []


def test_what_components_change_themselves_is_state(parts: Any) -> None:
    """Counters, caches, and what is loaded when it is needed first."""
    parts.Scale().forward(1.0)

    assert parts.COUNT == 1
    assert parts.SEEN == {"frames": 1}
    assert found(parts) == []


def test_what_no_component_reads_is_the_authors(parts: Any) -> None:
    """Nor an attribute that the instance has itself."""
    parts.UNUSED = 2
    parts.Scale.own = 7

    assert found(parts) == []


def test_it_is_an_error_elsewhere_and_a_warning_here(parts: Any) -> None:
    """As with an attribute that was assigned to a component."""
    parts.GAIN = 5.0
    system = System([Count(), parts.Scale()])

    with pytest.warns(lk.LkWarning, match="GAIN of parts"):
        report = system.run(2, record="all")
    with pytest.raises(lk.GraphError, match="GAIN of parts_with_constants"):
        system.save("robot.json")

    assert report.records["scale.output"] == [(0, 0.0), (1, 5.0)]
