"""Values as Arrow arrays, and Arrow arrays as values."""

import copy
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from like_keras_core.testing import same
from like_keras_core.values.config_json import decode, encode
from like_keras_core.values.msgpack import from_bytes, to_bytes
from lk_engine_dora.arrow_values import register_arrays, to_arrow, to_numpy

register_arrays()

ARRAYS = [
    pa.array([1, 2, 3]),
    pa.array([1, None, 3], pa.int8())[1:],
    pa.array([0.5, -0.0], pa.float16()),
    pa.array([True, None, False]),
    pa.array(["a", "ü", None]),
    pa.array([b"a", b""]),
    pa.array([[1, 2], [], None]),
    pa.array([{"x": 1, "y": "a"}]),
    pa.array([None, None]),
    pa.array([], pa.float32()),
    pa.array(["a", "b", "a"]).dictionary_encode(),
    pa.array(np.zeros(2, "M8[ns]")),
]
EACH = pytest.mark.parametrize("array", ARRAYS, ids=lambda array: str(array.type))


@EACH
def test_an_array_is_the_same_after_a_trip(array: Any) -> None:
    """In messages, and in saved systems."""
    for twin in (from_bytes(to_bytes(array)), decode(encode(array))):
        assert type(twin) is type(array)
        assert twin.equals(array)
        assert same(twin, array)


@EACH
def test_an_array_can_be_kept(array: Any) -> None:
    """Delays and records keep copies."""
    assert same(copy.deepcopy(array), array)


def test_an_array_arrives_without_being_copied() -> None:
    """It shows the memory of the message."""
    message = to_bytes(pa.array(np.arange(10_000)))

    twin = from_bytes(message)

    memory = np.frombuffer(message, np.uint8)
    assert np.shares_memory(twin.to_numpy(), memory)


def test_arrays_inside_other_values_travel_too() -> None:
    value = {"a": [pa.array([1]), 2], "b": (pa.array(["x"]),)}

    assert same(from_bytes(to_bytes(value)), value)


def test_different_arrays_are_not_the_same() -> None:
    assert not same(pa.array([1, 2]), pa.array([1, 3]))
    assert not same(pa.array([1], pa.int8()), pa.array([1], pa.int16()))


def test_an_arrow_array_is_given_as_it_is() -> None:
    array = pa.array([1, None])

    assert to_arrow(array, "it") == (array, {})
    assert to_arrow(array, "it")[0] is array


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"ab", pa.array([97, 98], pa.uint8())),
        (b"", pa.array([], pa.uint8())),
        (3, pa.array([3])),
        (2.5, pa.array([2.5])),
        (True, pa.array([True])),
        ("text", pa.array(["text"])),
        (np.float32(1.5), pa.array([1.5], pa.float32())),
    ],
)
def test_small_values_become_arrays(value: Any, expected: Any) -> None:
    """Numbers and texts become arrays of one, bytes one of uint8."""
    array, metadata = to_arrow(value, "it")

    assert array.equals(expected)
    assert array.type == expected.type
    assert metadata == {}


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.arange(6, dtype=np.uint8).reshape(3, 2).T,
        np.arange(20)[::2],
        np.array(5, np.int16),
        np.zeros((0, 3)),
        np.array([[True, False], [False, True]]),
        np.array([1.5, np.nan], np.float16),
        np.array(["2026-01-01", "2026-01-02"], "M8[s]"),
    ],
    ids=lambda array: f"{array.dtype}{array.shape}",
)
def test_a_numpy_array_survives_an_echo(array: np.ndarray) -> None:
    """It is sent flat, with its dtype and shape beside it."""
    flat, metadata = to_arrow(array, "it")

    assert len(flat) == array.size
    assert metadata == {"dtype": array.dtype.name, "shape": list(array.shape)}
    assert same(to_numpy(flat, metadata, "it"), np.ascontiguousarray(array)) or (
        array.shape == ()
    )


def test_a_numpy_array_is_not_copied() -> None:
    """Neither on its way out nor on its way in."""
    array = np.arange(1000, dtype=np.float32).reshape(10, 100)

    flat, metadata = to_arrow(array, "it")

    assert flat.buffers()[1].address == array.ctypes.data
    found = to_numpy(flat, metadata, "it")
    assert np.shares_memory(found, array)
    assert not found.flags.writeable


def test_raw_bytes_are_shown_as_what_the_metadata_says() -> None:
    """Some nodes send memory as it is."""
    values = np.arange(6, dtype=np.float32)
    array = pa.array(values.view(np.uint8))

    found = to_numpy(array, {"dtype": "float32", "shape": [2, 3]}, "it")

    assert same(np.array(found), values.reshape(2, 3))


@pytest.mark.parametrize(
    "metadata",
    [{}, {"shape": [7]}, {"shape": "2x3"}, {"dtype": "bgr8"}, {"dtype": 5}],
    ids=str,
)
def test_metadata_that_does_not_fit_is_left_alone(metadata: dict[str, Any]) -> None:
    """The same names may mean something else to somebody else."""
    found = to_numpy(pa.array([1, 2, 3]), metadata, "it")

    assert same(np.array(found), np.array([1, 2, 3]))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([1, 2], "it is [1, 2] of type builtins.list; a dora node that is not ours"),
        ({"a": 1}, "Send pyarrow.array(...) of it."),
        (np.zeros(2, complex), "it cannot be an Arrow array"),
        (2**70, "it cannot be an Arrow array"),
        (pa.table({"a": [1]}), "of type pyarrow.lib.Table"),
    ],
)
def test_what_arrow_has_no_array_for_is_refused(value: Any, text: str) -> None:
    with pytest.raises(TypeError, match=re.escape(text)):
        to_arrow(value, "it")


@pytest.mark.parametrize(
    "array", [pa.array([1, None]), pa.array(["a"]), pa.array([[1], [2, 3]])], ids=str
)
def test_what_numpy_cannot_show_is_refused(array: Any) -> None:
    """Rather than turned into something else."""
    with pytest.raises(TypeError, match=r"it is an Arrow array of .*pyarrow\.Array"):
        to_numpy(array, {}, "it")
