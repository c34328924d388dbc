"""Memory that is freed stays with the process, so that large values need no new pages.

The C library gives large blocks back to the system when they are freed, and takes new
ones for the next value. The system clears each page of those when it is first used,
which takes longer than filling it. A process that sends arrays has several of one size
at a time, again and again.
"""

from __future__ import annotations

from contextlib import suppress

LARGEST = 32 << 20
"""Blocks up to this size are kept; the C library allows no more [byte]."""

KEPT = 64 << 20
"""So much unused memory at most stays with the process [byte]."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def keep_freed_memory() -> None:
    """Let this process keep what it frees, where the C library is glibc."""
    import ctypes

    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, LARGEST)
        mallopt(_M_TRIM_THRESHOLD, KEPT)
