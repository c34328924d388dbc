"""Values as real ROS messages, and back."""

import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from message_package import missing, run_build  # type: ignore[import-not-found]

from like_keras_core.errors import EngineError
from like_keras_core.testing import same
from lk_engine_ros2_stub.message_classes import missing_text
from lk_engine_ros2_stub.message_conversion import Conversion

pytest.importorskip("sensor_msgs", reason="needs sensor_msgs: the extra [rclpy]")


def there_and_back(name: str, value: Any) -> Any:
    conversion = Conversion(name)
    return conversion.to_value(conversion.to_message(value, "The value"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("std_msgs/msg/Bool", True),
        ("std_msgs/msg/Int8", -128),
        ("std_msgs/msg/UInt64", 2**64 - 1),
        ("std_msgs/msg/Float64", 0.1),
        ("std_msgs/msg/Float64", float("inf")),
        ("std_msgs/msg/String", "ä 机器人"),
        ("sensor_msgs/msg/Image", np.arange(6, dtype=np.uint8).reshape(2, 3)),
        ("sensor_msgs/msg/Image", np.arange(18, dtype=np.uint8).reshape(2, 3, 3)),
        ("sensor_msgs/msg/Image", np.arange(24, dtype=np.uint8).reshape(2, 3, 4)),
    ],
)
def test_a_value_comes_back_as_it_was(name: str, value: Any) -> None:
    """Where the message holds nothing else."""
    assert same(there_and_back(name, value), value)


@dataclass
class Joints:
    name: list[str]
    position: list[float]
    header: dict[str, Any] = field(default_factory=lambda: {"frame_id": "arm"})


@pytest.mark.parametrize(
    "value",
    [
        Joints(["a"], [1.5]),
        {"name": ("a",), "position": np.array([1.5]), "header": {"frame_id": "arm"}},
    ],
)
def test_fields_come_from_a_dict_or_a_dataclass(value: Any) -> None:
    """What is left out keeps ROS's default; numbers come back as an array."""
    found = there_and_back("sensor_msgs/msg/JointState", value)

    assert same(found["position"], np.array([1.5]))
    assert found["name"] == ["a"]
    assert found["header"] == {"frame_id": "arm", "stamp": {"sec": 0, "nanosec": 0}}
    assert found["velocity"].size == 0


def test_numbers_of_a_fixed_count_fit() -> None:
    """As of a camera's matrix; another count is refused."""
    found = there_and_back("sensor_msgs/msg/CameraInfo", {"k": np.eye(3).ravel()})

    assert same(np.asarray(found["k"]), np.eye(3).ravel())
    with pytest.raises(TypeError, match=r"The value\.k has 9 items; got 2"):
        there_and_back("sensor_msgs/msg/CameraInfo", {"k": [1.0, 2.0]})


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("std_msgs/msg/Float64", "high", "must be a double; got 'high'"),
        ("std_msgs/msg/Int8", 128, "must be a int8; got 128"),
        ("std_msgs/msg/Int64", 0.5, "must be a int64; got 0.5"),
        ("std_msgs/msg/Bool", 1, "must be a boolean; got 1"),
        ("std_msgs/msg/String", b"x", "must be a string"),
        ("sensor_msgs/msg/Image", np.zeros((2, 2), bool), "got bool of shape"),
        ("std_msgs/msg/String", "a\0b", "holds the character NUL"),
        ("std_msgs/msg/String", "\udc80", "cannot be sent as UTF-8"),
        ("sensor_msgs/msg/JointState", 3, "must be a dict or a dataclass"),
        ("sensor_msgs/msg/JointState", {"positon": [1.0]}, "'positon', which is no"),
        ("sensor_msgs/msg/JointState", {"name": "elbow"}, "must be a list"),
        ("sensor_msgs/msg/JointState", {"position": ["x"]}, "must hold double"),
        (
            "sensor_msgs/msg/JointState",
            {"header": {"frame_id": 3}},
            r"The value\.header\.frame_id must be a string",
        ),
    ],
)
def test_what_does_not_fit_is_named(name: str, value: Any, text: str) -> None:
    """By its field."""
    with pytest.raises(TypeError, match=text):
        there_and_back(name, value)


def test_any_message_is_had_as_it_is() -> None:
    """A dict of its fields, that can be sent as it is."""
    image = Conversion("sensor_msgs/msg/Image", raw=True)
    message = image.message(height=1, width=2, step=3, encoding="of mine", data=b"abc")
    message.header.frame_id = "camera"

    found = image.to_value(message)

    assert (found["encoding"], found["header"]["frame_id"]) == ("of mine", "camera")
    assert same(found["data"], np.frombuffer(b"abc", np.uint8))
    assert image.to_message(found, "The value") == message
    word = Conversion("std_msgs/msg/String", raw=True)
    assert word.to_value(word.to_message({"data": "x"}, "")) == {"data": "x"}


def test_an_image_that_cannot_be_read_names_where_it_came_from() -> None:
    """And what helps."""
    asked = Conversion(
        "sensor_msgs/msg/Image", encoding="rgb8", who="A message on '/a'"
    )
    depth = asked.message(height=1, width=1, step=2, encoding="16UC1", data=b"ab")

    with pytest.raises(TypeError, match=r"on '/a' cannot be read: .*16UC1 .* as rgb8"):
        asked.to_value(depth)


def test_an_order_that_no_array_shows_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Where nothing was said of the encoding; who said it knows."""
    log = logging.getLogger("like_keras.camera")
    for encoding, count in ((None, 1), ("bgr8", 0), ("rgb8", 0)):
        caplog.clear()
        kind = "sensor_msgs/msg/Image"
        conversion = Conversion(kind, encoding=encoding, who="A message", log=log)
        image = conversion.message(
            height=1, width=1, step=3, encoding="bgr8", data=b"abc"
        )
        found = [conversion.to_value(image) for _ in range(3)]
        assert [x.tobytes() for x in found] == [
            b"cba" if encoding == "rgb8" else b"abc"
        ] * 3
        assert len(caplog.records) == count
    image.encoding = "rgb8"
    conversion.to_value(image)
    assert not caplog.records


def test_a_message_that_is_not_installed_says_how_to_get_it() -> None:
    """No name is guessed that somebody could register."""
    with pytest.raises(
        EngineError, match=r"Build the package 'tracked_msgs'"
    ) as caught:
        Conversion("tracked_msgs/msg/Track")
    assert "pip" not in str(caught.value)
    assert "ros-" not in str(caught.value)
    assert "pip install ros-nav-msgs" in missing_text("nav_msgs/msg/Path")
    tf2 = missing_text("tf2_msgs/msg/TFMessage")
    assert "ros-DISTRO-tf2-msgs" in tf2
    assert "no wheel of tf2_msgs" in tf2
    with pytest.raises(EngineError, match="Did you mean sensor_msgs/msg/Image"):
        Conversion("sensor_msgs/msg/Imgae")


SAMPLE = """
int32 LIMIT=7
std_msgs/Header header
bool is_on
byte mark
char letter
float32 low
float64 high
int8 small
uint64 large
string text
wstring wide
string<=5 short_text
builtin_interfaces/Time at
builtin_interfaces/Duration span
Part part
Part[] parts
Part[2] pair
Part[<=2] few
float64[] numbers
int32[3] three
uint8[<=3] up_to_three
bool[] flags
byte[] marks
string[] words
string<=3[<=2] short_words
"""
PART = "string name\nfloat64[] values\n"

FIELDS: dict[str, Any] = {
    "header": {"stamp": {"sec": -1, "nanosec": 5}, "frame_id": "tool"},
    "is_on": True,
    "mark": b"\xff",
    "letter": 200,
    "low": 2.0**-149,
    "high": 5e-324,
    "small": -128,
    "large": 2**64 - 1,
    "text": "a\u0085b \u2028 机",
    "wide": "wide 机 \U0001f600",
    "short_text": "five!",
    "at": {"sec": 2**31 - 1, "nanosec": 999_999_999},
    "span": {"sec": -2, "nanosec": 0},
    "part": {"name": "one", "values": np.array([1.0])},
    "parts": [{"name": "two", "values": np.array([-0.0, 5e-324])}],
    "pair": [{"name": n, "values": np.zeros(0)} for n in "ab"],
    "few": [],
    "numbers": np.array([np.inf, 0.1]),
    "three": np.array([1, -2, 3], np.int32),
    "up_to_three": np.array([255], np.uint8),
    "flags": [True, False],
    "marks": [b"a", b"\0"],
    "words": ["", "ä"],
    "short_words": ["abc"],
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Conversion]:
    """A message of a package that was generated for these tests."""
    if (lacking := missing()) is not None:
        pytest.skip(f"needs {lacking}")
    folder = tmp_path_factory.mktemp("messages")
    run_build(folder, "lk_sample_msgs", {"Sample": SAMPLE, "Part": PART}, is_sent=False)
    sys.path.insert(0, str(folder))
    yield Conversion("lk_sample_msgs/msg/Sample")
    sys.path.remove(str(folder))


def test_messages_of_ones_own_hold_every_kind_of_field(sample: Conversion) -> None:
    """What goes in comes out, whatever it is nested in."""
    found = sample.to_value(sample.to_message(FIELDS, "The value"))

    assert same(found, FIELDS)
    short = {"marks": b"a\0", "three": [1, -2, 3], "part": {"name": "one"}}
    found = sample.to_value(sample.to_message(short, "The value"))
    assert found["marks"] == FIELDS["marks"]
    assert same(found["three"], FIELDS["three"])
    assert sample.has_header


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"short_text": "sixsix"}, r"short_text has at most 5 characters; got 6"),
        ({"short_text": "ääää"}, r"short_text has at most 5 characters; got 8"),
        ({"up_to_three": [1, 2, 3, 4]}, r"up_to_three has at most 3 items; got 4"),
        ({"few": [{}] * 3}, r"few has at most 2 items; got 3"),
        ({"short_words": ["abcd"]}, r"short_words\[0\] has at most 3 characters"),
        ({"pair": [{}]}, r"pair has 2 items; got 1"),
        ({"parts": [{}, {"nam": 1}]}, r"parts\[1\] has 'nam', which is not a field"),
        ({"letter": 256}, "letter must be a uint8; got 256"),
        ({"mark": b"ab"}, "mark must be a octet"),
        ({"LIMIT": 7}, "'LIMIT', which is not a field"),
        ({"at": 3}, "at must be a dict or a dataclass"),
    ],
)
def test_what_a_message_of_ones_own_cannot_hold_is_named(
    sample: Conversion, value: Any, text: str
) -> None:
    """By its field, before ROS could cut it off."""
    with pytest.raises(TypeError, match=text):
        sample.to_message(value, "The value")
