"""Config values: to JSON and back, equal and of the same type."""

import contextlib
import enum
import json
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import like_keras_core as lk
from like_keras_core.testing import same
from like_keras_core.values.config_json import decode, encode


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: float
    y: float


@dataclass(frozen=True)
class Gains:
    kp: float = 1.0
    limits: tuple[float, float] = (-1.0, 1.0)
    hidden: int = field(default=3, init=False)


class Model:
    def __init__(self, path: str) -> None:
        self.path = path

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and other.path == self.path

    def __hash__(self) -> int:
        return hash(self.path)


lk.register_type(Model, lambda model: (model.path,), lambda data: Model(*data))

sys.modules.setdefault(__name__, sys.modules[__name__])

VALUES = [
    None,
    True,
    0,
    -(2**53),
    10**400,
    1.5,
    -0.0,
    float("nan"),
    float("inf"),
    1 + 2j,
    "",
    "ünïcode\n\x00",
    b"\x00\xff",
    [],
    [1, [2]],
    (),
    (1, (2, [3])),
    {},
    {"a": 1, "b": {"c": None}},
    {1: "a", (2, 3): "b", None: "c"},
    {"$tuple": [1]},
    {"$": 1, "x": 2},
    {3, 1, 2},
    frozenset({"a"}),
    Colour.RED,
    Level.LOW,
    Access.READ | Access.WRITE,
    Path("a/b"),
    PurePosixPath("/etc"),
    PureWindowsPath("C:/x"),
    Point(1.0, 2.0),
    Gains(kp=2.0),
    [Gains(), {"p": Point(0, 1)}],
    Model("m.onnx"),
    np.arange(6, dtype=np.int16).reshape(2, 3),
    np.zeros((0, 3), np.float32),
    np.array(3.5),
    np.asfortranarray(np.ones((2, 3))),
    np.arange(10)[::2],
    np.array(["a", "bc"]),
    np.array(["2026-01-01"], "datetime64[D]"),
    np.array([np.nan, -0.0]),
    np.float32(1.5),
    np.int64(7),
    np.bool_(True),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_survives(value: Any) -> None:
    """Strict JSON in between, an equal value of the same type after it."""
    text = json.dumps(encode(value), allow_nan=False)

    assert same(decode(json.loads(text)), value)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.complex_numbers()
    | st.fractions(),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(
            st.text() | st.integers() | st.booleans() | st.tuples(st.text()), inner
        )
    ),
    max_leaves=12,
)


@given(PLAIN)
def test_every_plain_value_survives(value: Any) -> None:
    """Whatever is nested in whatever."""
    text = json.dumps(encode(value), allow_nan=False)

    assert same(decode(json.loads(text)), value)


TAGS = [
    *("$int", "$float", "$array", "$scalar", "$enum", "$flag", "$dataclass"),
    *("$namedtuple", "$type", "$tuple", "$path", "$dict", "$unknown", "a"),
]


def recursive() -> list[Any]:
    """Return a list that contains itself."""
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (object, "of type builtins.object"),
        (lambda: lambda x: x, r"lk\.register_type"),
        (lambda: {"a": [1, object()]}, r"config\['a'\]\[1\]"),
        (lambda: np.array([object()]), "arrays of objects"),
        (lambda: np.zeros(2, [("a", int)]), "arrays of objects and structures"),
        (lambda: OrderedDict(a=1), "OrderedDict"),
        (recursive, "contains itself"),
    ],
)
def test_what_cannot_be_saved_is_named(make: Callable[[], Any], match: str) -> None:
    """Where it is, its type, and the ways out."""
    with pytest.raises(lk.NotSerializableError, match=match):
        encode(make(), "config")


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(TAGS),
                inner,
                max_size=2,
            )
        ),
        max_leaves=8,
    )
)
def test_garbage_is_read_or_refused(data: Any) -> None:
    """Nothing but a SpecError or a LoadError comes out of foreign data."""

    def refuse(name: str) -> type:
        raise lk.LoadError(name)

    with contextlib.suppress(lk.SpecError, lk.LoadError):
        decode(data, refuse)


def test_a_registered_type_without_its_decoder_is_named() -> None:
    """The error says what to call, and where."""
    data = {"$type": ["like_keras_core.errors:LkError", 1]}

    with pytest.raises(lk.SpecError, match="register_type"):
        decode(data)
