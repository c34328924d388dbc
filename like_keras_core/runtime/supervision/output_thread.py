"""What a launch shows while it runs: written by a thread, so that nobody waits for it.

A terminal may be halted (Ctrl-S, a stalled SSH), a pipe full or gone, a disk full. What
reads from the nodes, and what takes them through the run, goes on all the same.
"""

from __future__ import annotations

import io
import logging
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

LIMIT = 1 << 22
"""So many characters may wait to be shown; what comes then is dropped, and counted."""

_PATIENCE_S = 1.0
"""So long the end of a launch waits for a line to be shown [s]."""

_LOG = logging.getLogger("like_keras")


class OutputThread:
    """Calls, in a thread and in order, what may have to wait for who reads.

    Args:
        dropped: Says that so many lines could not be shown; what it returns is logged.
    """

    def __init__(self, dropped: Callable[[int], str]) -> None:
        self._dropped_text = dropped
        #: Held for all below; notified when something was added, shown or closed.
        self._changed = threading.Condition()
        #: What is to be shown, with its size, and the sum of the sizes.
        self._waiting: deque[tuple[Callable[[], object], int]] = deque()
        self._size = 0
        #: How many were dropped and not spoken of yet.
        self._dropped = 0
        #: How many were shown; the end waits as long as it grows.
        self._shown = 0
        self._is_busy = False
        self._is_closed = False
        #: The problems that were warned of already.
        self._warned: set[str] = set()
        self._thread: threading.Thread | None = None

    def put(self, show: Callable[[], object], size: int) -> None:
        """Have something called soon; drop it if too much waits. From any thread.

        Args:
            show: Shows it.
            size: What it counts for while it waits [character].
        """
        with self._changed:
            if self._is_closed or self._size > LIMIT:
                self._dropped += 1
            else:
                self._add(show, size)

    def warn(self, what: str, problem: object) -> None:
        """Log a problem, the first time that there is one with this.

        Args:
            what: What cannot be done, as a sentence begins: `"FILE cannot be written"`.
            problem: Why.
        """
        with self._changed:
            if what not in self._warned and not self._is_closed:
                self._warned.add(what)
                self._add(lambda: _LOG.warning("%s: %s", what, problem), 0)

    def _add(self, show: Callable[[], object], size: int) -> None:
        self._waiting.append((show, size))
        self._size += size
        self._changed.notify_all()
        if self._thread is None:
            # A daemon: it may wait for ever, and the program ends all the same.
            self._thread = threading.Thread(
                target=self._run, name="lk-output", daemon=True
            )
            self._thread.start()

    def _run(self) -> None:
        while (show := self._next()) is not None:
            with suppress(Exception):
                show()
            with self._changed:
                self._is_busy = False
                self._shown += 1
                self._changed.notify_all()

    def _next(self) -> Callable[[], object] | None:
        with self._changed:
            while not self._waiting:
                if self._dropped:
                    count, self._dropped = self._dropped, 0
                    self._is_busy = True
                    return lambda: _LOG.warning("%s", self._dropped_text(count))
                if self._is_closed:
                    return None
                self._changed.wait()
            self._is_busy = True
            show, size = self._waiting.popleft()
            self._size -= size
            return show

    def close(self) -> None:
        """Show what waits, as long as it is taken; then show nothing more."""
        with self._changed:
            shown = -1
            while (self._waiting or self._is_busy) and self._shown != shown:
                shown = self._shown
                self._changed.wait(_PATIENCE_S)
            self._is_closed = True
            self._waiting.clear()
            self._changed.notify_all()


def write_to(stream: TextIO | None, text: str) -> None:
    """Write to a stream such as `sys.stdout`, holding no lock while it waits.

    A thread that waits inside of the stream would hold up the end of the program.

    Args:
        stream: The stream; None, as in a program without stdout, takes nothing.
        text: The text.

    Raises:
        OSError: It cannot be written.
        ValueError: The stream is closed.
    """
    if stream is None:
        return
    if type(stream) is not io.TextIOWrapper:
        stream.write(text)
        stream.flush()
        return
    number = stream.fileno()
    data = memoryview(text.encode(stream.encoding, "replace"))
    ready = select.poll()
    ready.register(number, select.POLLOUT)
    ready.poll()
    stream.flush()
    while data:
        try:
            data = data[os.write(number, data[: select.PIPE_BUF]) :]
        except BlockingIOError:
            ready.poll()
