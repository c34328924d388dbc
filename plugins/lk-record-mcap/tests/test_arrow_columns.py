"""Values as Arrow arrays and back, equal and of the same type."""

from __future__ import annotations

import contextlib
import functools
import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import msgpack

from like_keras_core import NotSerializableError
from like_keras_core.errors import CodecError, LoadError, NotAllowedError
from like_keras_core.testing import same
from like_keras_core.testing.edge_values import odd_values
from like_keras_core.values.class_refs import resolve
from lk_record_mcap.arrow_columns import from_column, to_column


@dataclass
class Stamp:
    s: Any
    ns: Any


class Point(NamedTuple):
    x: Any
    y: Any = 0.0


@dataclass
class Angle:
    """It keeps more than its fields."""

    degrees: float

    def __post_init__(self) -> None:
        self.memo = [self.degrees]


IMAGE = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
VALUES = [
    *odd_values(),
    *(None, "\ud800", [1, (2,)], {"image": IMAGE}, [IMAGE.T, Stamp(1, IMAGE)]),
    *(Stamp(1, 2.5), Stamp(2**70, "\ud800"), Stamp([1], (2,)), Stamp(Point(1), None)),
    *(Point(1, b"x"), [Point(1), Point(2)], Angle(1.0)),
    *(IMAGE, IMAGE[1:3], IMAGE[:, ::-2], IMAGE.transpose(2, 0, 1)),
    *(np.zeros((3, 0), "U4"), np.arange(5, dtype=">i4"), np.array(["ab", "c"])),
    *(
        np.array(["2020", "NaT"], "M8[D]"),
        np.array([1 + 2j]),
        np.ones(2, np.longdouble),
    ),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_equal(value: Any) -> None:
    """By a valid Arrow array and metadata of strings; arrays arrive read-only."""
    column, metadata = to_column(value)
    back = from_column(column, metadata)

    column.validate(full=True)
    assert column.null_count == 0
    assert all(type(text) is str for text in metadata.values())
    assert same(back, value)
    assert not (isinstance(back, np.ndarray) and back.flags.writeable)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (3, "msgpack"),
        ({"speed": 3}, "msgpack"),
        (Stamp(2**70, 1), "msgpack"),
        (Stamp([1], 2), "msgpack"),
        ([Stamp(1, 2)], "msgpack"),
        (Stamp(1, 2), "record"),
        (Point(None, b"x"), "record"),
        (IMAGE, "array"),
        ([IMAGE], "frame"),
        (Stamp(1, IMAGE), "frame"),
    ],
)
def test_the_metadata_says_what_the_array_is(value: Any, kind: str) -> None:
    """A record is one whose fields MessagePack writes as they are."""
    assert to_column(value)[1]["kind"] == kind


@pytest.mark.parametrize(
    ("array", "copied"),
    [
        (IMAGE, False),
        (IMAGE.T, False),
        (IMAGE.transpose(2, 0, 1), False),
        (IMAGE[1:3], False),
        (IMAGE[:, ::2], True),
    ],
)
def test_an_array_is_copied_only_where_it_has_gaps(array: Any, copied: bool) -> None:
    """Neither the writer nor the reader copies another, nor changes its order."""
    back = from_column(*to_column(array))

    assert np.shares_memory(back, array) is not copied
    assert np.argsort(np.abs(back.strides)).tolist() == (
        np.argsort(np.abs(array.strides)).tolist()
    )


def test_a_program_without_like_keras_reads_an_array() -> None:
    """Arrow has the numbers; the metadata says how to shape them."""
    for array in (IMAGE, np.ones((2, 3), np.float32), np.array(["2020"], "M8[D]")):
        column, metadata = to_column(array)

        flat = column.to_numpy(zero_copy_only=True).view(metadata["dtype"])

        assert same(flat.reshape(json.loads(metadata["shape"])), array)
    assert to_column(np.ones(3))[0].type == pa.float64()
    assert to_column(IMAGE.T)[1]["axes"] == "[2, 1, 0]"


def test_a_program_without_like_keras_reads_a_record() -> None:
    """The fields are a list, and the metadata names them."""
    column, metadata = to_column(Stamp(1, 2.5))

    assert metadata == {"kind": "record", "class": f"{__name__}:Stamp(s,ns)"}
    assert msgpack.decode(column.buffers()[1]) == [1, 2.5]


@pytest.mark.parametrize("value", [5, Stamp(1, 2), IMAGE, [IMAGE], np.arange(7.0)])
def test_a_part_of_a_column_is_read(value: Any) -> None:
    """An array may begin inside its buffer, as the parts of a larger one do."""
    column, metadata = to_column(value)
    padding = pa.array([0, 0, 0], column.type)

    joined = pa.concat_arrays([padding, column, padding])
    part = joined.slice(3, len(column))

    assert same(from_column(part, {**metadata, "sequence": 7}), value)


@pytest.mark.parametrize("array", [np.zeros(0), np.zeros((3, 0), "M8[s]")])
def test_an_empty_array_may_have_no_buffer(array: Any) -> None:
    """Other implementations of Arrow leave out what has no bytes."""
    column, metadata = to_column(array)
    bare = pa.Array.from_buffers(column.type, 0, [None, None])

    assert same(from_column(bare, metadata), array)


@pytest.mark.parametrize("value", [object(), np.zeros(2, object), [range(3)]])
def test_what_has_no_form_is_refused(value: Any) -> None:
    """The error says where it is."""
    with pytest.raises(NotSerializableError, match=r"^output 'c\.x'"):
        to_column(value, "output 'c.x'")


@pytest.mark.parametrize("value", [Stamp(1, 2), [Stamp(1, 2)], Angle(1.0)])
def test_a_class_that_is_not_allowed_is_not_loaded(value: Any) -> None:
    """An allow-list is a resolver."""
    allowed = functools.partial(resolve, allow=["elsewhere"])

    with pytest.raises(NotAllowedError, match="not allowed"):
        from_column(*to_column(value), allowed)


@pytest.mark.parametrize(
    ("column", "metadata"),
    [
        (pa.array([5]), {}),
        (pa.array([5]), {"kind": "tensor"}),
        (pa.array([5]), {"kind": "msgpack"}),
        (pa.array(["x"]), {"kind": "msgpack"}),
        (pa.array([1, 2], pa.uint8()), {"kind": "msgpack"}),
        (pa.array([], pa.uint8()), {"kind": "msgpack"}),
        (pa.nulls(3), {"kind": "msgpack"}),
        (pa.array([5]), {"kind": "array"}),
        (pa.array([5]), {"kind": "array", "dtype": "<i8", "shape": "[2]"}),
        (pa.array([5]), {"kind": "array", "dtype": "<f8", "shape": "[1]"}),
        (pa.array([5]), {"kind": "array", "dtype": "O", "shape": "[1]"}),
        (pa.array([5]), {"kind": "array", "dtype": "<i8", "shape": "{"}),
        (pa.array([5]), {"kind": "array", "dtype": "<i8", "shape": "5"}),
        (pa.array([1], pa.uint8()), {"kind": "record"}),
        (pa.array([1], pa.uint8()), {"kind": "record", "class": "os:stat_result("}),
        (pa.array([193] * 9, pa.uint8()), {"kind": "frame"}),
        (None, {"kind": "msgpack"}),
    ],
)
def test_a_wrong_column_is_refused(column: Any, metadata: Any) -> None:
    """Whatever comes from somewhere else is one error."""
    with pytest.raises(CodecError, match="Cannot read a"):
        from_column(column, metadata)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40), st.sampled_from(["msgpack", "frame", "record"]))
def test_damaged_bytes_are_one_error(data: bytes, kind: str) -> None:
    """Whatever the bytes are: a value, or an error of ours; nothing is run."""
    column = pa.array(np.frombuffer(data, np.uint8))
    metadata = {"kind": kind, "class": f"{__name__}:Stamp(s,ns)"}

    with contextlib.suppress(CodecError, LoadError):
        from_column(column, metadata, {f"{__name__}:Stamp": Stamp}.__getitem__)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([pa.array([1, 2]), pa.array([1.5, 2]), pa.array([1], pa.uint8())]),
    st.sampled_from(["<i8", "<f8", "|u1", "<U1", "O", "f8,f8", ""])
    | st.text(max_size=4),
    st.lists(st.integers(-1, 3) | st.none(), max_size=3).map(json.dumps) | st.text(),
    st.none() | st.lists(st.integers(-1, 3)).map(json.dumps) | st.text(),
)
def test_damaged_metadata_is_one_error(
    column: Any, dtype: str, shape: str, axes: str | None
) -> None:
    """Whatever the metadata says, no memory beyond the array is read."""
    metadata = {"kind": "array", "dtype": dtype, "shape": shape}
    if axes is not None:
        metadata["axes"] = axes

    with contextlib.suppress(CodecError):
        assert from_column(column, metadata).nbytes == column.nbytes
