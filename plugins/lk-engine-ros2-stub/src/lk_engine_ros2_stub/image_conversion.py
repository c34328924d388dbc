"""Images from one encoding to another.

Channels are put in order by numpy; what needs a formula is OpenCV's, so that an image
is the same here as behind `cv_bridge`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from like_keras_core.errors import EngineError
from lk_engine_ros2_stub.image_encodings import Encoding, encoding_of

Image = np.ndarray[Any, Any]

_COLOURS = ("mono", "rgb", "bgr", "rgba", "bgra")


class NoConversion(TypeError):
    """There is no way from one encoding to another."""

    def __init__(self, source: str, target: str) -> None:
        super().__init__(
            f"an image in {source} cannot be had as {target}. Leave encoding= out, or "
            f"say encoding={source!r}, to have it as it is."
        )


def convert(image: Image, source: Encoding, target: Encoding) -> Image:
    """Return an image in another encoding.

    Raises:
        NoConversion: There is no way from the one to the other.
        EngineError: OpenCV is needed and not installed.
    """
    if source.family == target.family and source.code == target.code:
        if source.channels == target.channels:
            return image
        raise NoConversion(source.name, target.name)
    if "plain" in (source.family, target.family):
        return _same_numbers(image, source, target)
    if target.family not in _COLOURS:
        raise NoConversion(source.name, target.name)
    if source.family not in _COLOURS:
        image, source = _decoded(image, source, target)
    return _depth(_channels(image, source, target), source, target)


def _by_opencv(image: Image, code: str, source: Encoding, target: Encoding) -> Image:
    """Return an image converted by one of OpenCV's codes.

    Raises:
        TypeError: An image of its size cannot be converted.
    """
    cv2 = opencv()
    try:
        found: Image = cv2.cvtColor(image, getattr(cv2, f"COLOR_{code}"))
    except cv2.error as error:
        raise TypeError(
            f"an array of shape {image.shape} in {source.name} cannot be converted to "
            f"{target.name} ({error.err}). Has it pixels, and an even width and height "
            "where its encoding needs them?"
        ) from None
    return found


def opencv() -> Any:
    """Return OpenCV's module.

    Raises:
        EngineError: It is not installed.
    """
    try:
        import cv2
    except ImportError:
        raise EngineError(
            "this conversion of images needs OpenCV. Install it where the node runs: "
            "pip install 'lk-engine-ros2-stub[images]', or ROS's python3-opencv."
        ) from None
    return cv2


def _same_numbers(image: Image, source: Encoding, target: Encoding) -> Image:
    """Take numbers that are said to be nothing for those of the other encoding."""
    alike = source.code == target.code and source.channels == target.channels
    if not alike or source.lines != target.lines:
        raise NoConversion(source.name, target.name)
    return image


def _decoded(
    image: Image, source: Encoding, target: Encoding
) -> tuple[Image, Encoding]:
    """Return an image of a sensor or a video as colours, or as its brightness."""
    family, is_mono = source.family, target.family == "mono"
    if family.startswith("bayer_"):
        order = family.removeprefix("bayer_").upper()
        code = f"Bayer{order}2{'GRAY' if is_mono else 'RGB'}"
        found = _by_opencv(image, code, source, target)
    elif is_mono and family.startswith("nv"):
        found = _brightness(image, source)
    elif family == "nv24":
        found = _from_nv24(image, source, target)
    else:
        name = {"yuyv": "YUY2"}.get(family, family.upper())
        code = f"YUV2{'GRAY' if is_mono else 'RGB'}_{name}"
        found = _by_opencv(image, code, source, target)
    bits = 8 * source.dtype.itemsize
    return found, encoding_of(f"{'mono' if is_mono else 'rgb'}{bits}")


def _brightness(image: Image, source: Encoding) -> Image:
    """Return the plane that comes first."""
    return image[: image.shape[0] * 2 // source.lines]


def _from_nv24(image: Image, source: Encoding, target: Encoding) -> Image:
    """Return colours, by way of an image of twice the size that OpenCV knows."""
    height, width = image.shape[0] // 3, image.shape[1]
    bright = image[:height].repeat(2, axis=0).repeat(2, axis=1)
    colour = image[height:].reshape(height, 2 * width)
    both = np.vstack((bright, colour))
    doubled = _by_opencv(both, "YUV2RGB_NV12", source, target)
    return np.ascontiguousarray(doubled[::2, ::2])


def _channels(image: Image, source: Encoding, target: Encoding) -> Image:
    """Return an image with the channels of another encoding, in its own depth."""
    if source.family == target.family:
        return image
    if source.family == "mono":
        image = np.repeat(image[..., None], 3, axis=2)
    elif target.family == "mono":
        return _by_opencv(image, f"{source.family.upper()}2GRAY", source, target)
    elif source.family[:3] != target.family[:3]:
        image = image[..., [2, 1, 0, 3][: source.channels]]
    if target.channels == 3:
        return np.ascontiguousarray(image[..., :3])
    if image.shape[2] == 4:
        return np.ascontiguousarray(image)
    full = np.full((*image.shape[:2], 1), np.iinfo(image.dtype).max, image.dtype)
    return np.concatenate((image, full), axis=2)


def _depth(image: Image, source: Encoding, target: Encoding) -> Image:
    """Return an image in the depth of another encoding: full stays full."""
    if source.code == target.code:
        return image
    if target.code == "u2":
        return np.multiply(image, 257, dtype=np.uint16)
    return ((image.astype(np.uint32) + 128) // 257).astype(np.uint8)
