"""Images in every encoding, as messages and back; messages are stood in for."""

import struct
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from like_keras_core.errors import EngineError
from like_keras_core.testing import same
from lk_engine_ros2_stub.image_encodings import (
    ENCODINGS,
    default_encoding,
    encoding_of,
    is_default,
)
from lk_engine_ros2_stub.image_messages import from_compressed, from_image, to_image

RGB = np.array([[[255, 0, 0], [10, 200, 30]], [[0, 0, 255], [40, 50, 60]]], np.uint8)


def sent(value: Any, encoding: str | None = None) -> Any:
    return to_image(SimpleNamespace(), value, encoding, where="The value")


def compressed(format: str, data: bytes) -> Any:
    return SimpleNamespace(format=format, data=data)


@given(
    st.sampled_from(sorted(ENCODINGS)), st.integers(0, 4), st.integers(0, 4), st.data()
)
def test_every_encoding_comes_back_as_it_was(
    name: str, height: int, width: int, data: Any
) -> None:
    """Also with rows that are longer than their pixels, and big-endian."""
    known = encoding_of(name)
    image = data.draw(arrays(known.dtype, known.shape(2 * height, 2 * width)))
    message = sent(image, name)
    assert (message.height, message.width, message.encoding) == (
        2 * height,
        2 * width,
        name,
    )
    assert same(from_image(message), image)

    row, rows = known.row_bytes(message.width), image.shape[0]
    step = row + data.draw(st.integers(1, 5))
    padded = np.full((rows, step), 7, np.uint8)
    padded[:, :row] = np.frombuffer(message.data, np.uint8).reshape(rows, row)
    message.step, message.data = step, padded.tobytes()
    assert same(from_image(message), image)
    message.data = message.data[: len(message.data) - (step - row)]
    assert same(from_image(message), image)

    other = sent(image, name)
    swapped = np.frombuffer(other.data, known.dtype).byteswap()
    other.is_bigendian, other.data = 1, swapped.tobytes()
    assert same(from_image(other), image)


@pytest.mark.parametrize(
    ("dtype", "shape", "name"),
    [
        ("u1", (2, 3), "mono8"),
        ("u1", (2, 3, 1), "mono8"),
        ("u1", (2, 3, 2), "8UC2"),
        ("u1", (2, 3, 3), "rgb8"),
        ("u1", (2, 3, 4), "rgba8"),
        ("u2", (2, 3), "16UC1"),
        ("u2", (2, 3, 3), "rgb16"),
        ("i2", (2, 3), "16SC1"),
        (">f4", (2, 3), "32FC1"),
        ("f8", (2, 3, 7), "64FC7"),
    ],
)
def test_an_array_says_its_encoding(dtype: str, shape: Any, name: str) -> None:
    """Where the author does not; a camera's depth is not brightness."""
    value = np.arange(np.prod(shape)).reshape(shape).astype(dtype)

    assert default_encoding(value) == name
    message = sent(value)
    assert message.encoding == name
    back = from_image(message)
    assert np.array_equal(back, value.reshape(back.shape))


@pytest.mark.parametrize(
    ("value", "encoding", "text"),
    [
        (np.zeros((2, 2), bool), None, "got bool of shape"),
        (np.zeros((2, 2, 0), "u1"), None, r"shape \(2, 2, 0\)"),
        (np.zeros(4, "u1"), None, r"shape \(4,\)"),
        (np.zeros((2, 2), "u1"), "rgb8", r"rgb8: uint8 of shape \(rows, columns, 3\)"),
        (np.zeros((2, 2), "u1"), "mono16", "mono16: uint16"),
        (np.zeros((4, 2), "u1"), "nv12", r"\(rows x 3/2, columns\); got uint8"),
        (np.zeros((2, 2, 4), "u1"), "bgr8", "encoding= says what an array is"),
        (np.zeros((), "u1"), "mono8", r"shape \(\)"),
    ],
)
def test_an_array_that_is_not_such_an_image_is_named(
    value: Any, encoding: str | None, text: str
) -> None:
    """With what was expected."""
    with pytest.raises(TypeError, match=text):
        sent(value, encoding)


def test_a_message_that_is_not_what_it_says_is_named() -> None:
    """Its size, its step and its encoding."""
    short = sent(RGB)
    short.data = short.data[:-1]
    with pytest.raises(TypeError, match=r"2 x 2 pixels in rgb8 has 2 rows of 6 bytes"):
        from_image(short)
    narrow = sent(RGB)
    narrow.step = 5
    with pytest.raises(TypeError, match="it says step=5"):
        from_image(narrow)
    odd = sent(RGB)
    odd.encoding = "rgb-8"
    with pytest.raises(TypeError, match=r"'rgb-8' is none.*Did you mean 'rgb8'.*raw="):
        from_image(odd)
    long = sent(RGB)
    long.step = 0
    assert same(from_image(long), RGB)


def test_colours_change_their_order_without_opencv(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What numpy can do needs nothing else; what it cannot says what is missing."""
    monkeypatch.setitem(sys.modules, "cv2", None)
    bgr = sent(np.ascontiguousarray(RGB[..., ::-1]), "bgr8")

    assert same(from_image(bgr, "rgb8"), RGB)
    rgba = from_image(bgr, "rgba8")
    assert same(rgba[..., :3], RGB)
    assert (rgba[..., 3] == 255).all()
    assert same(from_image(sent(rgba, "rgba8"), "bgr8"), RGB[..., ::-1])
    deep = from_image(bgr, "rgb16")
    assert same(deep, RGB.astype(np.uint16) * 257)
    assert same(from_image(sent(deep), "rgb8"), RGB)
    assert same(from_image(sent(RGB[..., 0]), "rgb8"), RGB[..., [0, 0, 0]])
    assert same(from_image(sent(RGB[..., 0], "8UC1"), "mono8"), RGB[..., 0])
    with pytest.raises(
        EngineError, match=r"pip install 'lk-engine-ros2-stub\[images\]'"
    ):
        from_image(bgr, "mono8")


def test_there_is_not_a_way_between_any_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers that are not colours stay what they are."""
    depth = sent(np.zeros((2, 2), np.uint16))

    assert from_image(depth, "mono16").shape == (2, 2)
    for wanted in ("mono8", "rgb8", "32FC1", "bayer_rggb8"):
        with pytest.raises(TypeError, match=f"16UC1 cannot be had as {wanted}"):
            from_image(depth, wanted)
    with pytest.raises(TypeError, match="rgb8 cannot be had as nv12"):
        from_image(sent(RGB), "nv12")


@pytest.fixture
def cv2() -> Any:
    return pytest.importorskip("cv2", reason="needs opencv-python-headless")


FLAT = np.full((4, 6, 3), (200, 100, 50), np.uint8)


@pytest.mark.parametrize("order", ["rggb", "bggr", "gbrg", "grbg"])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_mosaic_becomes_its_colours(order: str, bits: int, cv2: Any) -> None:
    """In each order and depth; red is red."""
    scale = 257 if bits == 16 else 1
    image = FLAT.astype(f"u{bits // 8}") * scale
    mosaic = np.empty(image.shape[:2], image.dtype)
    for n, letter in enumerate(order):
        row, column = divmod(n, 2)
        mosaic[row::2, column::2] = image[row::2, column::2, "rgb".index(letter)]
    message = sent(mosaic, f"bayer_{order}{bits}")

    assert same(from_image(message, f"rgb{bits}"), image)
    assert same(from_image(message, "bgr8"), FLAT[..., ::-1])
    assert from_image(message, f"mono{bits}").shape == (4, 6)


@pytest.mark.parametrize("name", ["uyvy", "yuv422", "yuyv", "yuv422_yuy2"])
def test_packed_video_becomes_its_colours(name: str, cv2: Any) -> None:
    """Brightness and two colours that two pixels share."""
    y, u, v = 120, 90, 200
    pair = (u, y, v, y) if name in ("uyvy", "yuv422") else (y, u, y, v)
    image = np.tile(np.array(pair, np.uint8), (4, 3)).reshape(4, 6, 2)

    found = from_image(sent(image, name), "rgb8")

    expected = yuv(y, u, v)
    assert np.abs(found.astype(int) - expected).max() <= 2
    assert (from_image(sent(image, name), "mono8") == y).all()


@pytest.mark.parametrize("name", ["nv12", "nv21", "nv24"])
def test_planar_video_becomes_its_colours(name: str, cv2: Any) -> None:
    """The brightness comes first, then both colours in turn."""
    y, u, v = 120, 90, 200
    pair = (v, u) if name == "nv21" else (u, v)
    rows = 8 if name == "nv24" else 2
    colours = np.tile(np.array(pair, np.uint8), (rows, 3))
    image = np.vstack((np.full((4, 6), y, np.uint8), colours))
    message = sent(image, name)
    assert (message.height, message.width) == (4, 6)

    found = from_image(message, "rgb8")

    assert np.abs(found.astype(int) - yuv(y, u, v)).max() <= 2
    assert same(from_image(message, "mono8"), image[:4])
    if name == "nv24":
        message.step = 12
        assert same(from_image(message), image)


def yuv(y: int, u: int, v: int) -> Any:
    """Return the colour of a video's numbers, by ITU-R BT.601."""
    c, d, e = 1.164 * (y - 16), u - 128, v - 128
    return np.clip((c + 1.596 * e, c - 0.392 * d - 0.813 * e, c + 2.017 * d), 0, 255)


def test_brightness_is_opencvs(cv2: Any) -> None:
    """So that it is the same as behind `cv_bridge`."""
    assert same(from_image(sent(RGB), "mono8"), cv2.cvtColor(RGB, cv2.COLOR_RGB2GRAY))


@pytest.mark.parametrize(
    ("format", "suffix"),
    [("png", ".png"), ("rgb8; png compressed bgr8", ".png"), ("jpeg", ".jpg")],
)
def test_a_compressed_image_is_decoded(format: str, suffix: str, cv2: Any) -> None:
    """In the order that is asked for."""
    data = cv2.imencode(suffix, FLAT[..., ::-1])[1].tobytes()

    found = from_compressed(compressed(format, data), "rgb8")

    assert np.abs(found.astype(int) - FLAT).max() <= (6 if suffix == ".jpg" else 0)
    assert same(
        from_compressed(compressed(format, data), "bgr8"),
        np.ascontiguousarray(found[..., ::-1]),
    )


def test_a_compressed_depth_is_what_it_was(cv2: Any) -> None:
    """Plain, behind the header of compressedDepth, and as inverse depths."""
    depth = np.array([[0, 1000], [2000, 65535]], np.uint16)
    png = cv2.imencode(".png", depth)[1].tobytes()

    plain = compressed("16UC1; png compressed ", png)
    assert same(from_compressed(plain, "16UC1"), depth)
    head = struct.pack("<iff", 0, 0.0, 0.0)
    for format in ("16UC1; compressedDepth", "16UC1; compressedDepth png"):
        assert same(from_compressed(compressed(format, head + png), "16UC1"), depth)
    first, second = 10100.0, -1000.0
    metres = np.array([[np.nan, 4.0], [2.0, 1.0]], np.float32)
    with np.errstate(invalid="ignore"):
        numbers = np.nan_to_num(first / metres + second).astype(np.uint16)
    inverse = cv2.imencode(".png", numbers)[1].tobytes()
    message = compressed(
        "32FC1; compressedDepth", struct.pack("<iff", 0, first, second) + inverse
    )
    assert np.allclose(
        from_compressed(message, "32FC1"), metres, rtol=1e-3, equal_nan=True
    )


def test_a_compressed_mosaic_is_decoded_to_colours(cv2: Any) -> None:
    """The format says what was compressed."""
    mosaic = np.full((4, 4), 70, np.uint8)
    data = cv2.imencode(".png", mosaic)[1].tobytes()
    message = compressed("bayer_rggb8; png compressed ", data)

    assert same(from_compressed(message, "rgb8"), np.full((4, 4, 3), 70, np.uint8))


@pytest.mark.parametrize(
    ("format", "data", "text"),
    [
        ("jpeg", b"", "0 bytes in the format 'jpeg'"),
        ("jpeg", b"nothing", "7 bytes in the format 'jpeg' are not an image"),
        ("16UC1; compressedDepth rvl", b"x" * 20, "only PNG can"),
        ("16UC1; compressedDepth", b"x", "only PNG can"),
        ("16UC1; compressedDepth", b"x" * 20, "are not an image"),
    ],
)
def test_what_cannot_be_decoded_is_named(
    format: str, data: bytes, text: str, cv2: Any
) -> None:
    """With its format and what to do."""
    with pytest.raises(TypeError, match=text) as caught:
        from_compressed(compressed(format, data), "16UC1")
    assert "raw=True" in str(caught.value)


def test_an_encoding_is_known_or_not() -> None:
    """Those that mean the same unsaid, and those that nobody knows."""
    same_unsaid = {name for name, item in ENCODINGS.items() if is_default(item)}

    assert {"rgb8", "mono16", "16UC1"} <= same_unsaid
    assert not {"bgr8", "yuyv", "bayer_rggb8", "nv12"} & same_unsaid
    assert encoding_of("32FC7").channels == 7
    assert encoding_of("16UC").channels == 1
    for name in ("32UC1", "8FC1", "8UC0", "8UC513", "", "x" * 300):
        with pytest.raises(ValueError, match="is none of sensor_msgs"):
            encoding_of(name)
