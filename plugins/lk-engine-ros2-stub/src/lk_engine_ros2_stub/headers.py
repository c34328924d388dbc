"""Headers of messages: when and in which frame what they say holds."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TRANSFORMS = "tf2_msgs/msg/TFMessage"
"""Holds transforms, each with a header of its own."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says.

    Args:
        sec: The stamp's seconds, by the ROS clock.
        nanosec: The rest of the stamp [ns].
        frame_id: The frame; empty where none is said.
    """

    sec: int = 0
    nanosec: int = 0
    frame_id: str = ""

    @property
    def is_stamped(self) -> bool:
        """Whether it says a time: ROS's default, zero, does not."""
        return bool(self.sec or self.nanosec)


def header_of(value: Any) -> Header | None:
    """Return the header that a value is, or has; None where it has none.

    Args:
        value: A dict, a dataclass or a message: a header, or with a field `header`.

    Raises:
        TypeError: It has one that no message can carry.
    """
    header = _item(value, "header", value)
    stamp = _item(header, "stamp", None)
    if stamp is None and not isinstance(_item(header, "frame_id", None), str):
        return None
    nanosec = _item(stamp, "nanosec", 0)
    sec = _item(stamp, "sec", 0 if stamp is None or nanosec else None)
    frame_id = _item(header, "frame_id", "")
    try:
        fits = -(2**31) <= int(sec) < 2**31 and 0 <= int(nanosec) < 2**32
    except (TypeError, ValueError, OverflowError):
        fits = False
    if not fits or not isinstance(frame_id, str) or "\0" in frame_id:
        raise TypeError(
            "A header has a stamp, with sec and nanosec as 32 bit integers, and a "
            f"string as frame_id; got {header!r:.200}."
        )
    return Header(int(sec), int(nanosec), frame_id)


def to_value(header: Any) -> dict[str, Any]:
    """Return the header of a message as a dict."""
    stamp = {"sec": header.stamp.sec, "nanosec": header.stamp.nanosec}
    return {"stamp": stamp, "frame_id": header.frame_id}


class Stamps:
    """The time that the messages of a component bear: one for all of a tick.

    What is published together can so be matched by its stamp, as an image and its
    `CameraInfo` are.

    Args:
        clock: rclpy's clock of the node; it shows `/clock` with `use_sim_time`.
    """

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        #: By component, the newest tick that was asked for, and what it got.
        self._known: dict[str, tuple[int, Any]] = {}

    def now(self) -> Any:
        """Return the ROS clock's time, as a message."""
        return self._clock.now().to_msg()

    def at(self, component: str, tick: int) -> Any:
        """Return the time of a component's tick: of when it is first asked for."""
        known = self._known.get(component)
        if known is None or known[0] != tick:
            known = self._known[component] = tick, self.now()
        return known[1]


def completed(
    message: Any, stamp: Any, frame_id: str = "", given: Header | None = None
) -> Any:
    """Return a message whose header says what its own has left out.

    Args:
        message: A message with a header; it is left as it is.
        stamp: The time for it, a message.
        frame_id: The frame for it.
        given: The header of what it was computed of.
    """
    found, header = copy.copy(message), copy.copy(message.header)
    if not (header.stamp.sec or header.stamp.nanosec):
        header.stamp = copy.copy(stamp)
        if given is not None and given.is_stamped:
            header.stamp.sec, header.stamp.nanosec = given.sec, given.nanosec
    header.frame_id = header.frame_id or frame_id or (given or Header()).frame_id
    found.header = header
    return found


def _item(value: Any, name: str, default: Any) -> Any:
    if isinstance(value, Mapping):
        return value.get(name, default)
    if dataclasses.is_dataclass(value) or hasattr(value, "get_fields_and_field_types"):
        return getattr(value, name, default)
    return default
