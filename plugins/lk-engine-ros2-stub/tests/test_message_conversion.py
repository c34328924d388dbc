"""Values as real ROS messages, and back."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from like_keras_core.errors import EngineError
from like_keras_core.testing import same
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
        ("sensor_msgs/msg/Image", np.zeros((2, 2)), "got float64 of shape"),
        ("sensor_msgs/msg/Image", np.zeros((2, 2, 2), np.uint8), r"shape \(2, 2, 2\)"),
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


def test_an_image_with_rows_that_are_longer_than_its_pixels() -> None:
    """The step says where a row begins; 16 bits may be big-endian."""
    conversion = Conversion("sensor_msgs/msg/Image")
    data = bytes([0, 1, 0, 2, 9, 0, 3, 0, 4, 9])
    message = conversion.message(
        height=2, width=2, step=5, encoding="mono16", is_bigendian=1, data=data
    )

    found = conversion.to_value(message)

    assert same(found, np.array([[1, 2], [3, 4]], np.uint16))
    message.encoding = "yuv422"
    with pytest.raises(TypeError, match="'yuv422'; known are mono8"):
        conversion.to_value(message)


def test_a_message_that_is_not_installed_says_how_to_get_it() -> None:
    """In a ROS installation; a wheel is named only where it is known to be ROS's."""
    with pytest.raises(EngineError, match="pip install ros-sensor-msgs"):
        Conversion("sensor_msgs/msg/Track")
    with pytest.raises(EngineError, match="ros-DISTRO-tracked-msgs") as caught:
        Conversion("tracked_msgs/msg/Track")

    assert "pip install" not in str(caught.value)
