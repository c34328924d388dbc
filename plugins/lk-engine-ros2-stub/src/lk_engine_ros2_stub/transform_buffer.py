"""The transforms that came so far, and what follows from them.

Pure: it holds what it was given and nothing else moves it, so a component that fills it
from its inputs computes the same when its inputs are replayed.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from like_keras_core.errors import LkError, nearest
from lk_engine_ros2_stub.transforms import S, Transform, as_stamp_ns, between

_log = logging.getLogger("like_keras.transforms")


class TransformError(LkError, LookupError):
    """A transform does not follow from what is known; the text says what is."""


class _Link:
    """Where a frame is in its parent, over time.

    Args:
        parent: The parent.
        is_static: Whether it always holds.
    """

    def __init__(self, parent: str, is_static: bool) -> None:
        self.parent = parent
        self.is_static = is_static
        #: Sorted, each once; of a static one, the last that came.
        self.stamps: list[int] = []
        self.known: list[Transform] = []

    def add(self, item: Transform, keep_ns: int) -> bool:
        """Keep a transform; return whether it was new enough."""
        if self.is_static:
            self.stamps, self.known = [item.stamp_ns], [item]
            return True
        if self.stamps and item.stamp_ns < self.stamps[-1] - keep_ns:
            return False
        n = bisect_left(self.stamps, item.stamp_ns)
        if n < len(self.stamps) and self.stamps[n] == item.stamp_ns:
            # As tf2 has it: what was said of a time first holds.
            return True
        self.stamps.insert(n, item.stamp_ns)
        self.known.insert(n, item)
        old = bisect_left(self.stamps, self.stamps[-1] - keep_ns)
        del self.stamps[:old], self.known[:old]
        return True

    def at(self, stamp_ns: int) -> Transform | None:
        """Return the transform at a time; None where that is not known."""
        if self.is_static:
            return self.known[0]
        n = bisect_left(self.stamps, stamp_ns)
        if n < len(self.stamps) and self.stamps[n] == stamp_ns:
            return self.known[n]
        if n in (0, len(self.stamps)):
            return None
        return between(self.known[n - 1], self.known[n], stamp_ns)


class TransformBuffer:
    """Keeps transforms, and looks up what follows from them.

    Frames are a tree: each has one parent at a time. A transform with another parent
    than the one before puts its frame there, and what was known of the frame is
    forgotten. A leading `/` of a name is dropped, as by tf2.

    Args:
        keep_s: How much of the past is kept of each frame [s].

    References:
        Foote, *tf: The transform library*, TePRA 2013.
    """

    def __init__(self, keep_s: float = 10.0) -> None:
        self.keep_s = keep_s
        self._links: dict[str, _Link] = {}
        self._complained: set[str] = set()

    @property
    def frames(self) -> list[str]:
        """The frames that are known, by name."""
        parents = {link.parent for link in self._links.values()}
        return sorted(parents | self._links.keys())

    def add(self, value: Any, *, static: bool = False) -> None:
        """Take transforms in.

        One that is not a transform, or that is older than what is kept, is left out and
        logged once for each frame: as with tf2, who publishes nonsense harms nobody
        else.

        Args:
            value: A `TFMessage` or a `TransformStamped` as a dict, a `Transform`, a
                list of these, or None, which is nothing.
            static: Whether they always hold, as those of `/tf_static`.
        """
        for item in self._items(value):
            problem = self._problem(item)
            if problem is None:
                self._take(item, static)
            elif item.child not in self._complained:
                self._complain(item.child, problem)

    def lookup(self, target: str, source: str, time: Any = None) -> Transform:
        """Return what takes points in the frame `source` to the frame `target`.

        Args:
            target: A frame.
            source: Another one.
            time: When: nanoseconds by the ROS clock; or a stamp, a header, or a value
                with a header, as a dict. None is the newest time at which all that is
                needed is known.

        Raises:
            TransformError: It does not follow from what is known.
        """
        target, source = _name(target), _name(source)
        up, down = self._paths(target, source)
        if time is not None:
            stamp_ns = as_stamp_ns(time)
        else:
            links = [self._links[frame] for frame in (*up, *down)]
            newest = [link.stamps[-1] for link in links if not link.is_static]
            stamp_ns = min(newest, default=0)
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                found = self._product(source, up, target, source, stamp_ns)
                back = self._product(target, down, target, source, stamp_ns)
                both = back.inverse() @ found
        except ValueError as error:
            raise TransformError(
                f"There is no transform from {source!r} to {target!r}: the numbers of "
                f"those between {', '.join((*up, *down))} are too large ({error})"
            ) from None
        return Transform(target, source, both.translation, both.rotation, stamp_ns)

    def has(self, target: str, source: str, time: Any = None) -> bool:
        """Say whether `lookup` would find a transform."""
        try:
            self.lookup(target, source, time)
        except TransformError:
            return False
        return True

    def _take(self, item: Transform, is_static: bool) -> None:
        link = self._links.get(item.child)
        if link is None or (link.parent, link.is_static) != (item.parent, is_static):
            link = self._links[item.child] = _Link(item.parent, is_static)
        if not link.add(item, round(self.keep_s * S)):
            self._complain(
                item.child,
                f"it is {(link.stamps[-1] - item.stamp_ns) / S:.3f} s older than the "
                f"newest, and keep_s is {self.keep_s:g}",
            )

    def _complain(self, child: str, problem: str) -> None:
        if child not in self._complained:
            self._complained.add(child)
            _log.warning("A transform of the frame %r is left out: %s.", child, problem)

    def _items(self, value: Any) -> Iterator[Transform]:
        if value is None:
            return
        if isinstance(value, Transform):
            names = _name(value.parent), _name(value.child)
            turned = value.translation, value.rotation
            yield Transform(*names, *turned, value.stamp_ns)
        elif isinstance(value, Mapping) and "transforms" not in value:
            try:
                found = Transform.from_dict(value)
                names = _name(found.parent), _name(found.child)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                child = str(value.get("child_frame_id", "?"))
                self._complain(child, f"{error}".rstrip("."))
            else:
                turned = found.translation, found.rotation
                yield Transform(*names, *turned, found.stamp_ns)
        elif isinstance(value, str):
            raise TypeError(f"A transform is a dict or a Transform; got {value!r:.80}.")
        else:
            items = value["transforms"] if isinstance(value, Mapping) else value
            for item in items:
                yield from self._items(item)

    def _problem(self, item: Transform) -> str | None:
        """Say why a transform cannot be taken in."""
        if not item.child or not item.parent:
            return "it says no frame, or none that it is in"
        if item.child == item.parent:
            return "it is in itself"
        if item.child in self._above(item.parent):
            return f"{item.parent!r}, which it is in, is itself below it"
        return None

    def _above(self, frame: str) -> list[str]:
        """Return a frame and all that it is in, up to the root."""
        found = [frame]
        while (link := self._links.get(found[-1])) is not None:
            found.append(link.parent)
        return found

    def _paths(self, target: str, source: str) -> tuple[list[str], list[str]]:
        """Return the frames below the first one that both frames are in."""
        known = self.frames
        for frame in (target, source):
            if frame not in known:
                near = nearest(frame, known)
                hint = f" Did you mean {near!r}?" if near else ""
                what = ", ".join(known) or "none: no transform has come"
                raise TransformError(
                    f"There is no transform from {source!r} to {target!r}: the frame "
                    f"{frame!r} is not known. Known are: {what}.{hint}"
                )
        up, down = self._above(source), self._above(target)
        if up[-1] != down[-1]:
            raise TransformError(
                f"There is no transform from {source!r} to {target!r}: {source!r} is "
                f"below {up[-1]!r}, {target!r} is below {down[-1]!r}, and nothing "
                f"connects these two. Known are: {', '.join(known)}."
            )
        while len(up) > 1 and len(down) > 1 and up[-2] == down[-2]:
            up.pop()
            down.pop()
        return up[:-1], down[:-1]

    def _product(
        self, frame: str, path: list[str], target: str, source: str, stamp_ns: int
    ) -> Transform:
        """Return what takes points in a frame to the end of a path."""
        found = Transform(frame, frame)
        for child in path:
            link = self._links[child]
            step = link.at(stamp_ns)
            if step is None:
                raise TransformError(
                    _out_of_range(child, link, target, source, stamp_ns)
                )
            found = step @ found
        return found


def _out_of_range(
    child: str, link: _Link, target: str, source: str, stamp_ns: int
) -> str:
    first, last = link.stamps[0], link.stamps[-1]
    is_late = stamp_ns > last
    off = (stamp_ns - last if is_late else first - stamp_ns) / S
    cure = (
        "Look it up at a later tick, or without a time: the newest."
        if is_late
        else "A larger keep_s keeps more."
    )
    return (
        f"There is no transform from {source!r} to {target!r} at {stamp_ns / S:.9f} s: "
        f"where {child!r} is in {link.parent!r} is known from {first / S:.9f} to "
        f"{last / S:.9f} s, and that is {off:.9f} s too "
        f"{'late' if is_late else 'early'}. {cure}"
    )


def _name(frame: str) -> str:
    return frame.removeprefix("/")
