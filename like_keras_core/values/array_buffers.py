"""Numpy arrays as a dtype, a shape and a block of memory; and back, as a view of it.

Numpy is imported where an array is made, never before: a program without arrays does
not pay for it. What is wrong with data that was received is a ValueError here.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Sequence
from typing import Any

from like_keras_core.errors import NotSerializableError

PLAIN_DTYPES = "biufcSUmM"
_MOST_AXES = 64


def check_array(value: Any, where: str) -> None:
    """Refuse an array, or a numpy scalar, that is more than its elements' bytes.

    Raises:
        NotSerializableError: It has objects, structures, or a class of its own.
    """
    dtype, kind = value.dtype, type(value)
    if dtype.kind not in PLAIN_DTYPES:
        raise NotSerializableError(
            f"{where} has dtype {dtype}; arrays of numbers, text and times can be "
            "sent, arrays of objects and structures cannot. Send a list, or a "
            "dataclass with one array a field."
        )
    if kind is not sys.modules["numpy"].ndarray and kind is not dtype.type:
        name = kind.__qualname__
        raise NotSerializableError(
            f"{where} is an array of class {name!r}, and what the class adds would be "
            "lost. Send numpy.array(value), or teach like_keras to send it: "
            f"lk.register_type({name}, encode, decode)."
        )


def dense(array: Any) -> tuple[Any, list[int]]:
    """Return an array's elements as a C-contiguous array, and how to turn that back.

    An array whose axes were only swapped (Fortran order, a transposed image) is not
    copied. One with gaps is, in the order in which its elements lie in memory: that
    order decides how numpy rounds a sum.

    Returns:
        The contiguous array, and the axes for its `transpose`; none where it is as
        it was.
    """
    if array.flags.c_contiguous:
        return array, []
    strides, axes = array.strides, list(range(array.ndim))
    order = sorted(axes, key=lambda axis: -abs(strides[axis]))
    turned = array.transpose(order)
    if not turned.flags.c_contiguous:
        turned = turned.copy(order="C")
    back = [] if order == axes else sorted(axes, key=order.__getitem__)
    return turned, back


def content_bytes(array: Any) -> bytes:
    """Return the bytes of an array's elements, with zeros in the place of padding.

    Padding is what no element uses: 6 of the 16 bytes of a `longdouble` on x86, and
    gaps between the fields of a structure, which are left out.
    """
    dtype = array.dtype
    if dtype.names is not None:
        return b"".join(content_bytes(array[name]) for name in dtype.names)
    if dtype.char not in "gG" or not _longdouble_padding():
        content: bytes = array.tobytes()
        return content
    import numpy

    size = numpy.dtype(numpy.longdouble).itemsize
    flat = numpy.frombuffer(array.tobytes(), numpy.uint8).reshape(-1, size).copy()
    used = size - _longdouble_padding()
    if dtype.isnative == (sys.byteorder == "little"):
        flat[:, used:] = 0
    else:
        flat[:, : size - used] = 0
    padded: bytes = flat.tobytes()
    return padded


@functools.cache
def _longdouble_padding() -> int:
    """Return how many bytes of a `longdouble` say nothing."""
    import numpy

    # Of the kinds that there are, only x87's, with 64 bits behind the point, is padded.
    is_padded = numpy.finfo(numpy.longdouble).nmant == 63
    return numpy.dtype(numpy.longdouble).itemsize - 10 if is_padded else 0


def flat_bytes(array: Any) -> memoryview:
    """Return the memory of a C-contiguous array as one row of bytes."""
    if not array.nbytes:
        return memoryview(b"")
    return memoryview(array.ravel().view(dtype_of("u1")))


def is_sole(memory: Any) -> bool:
    """Say whether only what `flat_bytes` returned can reach an array's memory.

    It may say no where that is not known, never yes.
    """
    if type(memory) is not memoryview:
        return type(memory) is bytes
    view = memory.obj
    if type(view) is bytes:
        return True
    owner = getattr(view, "base", None)
    while owner is not None:
        if type(owner) is not sys.modules["numpy"].ndarray:
            return type(owner) is bytes
        if owner.base is None:
            count = sys.getrefcount(owner)
            return bool(owner.flags.owndata) and count <= _references_of_sole()
        owner = owner.base
    return False


@functools.cache
def _references_of_sole() -> int:
    """Return what is counted, as above, for an array that only its memory refers to."""
    memory = flat_bytes(sys.modules["numpy"].empty(1))
    view = memory.obj
    owner = getattr(view, "base", None)
    return sys.getrefcount(owner)


@functools.lru_cache(maxsize=256)
def dtype_name(dtype: Any) -> str:
    """Return the text that names a dtype, with its byte order."""
    return str(dtype.str)


@functools.lru_cache(maxsize=256)
def dtype_of(name: str) -> Any:
    """Return the dtype that has a name.

    Raises:
        ValueError: There is none, or arrays of it are not sent.
    """
    import numpy

    dtype = numpy.dtype(name) if type(name) is str else None
    if dtype is None or dtype.kind not in PLAIN_DTYPES:
        raise ValueError(f"arrays of dtype {name!r:.100} are not sent")
    return dtype


def size_of(dtype: Any, shape: Sequence[int]) -> int:
    """Return how many bytes an array takes.

    Raises:
        ValueError: The shape is none.
    """
    if len(shape) > _MOST_AXES or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"{shape!r:.100} is not the shape of an array")
    return int(dtype.itemsize) * math.prod(shape)


def view(
    dtype: Any, shape: Sequence[int], axes: Sequence[int], buffer: Any, offset: int
) -> Any:
    """Return a read-only array over a part of `buffer`.

    Args:
        dtype: The array's.
        shape: Before `axes` are applied.
        axes: Its axes in the order to return them; empty for that of `shape`.
        buffer: Where its data is.
        offset: Where it begins there [byte].

    Raises:
        ValueError: The shape or the axes are none.
        TypeError: The buffer is too small.
    """
    import numpy

    array = numpy.ndarray(shape, dtype, buffer, offset)
    array.setflags(False)
    return array.transpose(axes) if axes else array


def make_scalar(name: str, content: Any) -> Any:
    """Return the numpy scalar that `scalar_content` described.

    Raises:
        ValueError: The content is none of that dtype.
    """
    import numpy

    dtype: Any = dtype_of(name)
    if type(content) is (str if dtype.kind == "U" else bytes):
        if dtype.kind in "SU":
            return dtype.type(content)
        if len(content) == dtype.itemsize:
            return numpy.frombuffer(content, dtype)[0]  # type: ignore[arg-type]
    raise ValueError(f"{content!r:.100} is not a scalar of dtype {name!r}")


def scalar_content(value: Any) -> tuple[str, Any]:
    """Return a numpy scalar's dtype, and its bytes or text."""
    dtype = value.dtype
    name = dtype_name(dtype)
    if dtype.kind == "U":
        # `str(value)` would lose zeros at the end.
        return name, str.__str__(value)
    if dtype.kind == "S":
        return name, bytes(value)
    if dtype_of(name).type is not type(value):
        name = dtype.char
    return name, value.tobytes()
