"""Where a frame is in another one, as a value and as `geometry_msgs` has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from lk_engine_ros2_stub import quaternions
from lk_engine_ros2_stub.headers import header_of

S = 1_000_000_000
"""A second [ns]."""


def _origin() -> quaternions.Vector:
    return np.zeros(3)


def _level() -> quaternions.Vector:
    return np.array([0.0, 0.0, 0.0, 1.0])


@dataclass(frozen=True, slots=True, eq=False)
class Transform:
    """Takes points in the frame `child` to the frame `parent`.

    So it is the pose of `child` in `parent`, as in a `TransformStamped`.

    Args:
        parent: The frame of what comes out.
        child: The frame of what goes in.
        translation: Shape `(3,)` [m].
        rotation: The quaternion x, y, z, w; it is brought to length one.
        stamp_ns: When it holds, by the ROS clock [ns]; 0 is any time.

    Raises:
        ValueError: The numbers are not a transform.
    """

    parent: str
    child: str
    translation: quaternions.Vector = field(default_factory=_origin)
    rotation: quaternions.Vector = field(default_factory=_level)
    stamp_ns: int = 0

    def __post_init__(self) -> None:
        moved = np.array(self.translation, np.float64)
        if moved.shape != (3,) or not np.isfinite(moved).all():
            raise ValueError(
                f"a translation is three finite numbers x, y, z; got "
                f"{self.translation}."
            )
        turned = quaternions.unit(self.rotation)
        for name, numbers in (("translation", moved), ("rotation", turned)):
            numbers.flags.writeable = False
            object.__setattr__(self, name, numbers)

    @classmethod
    def from_matrix(
        cls, parent: str, child: str, matrix: npt.ArrayLike, stamp_ns: int = 0
    ) -> Transform:
        """Return the transform of a homogeneous 4x4 matrix."""
        m = np.asarray(matrix, np.float64)
        turned = quaternions.from_matrix(m[:3, :3])
        return cls(parent, child, m[:3, 3], turned, stamp_ns)

    @classmethod
    def from_dict(cls, value: Any) -> Transform:
        """Return the transform of a `TransformStamped`, as a dict.

        Raises:
            ValueError: Its numbers are not a transform.
        """
        header = header_of(value)
        moved, turned = (
            value["transform"]["translation"],
            value["transform"]["rotation"],
        )
        return cls(
            header.frame_id if header else "",
            value["child_frame_id"],
            np.array([moved.get(axis, 0.0) for axis in "xyz"]),
            np.array([turned.get(axis, float(axis == "w")) for axis in "xyzw"]),
            header.sec * S + header.nanosec if header else 0,
        )

    @property
    def matrix(self) -> quaternions.Vector:
        """The homogeneous 4x4 matrix."""
        found = np.eye(4)
        found[:3, :3] = quaternions.to_matrix(self.rotation)
        found[:3, 3] = self.translation
        return found

    def apply(self, points: npt.ArrayLike) -> quaternions.Vector:
        """Return points of shape `(..., 3)` in `child` as they are in `parent` [m]."""
        return quaternions.rotate(self.rotation, points) + self.translation

    def inverse(self) -> Transform:
        """Return the transform the other way."""
        turned = quaternions.conjugate(self.rotation)
        moved = -quaternions.rotate(turned, self.translation)
        return Transform(self.child, self.parent, moved, turned, self.stamp_ns)

    def __matmul__(self, other: Transform) -> Transform:
        """Return `other`, followed by this one.

        Raises:
            ValueError: Where the one ends the other does not begin.
        """
        if other.parent != self.child:
            raise ValueError(
                f"A transform from {self.child!r} to {self.parent!r} does not follow "
                f"one from {other.child!r} to {other.parent!r}."
            )
        return Transform(
            self.parent,
            other.child,
            self.apply(other.translation),
            quaternions.product(self.rotation, other.rotation),
            max(self.stamp_ns, other.stamp_ns),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as the fields of a `geometry_msgs/msg/TransformStamped`.

        With the stamp 0 it gets the ROS clock's when it is published.
        """
        sec, nanosec = divmod(self.stamp_ns, S)
        return {
            "header": {
                "stamp": {"sec": sec, "nanosec": nanosec},
                "frame_id": self.parent,
            },
            "child_frame_id": self.child,
            "transform": {
                "translation": dict(zip("xyz", self.translation.tolist(), strict=True)),
                "rotation": dict(zip("xyzw", self.rotation.tolist(), strict=True)),
            },
        }


def transform_message(transforms: Iterable[Transform]) -> dict[str, Any]:
    """Return transforms as the fields of a `tf2_msgs/msg/TFMessage`."""
    return {"transforms": [item.to_dict() for item in transforms]}


def between(a: Transform, b: Transform, stamp_ns: int) -> Transform:
    """Return the transform at a time between two: linear, and along the arc."""
    share = (stamp_ns - a.stamp_ns) / (b.stamp_ns - a.stamp_ns)
    moved = a.translation + share * (b.translation - a.translation)
    turned = quaternions.slerp(a.rotation, b.rotation, share)
    return Transform(a.parent, a.child, moved, turned, stamp_ns)


def as_stamp_ns(time: Any) -> int:
    """Return a time in nanoseconds.

    Args:
        time: Nanoseconds; or a stamp or header, or what has one, as a dict.

    Raises:
        TypeError: It is none of these.
    """
    if isinstance(time, (int, np.integer)) and not isinstance(time, bool):
        return int(time)
    if isinstance(time, Mapping) and "sec" in time:
        return int(time["sec"]) * S + int(time.get("nanosec", 0))
    header = header_of(time)
    if header is None:
        raise TypeError(
            "A time is a whole number of nanoseconds, a stamp such as {'sec': 1, "
            f"'nanosec': 0}}, or a value with a header; got {time!r:.80}."
        )
    return header.sec * S + header.nanosec
