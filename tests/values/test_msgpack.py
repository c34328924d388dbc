"""Messages: to bytes and back, equal and of the same type."""

from __future__ import annotations

import contextlib
import enum
import functools
import gc
import struct
import subprocess
import sys
import weakref
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import InitVar, dataclass, field
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from msgspec import msgpack

import like_keras_core as lk
from like_keras_core.errors import (
    CodecError,
    LoadError,
    NotAllowedError,
    NotSerializableError,
)
from like_keras_core.testing import same
from like_keras_core.values.class_refs import entry_point_of, resolve
from like_keras_core.values.msgpack import from_bytes, to_bytes, to_pieces


class Colour(enum.Enum):
    RED = "red"
    CRIMSON = RED
    BLUE = ("b", 1)


class Level(enum.IntEnum):
    LOW = 1


class Other(enum.Enum):
    UP = "red"


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: Any
    y: Any = 0.0


class Marker(NamedTuple):
    pass


@dataclass
class Pose:
    x: Any
    y: Any
    frame: Any = "map"


@dataclass(frozen=True, slots=True)
class Frame:
    image: Any
    stamp: Any = None


@dataclass
class Nothing:
    pass


@dataclass
class One:
    value: Any


@dataclass(kw_only=True)
class Keywords:
    a: Any
    b: Any = 2


@dataclass
class Angle:
    """It writes its field in a way of its own, and keeps more than its fields."""

    degrees: float
    hidden: Any = field(default=3, init=False)
    scale: InitVar[float] = 1.0

    def __post_init__(self, scale: float) -> None:
        self.degrees = self.degrees / 2 * scale
        self.memo = [self.degrees]

    @functools.cached_property
    def device(self) -> object:
        return object()


@dataclass
class Later:
    a: Any
    b: Any = field(init=False, repr=False)


@dataclass
class Own:
    a: Any

    def __init__(self, both: Any) -> None:
        self.a = [both, both]


@dataclass
class Child(Pose):
    z: Any = 1


@dataclass
class Rows(list):
    a: int = 1


class Model:
    def __init__(self, path: str) -> None:
        self.path = path

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and other.path == self.path

    def __hash__(self) -> int:
        return hash(self.path)


lk.register_type(Model, lambda model: (model.path,), lambda data: Model(*data))


class Bomb:
    def __init__(self, *args: object) -> None:
        pytest.fail("a message called a class that is no message")


class Plain:
    pass


class MyInt(int):
    pass


class MyText(str):
    __slots__ = ()


class MyArray(np.ndarray):
    pass


def through_bytes(value: Any) -> Any:
    return from_bytes(to_bytes(value))


def through_view(value: Any) -> Any:
    data = to_bytes(value)
    return from_bytes(memoryview(bytearray(b"abc" + data))[3:])


def through_pieces(value: Any) -> Any:
    return from_bytes(joined(to_pieces(value)))


def joined(pieces: Any) -> bytes:
    return pieces if isinstance(pieces, bytes) else b"".join(pieces)


WAYS = [through_bytes, through_view, through_pieces]


def arrays_in(value: Any) -> Iterator[Any]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from arrays_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from arrays_in(item)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from arrays_in(getattr(value, name, None))


def check(value: Any) -> None:
    for way in WAYS:
        back = way(value)
        assert same(back, value), (way.__name__, back)
        for old, new in zip(arrays_in(value), arrays_in(back), strict=True):
            assert not new.flags.writeable
            assert type(new) is np.ndarray
            assert new.flags.c_contiguous or not old.flags.c_contiguous


def swapped(array: Any) -> list[Any]:
    return [array.T, array[::-1], array[..., ::2], np.asfortranarray(array)]


IMAGE = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    *(
        sign * 2**n + d
        for n in (31, 53, 63, 64, 65)
        for sign in (1, -1)
        for d in (0, 1)
    ),
    -(2**63),
    2**64 - 1,
    10**400,
    1.5,
    -0.0,
    float("nan"),
    float("inf"),
    5e-324,
    1j,
    complex(-0.0, float("nan")),
    "",
    "é😀",
    "\0",
    "\ud800 lone",
    b"",
    b"\xc1",
    bytes(range(256)) * 300,
    [],
    (),
    {},
    set(),
    frozenset(),
    [None],
    (None,),
    {"a": None},
    [1, 2.0, "3", b"4", True, None],
    [[1, 2], [3.0, "4"]],
    [{}, {"a": (1,)}],
    [{}, [], ()],
    [[1], [[2]]],
    [[1], [(2,)]],
    [(1, 2), (3, 4)],
    [(1, 2), (3,)],
    [(), ()],
    [("a", (1,)), ("\ud800", 2**99)],
    ((1, (2, [3])), {"a": (4,)}),
    {"b": 1, "a": 2},
    {1: 2, 2.5: 3, None: 4, True + 1: 5, b"x": 6, "y": 7},
    {(1, 2): 3, frozenset({4}): [5]},
    {("a", (1, Level.LOW)): {Colour.RED: 1}},
    {-0.0: 1, float("nan"): 2},
    {"$tuple": [1], "": 2},
    {"\udfff": 2**64},
    {1, "a", (2, 3), None},
    frozenset({frozenset({1}), Access.READ}),
    Colour.RED,
    Colour.CRIMSON,
    Colour.BLUE,
    Level.LOW,
    Access.READ,
    Access.READ | Access.WRITE,
    Access(0),
    [Colour.RED, Colour.BLUE],
    Path("a/b"),
    Path(),
    PurePosixPath("/x"),
    PureWindowsPath(r"C:\x"),
    Path("\udcff"),
    Point(1, 2.0),
    Point(Point(1), [Pose(1, 2)]),
    Marker(),
    [Marker(), Marker()],
    [Point(1, 2), Point(3, 4)],
    Pose(1, 2.5),
    Pose(1.0, 2**70, "\ud800"),
    Child(1, 2),
    [Pose(1, 2.0), Pose(3.0, None)],
    [Pose(1, 2), Child(1, 2)],
    Nothing(),
    [Nothing(), Nothing()],
    One([1]),
    [One(1), One(2)],
    Frame(IMAGE, 1.5),
    [Frame(IMAGE), Frame(IMAGE[:, 0])],
    Keywords(a=1, b=[2]),
    [Keywords(a=1), Keywords(a=np.ones(2))],
    Angle(90.0, scale=2.0),
    Own(3),
    Model("a.pt"),
    [Model("a.pt"), Model("b.pt")],
    {"m": Model("a.pt"), "image": IMAGE, "nested": [{"depth": IMAGE[0]}, (IMAGE,)]},
    np.array(5.0),
    np.array("text"),
    np.zeros((0, 3)),
    np.zeros((3, 0), "U4"),
    np.zeros(2, np.dtype("U1"))[:, None],
    IMAGE,
    *swapped(IMAGE),
    IMAGE.transpose(2, 0, 1),
    IMAGE[1:3, ::-2, 1:],
    np.broadcast_to(np.arange(3.0), (4, 3)),
    np.array([float("nan"), -0.0]),
    np.arange(5, dtype=">i4"),
    np.array([True, False]),
    np.array([1 + 2j], np.complex64),
    np.array([1, 2], np.float16),
    np.array([1, 2], np.longdouble),
    np.array(["2020-01-01", "NaT"], "M8[ns]"),
    np.array([1, 2], "m8[s]"),
    np.array(["a", "bcd\0"]),
    np.array([b"a\0b", b""]),
    np.float64(1.5),
    np.float32(float("nan")),
    np.bool_(True),
    np.int8(-1),
    np.longlong(3),
    np.complex128(1j),
    np.str_("a\0"),
    np.str_(""),
    np.bytes_(b"a\0"),
    np.bytes_(b""),
    np.datetime64("NaT", "s"),
    np.datetime64("2020-01-01T00:00", "us"),
    np.timedelta64(5, "ms"),
    np.longdouble(1) / 3,
    [np.float64(1), np.float64(2)],
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_equal(value: Any) -> None:
    """Each kind of value survives every way that a message can take."""
    check(value)


hashables: st.SearchStrategy[Any] = st.deferred(
    lambda: (
        st.none()
        | st.booleans()
        | st.integers()
        | st.integers(-(2**80), 2**80)
        | st.floats(allow_nan=False)
        | st.text(st.characters(exclude_categories=()))
        | st.binary()
        | st.sampled_from([*Colour, Level.LOW, Access.READ | Access.WRITE])
        | st.builds(PurePosixPath, st.text("ab/.", max_size=4))
        | st.tuples(hashables, hashables)
        | st.frozensets(hashables, max_size=2)
        | st.builds(Point, hashables, hashables)
    )
)
dtypes = (
    hnp.scalar_dtypes()
    | hnp.unicode_string_dtypes(max_len=3)
    | hnp.byte_string_dtypes(max_len=3)
)
turned: list[Callable[[Any], Any]] = [
    lambda array: array,
    lambda array: array.T,
    lambda array: array[..., ::2] if array.ndim else array,
    lambda array: array[::-1] if array.ndim else array,
]
arrays = st.builds(
    lambda array, turn: turn(array),
    hnp.arrays(
        dtypes, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
    ),
    st.sampled_from(turned),
)
scalars = (
    st.floats() | st.complex_numbers() | arrays | arrays.map(lambda a: a.ravel()[:1])
)
values = st.recursive(
    hashables | scalars | hnp.arrays(dtypes, 1).map(lambda array: array[0]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(st.tuples(inner, inner), max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(hashables, inner, max_size=3)
        | st.dictionaries(st.text(max_size=4), inner, max_size=3)
        | st.sets(hashables, max_size=3)
        | st.builds(Pose, inner, inner, inner)
        | st.lists(st.builds(Pose, inner, inner), max_size=3)
        | st.builds(Frame, inner)
        | st.builds(Keywords, a=inner)
        | st.builds(Point, inner, inner)
        | st.builds(Model, st.text(max_size=3))
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(values)
def test_any_value_comes_back_equal(value: Any) -> None:
    """Whatever the kinds are nested in, the value survives."""
    check(value)


def test_other_attributes_of_a_dataclass_travel_too() -> None:
    """What `__post_init__` made is there, and it is not run again."""
    angle = Angle(90.0)
    assert angle.device is not None

    back = through_bytes(angle)

    assert (back.degrees, back.memo) == (45.0, [45.0])
    assert "device" not in vars(back)


def test_a_field_without_a_value_stays_without() -> None:
    """A field that is set later may travel before."""
    back = through_bytes(Later(1))

    assert back.a == 1
    assert not hasattr(back, "b")


@pytest.mark.parametrize(
    "array",
    [IMAGE, IMAGE.T, IMAGE.transpose(2, 0, 1), IMAGE[1:3], IMAGE[:, ::2]],
)
def test_the_memory_order_of_an_array_stays(array: Any) -> None:
    """Swapped axes are swapped again on arrival, so that sums round alike."""
    order = np.argsort([-abs(step) for step in array.strides]).tolist()

    for way in WAYS:
        back = way(array)
        assert np.argsort([-abs(step) for step in back.strides]).tolist() == order


def test_arrays_in_bytes_are_views_at_multiples_of_64() -> None:
    """Decoding copies no array, wherever in the value it is."""
    data = np.frombuffer(to_bytes({"a": np.ones(3), "b": [IMAGE, Frame(IMAGE)]}), "u1")
    start = data.__array_interface__["data"][0]

    found = list(arrays_in(from_bytes(data)))

    assert len(found) == 3
    for array in found:
        assert np.shares_memory(array, data)
        assert (array.__array_interface__["data"][0] - start) % 64 == 0


def test_pieces_show_the_memory_of_arrays() -> None:
    """A transport can write a large message in place: nothing is copied before."""
    large = np.arange(5000).reshape(50, 100)
    value = {"a": large, "b": large.T, "c": "text"}

    pieces = to_pieces(value)

    shown = [piece for piece in pieces if isinstance(piece, memoryview)]
    assert len(shown) == 2
    assert all(np.shares_memory(np.frombuffer(p, "u1"), large) for p in shown)
    assert joined(pieces) == to_bytes(value)


def test_a_message_without_arrays_is_messagepack() -> None:
    """Anybody can read it."""
    value = {"a": [1, 2.5, "x", None], "b": b"y"}

    assert msgpack.decode(to_bytes(value)) == value


def test_what_arrives_cannot_be_written_to() -> None:
    """An array over memory that can be written is read-only all the same."""
    for data in (
        bytearray(to_bytes([IMAGE])),
        memoryview(bytearray(to_bytes([IMAGE]))),
    ):
        (array,) = from_bytes(data)
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


@pytest.mark.parametrize(
    "array",
    [
        np.arange(5.0),
        np.arange(10_000, dtype=np.int16).reshape(100, 100),
        np.array(7, np.uint8),
        np.zeros((0, 3)),
        np.arange(3, dtype=">i4"),
        np.array(["ä", "text"]),
        np.array(["2026-01-01"], "M8[D]"),
        np.ones((50, 60), np.complex64),
        np.ones((2, 3)).T,
        np.arange(20)[::2],
    ],
    ids=lambda array: f"{array.dtype.str}{array.shape}",
)
def test_a_message_that_is_one_array_is_as_any_other(array: np.ndarray) -> None:
    """Its head is known by heart once it was met: the first time or later, the same."""
    data = to_bytes(array)

    for _ in range(2):
        pieces = to_pieces(array)
        back = from_bytes(bytearray(data))

        assert joined(pieces) == data
        assert same(back, array)
        assert not back.flags.writeable


@pytest.mark.parametrize("size", [-8, -1, 1, 8])
def test_an_array_of_the_wrong_size_is_refused(size: int) -> None:
    """By a head that is known, too."""
    data = to_bytes(np.arange(4.0))
    from_bytes(data)
    damaged = data + bytes(size) if size > 0 else data[:size]

    with pytest.raises(CodecError, match=f"has {len(data) + size}"):
        from_bytes(damaged)


class TestRefused:
    @pytest.mark.parametrize(
        "value",
        [
            object(),
            Plain(),
            bytearray(b"x"),
            memoryview(b"x"),
            range(3),
            int,
            MyInt(3),
            MyText("x"),
            OrderedDict(a=1),
            defaultdict(int),
            Rows(),
            len,
            lambda: None,
            iter(()),
            PurePath,
            np.zeros(2, object),
            np.zeros(2, "i4,f4"),
            np.zeros(2).view(MyArray),
            np.ma.array([1]),
            np.zeros(1, "V3")[0],
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_what_has_no_form_is_refused(self, value: Any) -> None:
        """The error says where it is; it is never sent as something like it."""
        for way in (to_bytes, to_pieces):
            for outer in (value, [1, value], {"a": (value,)}, Pose(1, value)):
                with pytest.raises(NotSerializableError, match=r"^output 'c\.x'"):
                    way(outer, "output 'c.x'")

    @pytest.mark.parametrize(
        ("value", "place"),
        [
            ([1, [Plain()]], "x[1][0] is"),
            ({"a": {"b": Plain()}}, "x['a']['b'] is"),
            ({Plain(): 1}, "a key of x is"),
            ({Plain()}, "an element of x is"),
            ([Pose(1, 2), Pose(1, Plain())], "x[1].y is"),
            (Point(1, Plain()), "x.y is"),
            (Keywords(a=Plain()), "x.a is"),
            ([2**70, "\ud800", Plain()], "x[2] is"),
            (Model(Plain()), "x[0] is"),  # type: ignore[arg-type]
        ],
    )
    def test_the_error_names_the_part(self, value: Any, place: str) -> None:
        """The place, the type and the ways out."""
        with pytest.raises(NotSerializableError) as caught:
            to_bytes(value, "x")

        text = str(caught.value)
        assert text.startswith(place)
        assert f"{__name__}.Plain" in text
        assert "register_type(Plain, encode, decode)" in text

    def test_what_contains_itself_is_refused(self) -> None:
        """However it does."""
        first: list[Any] = [1]
        first.append(first)
        second: dict[str, Any] = {"big": 2**70, "bad": Plain()}
        second["self"] = (second,)
        deep: Any = ()
        for _ in range(10_000):
            deep = (deep,)
        for value in (first, second, deep):
            with pytest.raises(
                NotSerializableError, match=r"^x(\['bad'\] is| contains)"
            ):
                to_bytes(value, "x")

    def test_a_class_nobody_can_find_is_refused(self) -> None:
        """A class from inside a function has no name."""

        @dataclass
        class Local:
            a: int

        for value in (Local(1), [Local(1), Local(2)]):
            with pytest.raises(NotSerializableError, match="inside a function"):
                to_bytes(value)


class TestDamaged:
    def test_a_class_that_is_not_allowed_is_not_loaded(self) -> None:
        """An allow-list is a resolver."""
        allowed = functools.partial(resolve, allow=["elsewhere"])

        for value in (Pose(1, 2), [Pose(1, 2)], Colour.RED, Model("a"), Angle(1.0)):
            with pytest.raises(NotAllowedError, match="not allowed"):
                from_bytes(to_bytes(value), allowed)

    @pytest.mark.parametrize(
        "value", [Pose(1, 2), [Pose(1, 2)], Colour.RED, Access(0), Model("a"), Own(1)]
    )
    @pytest.mark.parametrize("other", [Bomb, Other, Child, int, Marker])
    def test_a_class_of_another_kind_is_not_called(
        self, value: Any, other: type
    ) -> None:
        """A message cannot make an instance of just any class."""
        with pytest.raises(CodecError, match="Cannot read a message: "):
            from_bytes(to_bytes(value), lambda name: other)

    def test_other_fields_are_an_error(self) -> None:
        """Two processes with two versions of a class hear of it."""
        with pytest.raises(
            CodecError, match=r"Pose\(x,y,frame\).*Pose\(value\).*version"
        ):
            from_bytes(to_bytes(Pose(1, 2)), lambda name: One)

    def test_a_missing_class_is_a_load_error(self) -> None:
        """The text names it."""
        data = to_bytes(Pose(1, 2)).replace(b"Pose(", b"Pole(")

        with pytest.raises(LoadError, match="has no 'Pole'"):
            from_bytes(data)

    @pytest.mark.parametrize("value", [5, [1, (2,)], {"a": IMAGE}, Pose(1, 2), 2**70])
    def test_a_cut_message_is_refused(self, value: Any) -> None:
        """At whatever byte it was cut, and so is one with bytes too many."""
        data = to_bytes(value)

        for broken in (*(data[:n] for n in range(len(data))), data + b"\0"):
            with pytest.raises(CodecError, match="Cannot read a message"):
                from_bytes(broken)

    @pytest.mark.parametrize(
        ("code", "content"),
        [
            (6, [[], 2**40]),
            (6, [[1, 2, 3], 2]),
            (6, [[1], 0]),
            (7, [[1]]),
            (9, [1]),
            (4, ["nowhere", "x"]),
            (12, [[1, 2], f"{__name__}:Pose(x,y,frame)"]),
            (13, [[1, 2], f"{__name__}:Pose(x,y,frame)"]),
            (13, [[], f"{__name__}:Nothing()"]),
            (14, [[1], f"{__name__}:Angle(degrees,hidden)"]),
            (14, [{"__class__": 1}, f"{__name__}:Angle(degrees,hidden)"]),
            (14, [{"degrees": 1}, f"{__name__}:Angle(degrees)"]),
            (14, [{}, f"{__name__}:Plain()"]),
            (15, ["<f8", b"123"]),
            (15, ["S", 10**12]),
            (15, ["<f8", "1.5"]),
            (16, ["<f8", [1], []]),
            (17, [1, f"{__name__}:Plain"]),
            (99, 1),
        ],
    )
    def test_a_wrong_extension_is_refused(self, code: int, content: Any) -> None:
        """None of them allocates or makes what it says."""
        data = msgpack.encode([msgpack.Ext(code, msgpack.encode(content))])

        with pytest.raises(CodecError, match="Cannot read a message"):
            from_bytes(data)

    @pytest.mark.parametrize(
        ("dtype", "shape", "axes"),
        [
            ("O", [1], []),
            ("<f8,<f8", [1], []),
            ("V8", [1], []),
            ("(2,)f8", [1], []),
            (None, [1], []),
            ("nonsense", [1], []),
            ("<f8", [2], []),
            ("<f8", [-1], []),
            ("<f8", [True], []),
            ("<f8", ["a", 10**9], []),
            ("<f8", [2**62, 2**62], []),
            ("<f8", [0, 2**63, 2**63], []),
            ("<f8", [1] * 65, []),
            ("<f8", [1], [1]),
            ("<f8", [1], [0, 0]),
            ("<f8", [1], "0"),
            ("<f8", 1, []),
        ],
    )
    def test_a_wrong_array_is_refused(self, dtype: Any, shape: Any, axes: Any) -> None:
        """It is never made, whatever it claims to be."""
        header = msgpack.encode(msgpack.Ext(16, msgpack.encode([dtype, shape, axes])))
        prefix = struct.pack("<BBxxI", 0xC1, 1, len(header))
        padding = bytes(-len(prefix + header) % 64)

        with pytest.raises(CodecError, match="Cannot read a message"):
            from_bytes(prefix + header + padding + bytes(8))

    def test_a_frame_of_the_future_is_refused(self) -> None:
        """Its version is in the text."""
        data = bytearray(to_bytes(IMAGE))
        data[1] = 2

        with pytest.raises(CodecError, match="its version is 2, and 1 is known here"):
            from_bytes(data)

    def test_deep_nesting_is_refused(self) -> None:
        """It does not exhaust the stack."""
        for deep in (b"\x91" * 100_000, b"\x81\xa1a" * 100_000):
            with pytest.raises(CodecError, match="Cannot read a message"):
                from_bytes(deep)
        nested = b"\x01"
        for _ in range(3000):
            nested = msgpack.encode([msgpack.Ext(5, nested)])
        with pytest.raises(CodecError, match="Cannot read a message"):
            from_bytes(nested)


NAMES = {
    entry_point_of(cls): cls
    for cls in (Colour, Access, Pose, Point, Frame, Keywords, Angle, Model, Bomb)
}


def known(name: str) -> type:
    try:
        return NAMES[name]
    except KeyError:
        raise LoadError(f"no {name!r}") from None


SAMPLES = [
    to_bytes(value)
    for value in (
        {"a": [1, (2, 3)], "b": {1: None}},
        [Pose(1, 2), Pose(3, 4)],
        {"image": IMAGE, "t": np.array(["2020"], "M8[D]"), "s": np.str_("x")},
        [Frame(IMAGE.T), Keywords(a=Colour.RED), Angle(1.0), Model("x"), Access.READ],
        [2**70, "\ud800", 1j, Path("a"), {(1,): {2}}],
    )
]


@st.composite
def damaged_messages(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(data) - 1))
        change = draw(st.binary(max_size=3))
        data[place : place + draw(st.integers(0, 2))] = change
        if not data:
            break
    return bytes(data)


@settings(max_examples=600, deadline=None)
@given(st.binary(max_size=40) | damaged_messages())
def test_damaged_bytes_are_one_error(data: bytes) -> None:
    """Whatever the bytes are: a value, or an error of ours; nothing is run."""
    with contextlib.suppress(CodecError, LoadError):
        from_bytes(data, known)


def test_numpy_is_not_imported_in_vain() -> None:
    """Bytes need msgspec alone; numpy comes with the first array."""
    code = f"""
import sys
from like_keras_core.values.msgpack import from_bytes, to_bytes
assert from_bytes(to_bytes([1, (2, {{3}}), 2**70])) == [1, (2, {{3}}), 2**70]
assert "numpy" not in sys.modules
array = from_bytes({to_bytes(IMAGE)!r})
assert "numpy" in sys.modules
assert from_bytes(to_bytes(array)).shape == (4, 6, 3)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


class Memory(bytearray):
    """Memory that can be seen to go."""


def test_what_was_read_goes_with_its_last_reader() -> None:
    """Not when the garbage is collected: its memory may be shared, and scarce."""
    frame = Memory(to_bytes({"a": np.arange(9)}))
    gone = weakref.ref(frame)
    gc.disable()
    try:
        value = from_bytes(frame)
        del frame
        assert gone() is not None
        del value
        assert gone() is None
    finally:
        gc.enable()
