"""Tags by which the other end of a channel tells its frames from those of strangers.

What carries frames may be open to others on the same machine or network: they may read
frames, and send some. So a frame ends with a tag that only the two ends of its channel
can make. A frame with a wrong tag is dropped and counted; it never ends a run. What is
sent once more by somebody who has read it does nothing, since frames that come twice
do nothing.

A tag covers the whole of a small frame. Of a large one it covers the header and the
length: to hash all of it would take longer than to send it. So whoever reads a large
frame before it arrives, and is faster, can put another payload in the place of its own.

References:
    Aumasson et al., *BLAKE2*, RFC 7693: a keyed hash, with a tag of 128 bits.
"""

from __future__ import annotations

import hashlib
import hmac
import struct

from like_keras_core.runtime.flow.wire_format import HEADER_SIZE, Frame

TAG_SIZE = 16
"""What a frame is longer by on its way [byte]."""

BARE_SIZE: int = HEADER_SIZE + TAG_SIZE
"""The length of a frame that has nothing but a header and its tag, such as a bare
acknowledgement [byte]."""

_WHOLE = 1024
"""Up to this size the tag covers every byte of a frame [byte]."""

_SIZE = struct.Struct("<Q")
_PERSON = b"lk-frame-tag"


class FrameTagger:
    """Makes and checks the tags of one channel's frames.

    Args:
        key: What both ends of the channel know, and nobody else.
    """

    __slots__ = ("_fresh",)

    def __init__(self, key: str) -> None:
        secret = hashlib.blake2b(key.encode(), digest_size=32).digest()
        self._fresh = hashlib.blake2b(
            key=secret, digest_size=TAG_SIZE, person=_PERSON
        ).copy

    def tagged(self, frame: Frame) -> Frame:
        """Return a frame with its tag; its parts are not copied."""
        size = sum(map(len, frame))
        made = self._fresh()
        if size > _WHOLE:
            made.update(_SIZE.pack(size) + frame[0][:HEADER_SIZE])
        else:
            for part in frame:
                made.update(part)
        return [*frame, made.digest()]

    def checked(self, frame: bytes | memoryview) -> bytes | memoryview | None:
        """Return a joined frame without its tag; None if that is not right."""
        body, size = frame[:-TAG_SIZE], len(frame) - TAG_SIZE
        made = self._fresh()
        if size > _WHOLE:
            made.update(_SIZE.pack(size))
            made.update(body[:HEADER_SIZE])
        else:
            made.update(body)
        is_right = hmac.compare_digest(made.digest(), frame[-TAG_SIZE:])
        return body if is_right else None
