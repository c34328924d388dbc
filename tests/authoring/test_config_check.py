"""A config of the wrong type is an issue, wherever it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from like_keras_core import Component, System


class Ctl(Component):
    @dataclass
    class Config:
        gain: float = 0.5
        size: tuple[int, int] = (1, 2)
        name: str = None  # type: ignore[assignment]
        table: dict[str, float] = field(default_factory=dict)
        odd: int = field(default_factory=lambda: "x")  # type: ignore[assignment]
        model: Missing = None  # type: ignore[name-defined]  # noqa: F821

    config: Config

    def forward(self) -> float:
        return self.config.gain


def issues(component: Component) -> list[str]:
    found = System([component]).validate()
    assert {x.code for x in found} <= {"config-type", "assigned-attribute"}
    return [str(x) for x in found if x.code == "config-type"]


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (
            {"gain": 9},
            "The config of 'ctl' is {'gain': 9} (dict); expected a Ctl.Config.",
        ),
        ("hello", "The config of 'ctl' is 'hello' (str); expected a Ctl.Config."),
        (Ctl.Config(gain="x"), "'ctl.config.gain' takes float; got 'x' (str)."),  # type: ignore[arg-type]
        (Ctl.Config(size=(1, "x")), "'ctl.config.size[1]' takes int; got 'x' (str)."),  # type: ignore[arg-type]
        (Ctl.Config(size=(1,)), "'ctl.config.size' takes tuple[int, int], of length 2"),  # type: ignore[arg-type]
        (Ctl.Config(table={"a": "b"}), "'ctl.config.table['a']' takes float; got 'b'"),  # type: ignore[dict-item]
    ],
)
def test_a_wrong_type_is_an_issue(config: Any, text: str) -> None:
    """It names the field, what is expected and what came."""
    (found,) = issues(Ctl(config=config))

    assert found.startswith(text)


@pytest.mark.parametrize(
    "config",
    [
        Ctl.Config(),
        Ctl.Config(gain=1),
        Ctl.Config(gain=np.float32(1)),
        Ctl.Config(gain=True, size=[1, np.int8(2)]),  # type: ignore[arg-type]
        Ctl.Config(name="x", table={"a": 1}, odd="y", model=3),  # type: ignore[arg-type]
    ],
)
def test_what_works_as_the_type_passes(config: Any) -> None:
    """Scalars, lists for tuples, and what the class itself has for its defaults."""
    assert issues(Ctl(config=config)) == []


def test_an_assigned_field_is_looked_at() -> None:
    """The config counts as it is, not as it was passed."""
    ctl = Ctl()
    ctl.config.gain = "x"  # type: ignore[assignment]

    assert issues(ctl) == ["'ctl.config.gain' takes float; got 'x' (str)."]


def test_of_a_dict_it_says_how_to_write_it() -> None:
    """With the class, and the fields by name."""
    (found,) = issues(Ctl(config={"gain": 9}))

    assert found.endswith("Write config=Ctl.Config(gain=9)")
