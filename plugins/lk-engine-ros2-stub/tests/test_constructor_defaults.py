"""What a class says of arguments that nobody has given; no ROS needed."""

from collections.abc import Sequence
from typing import Any

import pytest
from ros_parts import Tuned  # type: ignore[import-not-found]

from like_keras_core import LkError, Node, System
from like_keras_core.engine_kit import decode_json, resolve_class
from like_keras_core.spec import ComponentSpec
from lk_engine_ros2_stub.constructor_defaults import (
    About,
    descriptions,
    with_defaults,
)
from lk_engine_ros2_stub.parameter_overrides import ParameterOverrides
from lk_engine_ros2_stub.parameters import parameters_of


class Declared:
    """Stands in for a ROS node: what it was set to, and what was declared."""

    def __init__(self, **given: Any) -> None:
        self.given = {name.replace("__", "."): value for name, value in given.items()}
        self.declared: dict[str, tuple[Any, About]] = {}

    def check(self, name: str, default: Any) -> None:
        if type(self.given.get(name, default)) is not type(default):
            raise LkError(f"{name} has another type")

    def declare(self, name: str, default: Any, about: About) -> Any:
        self.declared[name] = default, about
        return self.given.get(name, default)

    def undeclared(self) -> Sequence[str]:
        return [name for name in self.given if name not in self.declared]


def configured(component: Any, declared: Declared) -> Any:
    """Return what a component is made with on a node that was so started."""
    spec = System([component], name="r").to_spec()
    (item,) = spec.components
    overrides = ParameterOverrides(spec, item.node, declared)
    overrides.check()
    return decode_json(dict(overrides.configure(item).config or {}), resolve_class)


def of(component: Any) -> ComponentSpec:
    return System([component], name="r").to_spec().components[0]


def test_every_default_is_a_parameter_with_its_type() -> None:
    """Arguments and fields of the config; a float that reads as an int is a float."""
    whole = with_defaults(of(Tuned(rate_hz=5, node=Node("a"))), Tuned)
    held = {item.name: item.value for item in parameters_of(whole) if not item.reason}

    assert repr(held) == repr(
        {
            "tuned.start": 3,
            "tuned.scale": 1.0,
            "tuned.config.gain": 2.0,
            "tuned.config.count": 1,
            "tuned.config.words": ["a"],
        }
    )


def test_docstrings_and_fields_say_what_arguments_mean() -> None:
    """The metadata of a field comes before its class's docstring."""
    said = descriptions(Tuned)

    assert said["start",] == About("The first number, before it is tuned.")
    assert said["config", "gain"] == About("Multiplies.", 0, 10.0)
    assert said["config", "count"] == About("How many.", 0, None)


def test_what_was_set_counts_and_other_defaults_stay_the_class_s() -> None:
    """Nothing becomes an argument but what was set, and a config as a whole."""
    declared = Declared(tuned__config__gain=4.0, tuned__label="hand")
    made = configured(Tuned(7), declared)

    assert made == {"start": 7, "label": "hand", "config": Tuned.Config(gain=4.0)}
    assert configured(Tuned(7), Declared()) == {"start": 7}


def test_an_unknown_name_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """With the one that may have been meant."""
    configured(Tuned(), Declared(tuned__lable="x", other=1))

    assert "'tuned.lable' was set and changes nothing" in caplog.text
    assert "did you mean 'tuned.label'?" in caplog.text
    assert "'other' was set and changes nothing" in caplog.text


def test_rates_and_names_are_the_system_s() -> None:
    """All nodes must know the same ones: they are compiled."""
    component = Tuned(name="t", rate_hz=5, takes=1)
    made = {item.name: item.reason for item in parameters_of(of(component))}

    assert set(made.values()) == {"the system's own"}
