"""Tags of frames: what passes, what does not, and what of a large frame is covered."""

import os

import pytest

from like_keras_core.runtime.flow.frame_tags import (
    BARE_SIZE,
    TAG_SIZE,
    FrameTagger,
)
from like_keras_core.runtime.flow.wire_format import HEADER_SIZE

SIZES = [HEADER_SIZE, 41, 300, 1023, 1024, 1025, 5000, 100_000]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cut", [1, 40, 255, 256, 257, 3000])
def test_a_frame_is_known_however_it_was_cut(size: int, cut: int) -> None:
    """The sender has it in parts, the receiver as one."""
    whole = os.urandom(size)
    head, payload = whole[:HEADER_SIZE], whole[HEADER_SIZE:]
    parts = [payload[n : n + cut] for n in range(0, len(payload), cut)]

    sent = FrameTagger("k").tagged([head, b"", *parts])
    joined = b"".join(sent)

    assert len(joined) == size + TAG_SIZE
    assert FrameTagger("k").checked(joined) == whole
    assert FrameTagger("k").checked(memoryview(joined)) == whole
    assert FrameTagger("other").checked(joined) is None


def test_a_bare_frame_has_the_size_that_transports_know() -> None:
    """A header and its tag."""
    assert sum(map(len, FrameTagger("k").tagged([bytes(HEADER_SIZE)]))) == BARE_SIZE


@pytest.mark.parametrize("size", SIZES)
def test_what_is_covered_cannot_be_changed(size: int) -> None:
    """All of a small frame; of a large one its header, its length and the tag."""
    tagger = FrameTagger("k")
    joined = b"".join(tagger.tagged([os.urandom(size)]))
    covered = [*range(size + TAG_SIZE)]
    if size > 1024:
        covered = [*range(HEADER_SIZE), *range(size, size + TAG_SIZE)]
    for place in covered:
        forged = bytearray(joined)
        forged[place] ^= 1
        assert tagger.checked(bytes(forged)) is None

    assert tagger.checked(joined[:-1]) is None
    assert tagger.checked(joined + b"x") is None
    middle = joined[: size // 2] + joined[size // 2 + 8 :]
    assert tagger.checked(middle) is None


@pytest.mark.parametrize("frame", [b"", b"x", bytes(TAG_SIZE), bytes(100)])
def test_what_has_no_tag_is_refused(frame: bytes) -> None:
    """However short it is."""
    assert FrameTagger("k").checked(frame) is None
