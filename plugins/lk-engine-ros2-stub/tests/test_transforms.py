"""Transforms: what follows from those that came, against plain 4x4 matrices."""

import logging
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lk_engine_ros2_stub import (
    Transform,
    TransformBuffer,
    TransformError,
    transform_message,
)
from lk_engine_ros2_stub.transforms import S, as_stamp_ns

metres = st.floats(-1e3, 1e3)
vectors = st.tuples(metres, metres, metres).map(np.array)
rotations = (
    st.tuples(*[st.floats(-1, 1)] * 4)
    .map(np.array)
    .filter(lambda q: np.linalg.norm(q) > 1e-3)
)
frames = ["a", "b", "c", "d", "e", "f"]


def turn(angle: float) -> tuple[float, float, float, float]:
    """Return a rotation about z."""
    return (0.0, 0.0, math.sin(angle / 2), math.cos(angle / 2))


def at(parent: str, child: str, x: float, sec: float = 0.0, angle: float = 0.0) -> Any:
    return Transform(
        parent, child, np.array([x, 0, 0]), np.array(turn(angle)), round(sec * S)
    )


@st.composite
def trees(draw: Any) -> list[Transform]:
    """Each frame but the first is in one of those before it."""
    return [
        Transform(
            frames[draw(st.integers(0, n - 1))],
            frames[n],
            draw(vectors),
            draw(rotations),
            7,
        )
        for n in range(1, draw(st.integers(2, len(frames))))
    ]


@given(trees(), st.data())
def test_any_two_frames_of_a_tree_are_products_of_matrices(
    tree: list[Transform], data: Any
) -> None:
    """Whatever is static, whichever way, and with one common time."""
    buffer = TransformBuffer()
    to_root = {frames[0]: np.eye(4)}
    for item in tree:
        static = data.draw(st.booleans())
        buffer.add(transform_message([item]), static=static)
        to_root[item.child] = to_root[item.parent] @ item.matrix
    target, source = (data.draw(st.sampled_from(sorted(to_root))) for _ in range(2))

    found = buffer.lookup(target, source)

    expected = np.linalg.inv(to_root[target]) @ to_root[source]
    assert np.allclose(found.matrix, expected, atol=1e-6)
    assert (found.parent, found.child) == (target, source)
    points = np.arange(6.0).reshape(2, 3)
    whole = np.hstack((points, np.ones((2, 1)))) @ expected.T
    assert np.allclose(found.apply(points), whole[:, :3], atol=1e-5)


@given(vectors, rotations)
def test_a_transform_is_its_matrix_and_its_message(moved: Any, turned: Any) -> None:
    """There and back; a quaternion and its negative are the same rotation."""
    item = Transform("a", "b", moved, turned, 12 * S + 5)

    assert np.allclose(
        Transform.from_matrix("a", "b", item.matrix).matrix, item.matrix, atol=1e-9
    )
    again = Transform.from_dict(item.to_dict())
    assert np.allclose(again.matrix, item.matrix, rtol=0, atol=1e-14)
    assert (again.parent, again.child, again.stamp_ns) == ("a", "b", item.stamp_ns)
    assert np.allclose((item @ item.inverse()).matrix, np.eye(4), atol=1e-9)


@given(rotations, st.floats(-math.pi, math.pi), st.floats(0, 1))
def test_between_two_times_it_turns_evenly(
    start: Any, angle: float, share: float
) -> None:
    """At a share of the time a share of the angle is turned, on the shorter way."""
    first = Transform("a", "b", np.zeros(3), start, 0)
    step = Transform("b", "b", np.array([1.0, 2, 3]), np.array(turn(angle)))
    last = first @ step
    buffer = TransformBuffer()
    buffer.add([first, Transform("a", "b", last.translation, -last.rotation, S)])

    found = buffer.lookup("a", "b", round(share * S))

    part = Transform("b", "b", np.zeros(3), np.array(turn(angle * share)))
    assert np.allclose(found.matrix[:3, :3], (first @ part).matrix[:3, :3], atol=1e-6)
    assert np.allclose(found.translation, share * last.translation, atol=1e-6)


def test_messages_that_come_late_are_put_in_order() -> None:
    """What was said of a time first holds; what is too old is forgotten."""
    buffer = TransformBuffer(keep_s=5.0)
    buffer.add([at("a", "b", x, x) for x in (4, 2, 3, 8)])
    buffer.add(at("a", "b", 99, 4))

    assert buffer.lookup("a", "b", 4 * S).translation[0] == 4
    assert buffer.lookup("a", "b", {"sec": 3, "nanosec": S // 2}).translation[0] == 3.5
    with pytest.raises(TransformError, match=r"from 3\.0+ to 8\.0+ s, and that is 1\."):
        buffer.lookup("a", "b", 2 * S)


def test_a_time_that_is_not_known_is_named_with_what_is() -> None:
    """Also where only one of several links ends."""
    buffer = TransformBuffer()
    buffer.add([at("odom", "base", x, x) for x in (10, 11, 12)])
    buffer.add(at("map", "odom", 1, 10))
    buffer.add(at("base", "camera", 1), static=True)

    assert buffer.lookup("map", "camera").stamp_ns == 10 * S
    assert buffer.lookup("odom", "camera", 11 * S).translation[0] == 12
    with pytest.raises(TransformError) as caught:
        buffer.lookup("map", "camera", {"stamp": {"sec": 12, "nanosec": 0}})
    assert "'odom' is in 'map' is known from 10.0" in str(caught.value)
    assert "2.000000000 s too late" in str(caught.value)
    assert buffer.has("map", "camera", 10 * S)
    assert not buffer.has("map", "camera", 11 * S)


@pytest.mark.parametrize(
    ("target", "source", "text"),
    [
        ("base", "camra", "'camra' is not known. Known are: base, camera, earth, map."),
        ("base", "camra", "map. Did you mean 'camera'?"),
        ("map", "camera", "'camera' is below 'base', 'map' is below 'earth'"),
    ],
)
def test_frames_that_are_not_connected_are_named(
    target: str, source: str, text: str
) -> None:
    """With what is known."""
    buffer = TransformBuffer()
    buffer.add([at("base", "camera", 1, 1), at("earth", "map", 1, 1)])

    with pytest.raises(TransformError) as caught:
        buffer.lookup(target, source)

    assert text in str(caught.value)
    with pytest.raises(TransformError, match="none: no transform has come"):
        TransformBuffer().lookup(target, source)


def test_what_is_not_a_transform_is_left_out_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The others are taken in all the same."""
    broken = at("a", "b", 1).to_dict()
    broken["transform"]["rotation"] = dict.fromkeys("xyzw", 0.0)
    far = at("a", "c", 1).to_dict()
    far["transform"]["translation"]["x"] = math.nan
    buffer = TransformBuffer()
    with caplog.at_level(logging.WARNING, "like_keras.transforms"):
        for _ in range(2):
            buffer.add({"transforms": [broken, far, at("x", "x", 0).to_dict()]})
        buffer.add([at("/a", "/d", 2), at("d", "a", 1), None])

    assert buffer.frames == ["a", "d"]
    assert len(caplog.records) == 4
    said = " ".join(item.getMessage() for item in caplog.records)
    for part in ("not all 0", "three finite numbers", "in itself", "below it"):
        assert part in said
    assert buffer.lookup("a", "d").translation[0] == 2


def test_a_frame_may_change_its_parent() -> None:
    """What was known of it is forgotten."""
    buffer = TransformBuffer()
    buffer.add([at("a", "b", 1, 1), at("c", "b", 2, 2)])

    assert buffer.lookup("c", "b").translation[0] == 2
    assert buffer.frames == ["b", "c"]


def test_a_time_is_given_as_messages_have_it() -> None:
    """Anything else is refused, seconds as a float among it."""
    stamp = {"sec": 1, "nanosec": 5}
    times: list[Any] = [S + 5, np.int64(S + 5), stamp, {"stamp": stamp}]
    times.append({"header": {"stamp": stamp, "frame_id": "a"}, "data": 3})

    assert {as_stamp_ns(time) for time in times} == {S + 5}
    with pytest.raises(TypeError, match="nanoseconds"):
        as_stamp_ns(1.5)


def test_transforms_follow_each_other_by_their_frames() -> None:
    """A product of others is refused."""
    with pytest.raises(ValueError, match="does not follow"):
        at("a", "b", 1) @ at("c", "d", 1)
