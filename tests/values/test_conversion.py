"""What becomes of plain data by an annotation, and what is refused."""

from __future__ import annotations

import collections
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Protocol, TypedDict, TypeVar, Union

import numpy as np
import numpy.typing as npt
import pytest
from every_type import Every, Lens, Mode, Point  # type: ignore[import-not-found]
from hypothesis import given
from hypothesis import strategies as st

from like_keras_core.testing import same
from like_keras_core.values.conversion import maker
from like_keras_core.values.fit import misfit
from like_keras_core.values.mismatch import MismatchError
from like_keras_core.values.plain_data import NotPlainError, to_plain, to_yaml

T = TypeVar("T")


class Level(IntEnum):
    LOW = 1


class Box(TypedDict, total=False):
    x: float


class Speaks(Protocol):
    def speak(self) -> str: ...


@dataclass
class Needs:
    a: int
    b: Mode = Mode.FAST


CASES: list[tuple[Any, Any, Any]] = [
    (5, float, 5.0),
    (np.float32(2), float, np.float32(2)),
    (np.int8(2), int, np.int8(2)),
    (2**70, int, 2**70),
    (1, complex, 1 + 0j),
    (None, int | None, None),
    (None, None, None),
    ("FAST", Mode, Mode.FAST),
    ("quick", Mode, Mode.FAST),
    (1, Level, Level.LOW),
    (Mode.SLOW, Mode, Mode.SLOW),
    ("a", Path, Path("a")),
    ("a", Path | None, Path("a")),
    ("a", str | Path, "a"),
    (5, int | float, 5),
    (5, float | str, 5.0),
    ("x", Union[int, str], "x"),  # noqa: UP007 - the older form
    ("1/3", Fraction, Fraction(1, 3)),
    (3, int | Fraction, 3),
    ([1, 2], tuple[float, ...], (1.0, 2.0)),
    ([1, "a"], tuple[int, str], (1, "a")),
    ([], tuple[()], ()),
    ((1, 2), list[int], [1, 2]),
    ([1], Sequence[float], [1.0]),
    ((1,), Sequence[float], (1.0,)),
    ([1, 1], set[int], {1}),
    ({"a": 1}, dict[str, float], {"a": 1.0}),
    ({"1": 2}, dict[int, int], {1: 2}),
    ({"a": [1]}, Mapping[str, tuple[int, ...]], {"a": (1,)}),
    ("a", Literal["a", 1], "a"),
    (1, Literal["a", 1], 1),
    ({"x": 1}, Box, {"x": 1.0}),
    ([1], Point, Point(1.0)),
    ({"x": 1}, Point, Point(1.0)),
    ({"focal": 2}, Lens, Lens(2.0)),
    ({"focal": 2}, Lens | None, Lens(2.0)),
    ({"a": 1, "b": "SLOW"}, Needs, Needs(1, Mode.SLOW)),
    ([{"a": 1}], list[Needs], [Needs(1)]),
    ([1, 2], npt.NDArray[np.float32], np.array([1, 2], np.float32)),
    ([[1], [2]], np.ndarray, np.array([[1], [2]])),
    ([1], npt.NDArray[np.floating], np.array([1.0])),
    ([], npt.NDArray[np.uint8], np.array([], np.uint8)),
    (3, np.int16, np.int16(3)),
    (3, Annotated[float, "m"], 3.0),
    (3, Final[float], 3.0),
    ("anything", Any, "anything"),
    ("anything", T, "anything"),
    ("anything", Speaks, "anything"),
]


@pytest.mark.parametrize(("value", "annotation", "wanted"), CASES, ids=str)
def test_what_fits_is_converted(value: Any, annotation: Any, wanted: Any) -> None:
    """To an equal value of the type that the annotation says."""
    found = maker(value, annotation)()

    assert same(found, wanted), found
    assert misfit(found, annotation) is None


@pytest.mark.parametrize(
    ("value", "annotation", "text"),
    [
        ("5", float, "takes float; got '5' (str)"),
        (True, int, "takes int; got True (bool)"),
        (1.0, int, "takes int; got 1.0 (float)"),
        (1, bool, "takes bool; got 1 (int)"),
        (1, str, "takes str; got 1 (int)"),
        (10**400, float, "takes float, and a whole number of that size has none"),
        (None, int, "takes int; got None"),
        ("X", Mode, "takes Mode, one of 'FAST', 'SLOW'; got 'X' (str)"),
        (True, Level, "takes Level, one of 'LOW'; got True (bool)"),
        ("a\0", Path, "takes a path"),
        ("1/0", Fraction, "takes a fraction"),
        ([1], tuple[int, int], "takes tuple[int, int], of length 2; got [1]"),
        ([1, "a"], list[int], "takes int; got 'a' (str) at [1]"),
        ("ab", Sequence[str], "got 'ab' (str)"),
        ([[1]], set[Any], "of what may be in a set"),
        ({"a": "b"}, dict[str, int], "takes int; got 'b' (str) at ['a']"),
        ("c", Literal["a", 1], "takes one of 'a', 1; got 'c' (str)"),
        (True, Literal["a", 1], "takes one of 'a', 1; got True (bool)"),
        ({"y": 1}, Box, "Box with fields of x"),
        ({"focl": 1}, Lens, "(did you mean 'focal'?); got 'focl' (str)"),
        ({"size": [1, "x"]}, Lens, "takes int; got 'x' (str) at .size[1]"),
        ({"size": [1, "x"]}, Lens | None, "takes int; got 'x' (str) at .size[1]"),
        ({"b": "FAST"}, Needs, "takes Needs with a too"),
        (5, Lens, "takes Lens, or a mapping with its fields; got 5 (int)"),
        (Lens("x"), Lens, "takes float; got 'x' (str) at .focal"),
        ("x", int | float | None, "takes int | float | None; got 'x' (str)"),
        (["a"], npt.NDArray[np.float32], "takes an array of float32"),
        ([1.5], npt.NDArray[np.int32], "takes an array of int32"),
        ([300], npt.NDArray[np.uint8], "takes an array of uint8"),
        ([[1], [1, 2]], np.ndarray, "takes an array of numbers"),
        ([None], np.ndarray, "takes an array of numbers"),
        ("x", np.int16, "got 'x' (str)"),
        ("x", Callable[[], int], "got 'x' (str)"),
        ([1], collections.deque[int], "got [1] (list)"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(value: Any, annotation: Any, text: str) -> None:
    """It says what is expected, what came and where."""
    with pytest.raises(MismatchError) as caught:
        maker(value, annotation)

    assert text in str(caught.value)


def test_nothing_is_made_by_the_check() -> None:
    """A dataclass's own code runs when all was checked."""
    made = []

    class Loud:
        def __post_init__(self) -> None:
            made.append(self)

    cls: Any = dataclass(type("Loud", (Loud,), {"__annotations__": {"a": int}, "a": 1}))

    make = maker({"a": 2}, cls)
    assert not made
    assert make().a == 2
    assert len(made) == 1


def test_an_array_keeps_the_dtype_of_the_old_one() -> None:
    """Where the annotation says none."""
    assert maker([1], np.ndarray, np.zeros(2, np.int8))().dtype == np.int8


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
TYPES = [annotation for _, annotation, _ in CASES]


@given(PLAIN, st.sampled_from(TYPES))
def test_any_data_is_made_or_refused(data: Any, annotation: Any) -> None:
    """And what was made fits."""
    try:
        made = maker(data, annotation)()
    except MismatchError:
        return
    assert misfit(made, annotation) is None


@given(PLAIN)
def test_yaml_in_one_line_reads_back(data: Any) -> None:
    """As JSON does where JSON has it."""
    yaml = pytest.importorskip("yaml")
    from like_keras_core.cli.param_file import _loader, _Reader

    node = yaml.compose(to_yaml(data), _loader())

    assert same(_bare(_Reader().read(node)), data)


def _bare(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _bare(item) for key, item in data.items()}
    return [_bare(item) for item in data] if isinstance(data, list) else data


def test_what_is_not_plain_is_refused() -> None:
    """An object, and a key that is one."""
    assert to_plain({"a": (Mode.FAST, np.float32(0.5))}) == {"a": ["FAST", 0.5]}
    assert math.isnan(to_plain([math.nan])[0])
    for value in (object(), {(1, 2): 3}, Every):
        with pytest.raises(NotPlainError):
            to_plain(value)
