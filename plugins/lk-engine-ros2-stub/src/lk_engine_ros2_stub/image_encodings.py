"""The encodings of images: what a pixel holds, and how its array is shaped.

References:
    sensor_msgs/image_encodings.hpp; V4L2's pixel formats UYVY, YUYV, NV12, NV21, NV24.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from like_keras_core.errors import nearest

if TYPE_CHECKING:
    import numpy as np

_ABSTRACT = re.compile(r"(8|16|32|64)(U|S|F)C(\d*)")
_CODES: Mapping[str, str] = {
    "8U": "u1",
    "8S": "i1",
    "16U": "u2",
    "16S": "i2",
    "32S": "i4",
    "32F": "f4",
    "64F": "f8",
}
_MOST_CHANNELS = 512
"""As many as OpenCV's matrices have."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """What an image in one encoding holds.

    Args:
        name: As in a message.
        code: The numbers of a pixel, as numpy names them.
        channels: How many of them a pixel has.
        family: `"mono"`, `"rgb"`, `"bgr"`, `"rgba"` or `"bgra"`, whatever the depth;
            `"bayer_rggb"` and its like; `"uyvy"`, `"yuyv"`, `"nv12"`, `"nv21"`,
            `"nv24"`; `"plain"` for numbers that are not said to be colours.
        lines: How many rows of numbers there are for two rows of pixels.
    """

    name: str
    code: str
    channels: int
    family: str
    lines: int = 2

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the numbers, in this machine's byte order."""
        import numpy as np

        return np.dtype(self.code)

    def shape(self, height: int, width: int) -> tuple[int, ...]:
        """Return the shape of the array of an image."""
        rows = height * self.lines // 2
        return (rows, width) if self.channels == 1 else (rows, width, self.channels)

    def height(self, rows: int) -> int | None:
        """Return the image's height for an array's rows; None where none fits."""
        height, rest = divmod(rows * 2, self.lines)
        return None if rest else height

    def row_bytes(self, width: int) -> int:
        """Return how many bytes a row of numbers has, without padding."""
        return width * self.channels * self.dtype.itemsize


def _table() -> dict[str, Encoding]:
    found = [
        Encoding(f"{family}{bits}", f"u{bits // 8}", channels, family)
        for family, channels in (
            ("mono", 1),
            ("rgb", 3),
            ("bgr", 3),
            ("rgba", 4),
            ("bgra", 4),
        )
        for bits in (8, 16)
    ]
    found += [
        Encoding(f"bayer_{order}{bits}", f"u{bits // 8}", 1, f"bayer_{order}")
        for order in ("rggb", "bggr", "gbrg", "grbg")
        for bits in (8, 16)
    ]
    found += [
        Encoding(f"{kind}C{channels}", code, channels, "plain")
        for kind, code in _CODES.items()
        for channels in (1, 2, 3, 4)
    ]
    found += [
        Encoding("uyvy", "u1", 2, "uyvy"),
        Encoding("yuv422", "u1", 2, "uyvy"),
        Encoding("yuyv", "u1", 2, "yuyv"),
        Encoding("yuv422_yuy2", "u1", 2, "yuyv"),
        Encoding("nv12", "u1", 1, "nv12", lines=3),
        Encoding("nv21", "u1", 1, "nv21", lines=3),
        Encoding("nv24", "u1", 1, "nv24", lines=6),
    ]
    return {item.name: item for item in found}


ENCODINGS: Mapping[str, Encoding] = _table()
"""All that have a name of their own; `32FC7` and its like are found as well."""

_COLOURS: Mapping[tuple[str, int], str] = {
    ("u1", 1): "mono8",
    ("u1", 3): "rgb8",
    ("u1", 4): "rgba8",
    ("u2", 3): "rgb16",
    ("u2", 4): "rgba16",
}


def encoding_of(name: str) -> Encoding:
    """Return an encoding by its name.

    Raises:
        ValueError: There is none of that name.
    """
    if name in ENCODINGS:
        return ENCODINGS[name]
    match = _ABSTRACT.fullmatch(name)
    if match and match[1] + match[2] in _CODES:
        channels = int(match[3] or 1)
        if 1 <= channels <= _MOST_CHANNELS:
            return Encoding(name, _CODES[match[1] + match[2]], channels, "plain")
    near = nearest(str(name), ENCODINGS)
    cure = f" Did you mean {near!r}?" if near else ""
    raise ValueError(
        f"the encoding {name!r:.80} is none of sensor_msgs/image_encodings: "
        f"{', '.join(item for item in ENCODINGS if 'C' not in item)}, or a type such "
        f"as 16UC1 or 32FC3.{cure}"
    )


def default_encoding(value: np.ndarray[Any, Any]) -> str | None:
    """Return the encoding of an array of which none is said; None where it has none."""
    if value.ndim not in (2, 3) or (value.ndim == 3 and not value.shape[2]):
        return None
    channels = value.shape[2] if value.ndim == 3 else 1
    code = f"{value.dtype.kind}{value.dtype.itemsize}"
    if (code, channels) in _COLOURS:
        return _COLOURS[code, channels]
    kinds = [kind for kind, known in _CODES.items() if known == code]
    if not kinds or channels > _MOST_CHANNELS:
        return None
    return f"{kinds[0]}C{channels}"


def is_default(encoding: Encoding) -> bool:
    """Say whether its arrays mean the same where no encoding is said of them."""
    return encoding.family in ("mono", "rgb", "rgba", "plain")
