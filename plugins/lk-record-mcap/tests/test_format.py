"""Every value comes back as it was sent, in a form that others can read."""

from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from like_keras_core import NotSerializableError
from like_keras_core.testing import same
from like_keras_core.testing.edge_values import odd_values
from lk_record_mcap.format import Encoder, decode
from lk_record_mcap.image import from_raw_image


class Colour(Enum):
    RED = 1


class Point(NamedTuple):
    x: float
    label: str


@dataclass
class Scan:
    stamp: float
    ranges: Any


@dataclass
class Counted:
    start: int

    def __post_init__(self) -> None:
        self.start += 1


PICTURE = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
VALUES = [
    *odd_values(),
    *(0.5, True, 2**53, 2**53 + 1, -(2**60), "text", None, [None], {"a": [1, (2,)]}),
    *(
        np.float32(0.1),
        np.int8(-3),
        np.bool_(True),
        np.float64("nan"),
        np.uint64(2**60),
    ),
    *(Colour.RED, Point(0.5, "here"), Point(float("inf"), ""), PurePosixPath("/a")),
    *(Scan(0.5, [1, 2]), Scan(0.5, PICTURE), Scan(float("nan"), None), Counted(3)),
    *([Counted(1)], [PICTURE], {"a": PICTURE[0]}, {1, 2}, 3j, "\ud800"),
    *(PICTURE, PICTURE[..., 0], PICTURE.transpose(1, 0, 2), PICTURE[::-1, ::2]),
    *(PICTURE[..., :1], PICTURE.astype(np.uint16)[..., 0], np.float32(PICTURE[..., 0])),
]


def sent(value: Any, encoder: Encoder | None = None) -> tuple[str, Any]:
    """Return the name of a value's schema, and what comes back."""
    form, data = (encoder or Encoder("a.b")).encode(7, value, 1)
    return form.name, decode(form.message, form.name, data)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{value!r:.30}")
def test_a_value_comes_back_as_it_was_sent(value: Any) -> None:
    """The same type, the same bits."""
    assert same(sent(value)[1], value)


@given(
    hnp.arrays(
        st.sampled_from(["|u1", "<u2", "<f4", ">u2", "<f8", "|b1"]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    )
)
def test_an_array_of_any_form_comes_back(array: np.ndarray) -> None:
    """Whether it is taken for an image or not."""
    back = sent(array)[1]

    assert same(back, array)
    assert not back.flags.writeable


def test_one_port_may_send_values_of_several_forms() -> None:
    """What was sent before does not change how the next one comes back."""
    encoder = Encoder("a.b")

    assert [same(sent(x, encoder)[1], x) for x in VALUES * 2] == [True] * len(
        VALUES
    ) * 2


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (PICTURE, "foxglove.RawImage"),
        (PICTURE[..., 0], "foxglove.RawImage"),
        (0.5, "like_keras.Scalar"),
        (np.float32(0.5), "like_keras.Scalar"),
        ("text", "like_keras.Value"),
        ([1, 2], "like_keras.Value"),
        (Point(1.0, "x"), "like_keras.Value"),
        (np.zeros(3), "like_keras.Arrow"),
    ],
)
def test_viewers_get_what_they_can_read(value: Any, name: str) -> None:
    """Images and numbers in protobuf, what JSON can say in JSON, the rest in Arrow."""
    assert sent(value)[0] == name


def test_the_fields_of_a_record_stand_in_its_json() -> None:
    """A viewer plots them by name."""
    data = Encoder("a.b").encode(7, Point(0.5, "x"), 1)[1]

    assert data.startswith(b'{"tick":7,"value":{"x":0.5,"label":"x"},"class":')


def test_what_cannot_be_written_is_named() -> None:
    """The error says which port sent it."""
    with pytest.raises(NotSerializableError, match=r"output 'a\.b'"):
        Encoder("a.b").encode(0, open, 1)


def test_an_image_says_when_and_whose_it_is() -> None:
    """protobuf's own library reads it by the schema in the file."""
    pytest.importorskip("google.protobuf")
    message = official("foxglove.RawImage", PICTURE)

    assert (message.width, message.height, message.step) == (4, 4, 12)
    assert (message.encoding, message.frame_id) == ("rgb8", "a")
    assert (message.timestamp.seconds, message.timestamp.nanos) == (2, 5)
    assert message.data == PICTURE.tobytes()
    assert same(from_raw_image(message.SerializeToString()), PICTURE)


def test_a_number_says_its_tick_and_type() -> None:
    """protobuf's own library reads it by the schema in the file."""
    pytest.importorskip("google.protobuf")
    message = official("like_keras.Scalar", np.float32(-0.5))

    assert (message.value, message.tick, message.type) == (-0.5, 7, "<f4")


def official(name: str, value: Any) -> Any:
    """Read a message with protobuf's own library, and only the schema to go by."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    form, data = Encoder("a.b").encode(7, value, 2_000_000_005)
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(form.data).file:
        pool.Add(file)
    kind = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
    return kind.FromString(data)


def test_the_schema_of_images_is_foxgloves_own() -> None:
    """As the foxglove-sdk of today has it."""
    messages = pytest.importorskip("foxglove.messages")
    form = Encoder("a.b").encode(0, PICTURE, 1)[0]

    assert form.data == messages.RawImage.get_schema().data
