"""What is still to be written of a recording, and the thread that writes it.

A large array is on its way to its readers when it is recorded, and to copy it in that
moment would cost it the processor and the memory that it needs itself. So it waits for
a moment, and a thread copies and writes it; what comes after it waits behind it.
Without large arrays there is no thread, and everything is written at once.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lk_record_mcap.format import Encoder, Form

LARGE_BYTES = 1 << 21
"""From this size on an array waits; below it, the thread costs more than the copy."""

DELAY_S = 0.005
"""For how long: a frame of 6 MB is with a reader in another process after 2 ms."""

LIMIT_BYTES = 1 << 27
"""So much may wait for the disk; then the run waits, too."""


@dataclass(slots=True, eq=False)
class Entry:
    """A value to be written.

    Args:
        encoder: Its port's.
        order: The place of its component in the execution order.
        tick: Its tick.
        stamp_ns: When it was sent, since the epoch [ns].
        value: The value, until it is encoded.
        due: When it may be encoded, by `time.monotonic` [s].
        size: What it counts for while it waits [byte].
        message: What is written.
    """

    encoder: Encoder
    order: int
    tick: int
    stamp_ns: int
    value: Any
    due: float = 0.0
    size: int = 0
    message: tuple[Form, bytes] | None = None

    def encode(self) -> tuple[Form, bytes]:
        """Encode the value, and let go of it."""
        if self.message is None:
            message = self.encoder.encode(self.tick, self.value, self.stamp_ns)
            self.message, self.value = message, None
        return self.message


def is_large(value: Any) -> bool:
    """Say whether a value is an array worth a thread, and sure to be encoded."""
    numpy = sys.modules.get("numpy")
    return (
        numpy is not None
        and type(value) is numpy.ndarray
        and value.nbytes >= LARGE_BYTES
        and value.dtype.kind in "biufc"
    )


class Backlog:
    """Entries, written in the order in which they are added.

    What writing fails with is raised by the next call, and by each one after that.

    Args:
        write: Writes an entry; never called twice at once.
    """

    def __init__(self, write: Callable[[Entry], object]) -> None:
        self._write = write
        self._changed = threading.Condition(threading.Lock())
        self._waiting: deque[Entry] = deque()
        self._bytes = 0
        self._loose = 0
        self._is_writing = False
        self._is_closing = False
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_idle(self) -> bool:
        """Whether there is no thread, so that any thread may write."""
        return self._thread is None

    def add(self, entry: Entry) -> None:
        """Write an entry, now or soon; its array may change after `settle`.

        Raises:
            Exception: An entry could not be encoded or written.
        """
        large = is_large(entry.value)
        with self._changed:
            self._check()
            if not (large or self._waiting or self._is_writing):
                self._write(entry)
                return
            while self._bytes > LIMIT_BYTES:
                self._changed.wait()
                self._check()
            if large:
                entry.due = time.monotonic() + DELAY_S
                entry.size = entry.value.nbytes
                self._loose += 1
            else:
                entry.size = len(entry.encode()[1])
            self._waiting.append(entry)
            self._bytes += entry.size
            self._changed.notify_all()
        if self._thread is None:
            # A daemon, for a process that ends without closing has to end.
            self._thread = threading.Thread(
                target=self._run, name="lk-record", daemon=True
            )
            self._thread.start()

    def settle(self) -> None:
        """Refer to no array any more: its producer may use the memory again.

        Raises:
            Exception: An entry could not be encoded or written.
        """
        if not self._loose:
            return
        with self._changed:
            for entry in self._waiting:
                if entry.message is None:
                    entry.encode()
                    self._loose -= 1
            while self._loose:
                self._changed.wait()
            self._check()

    def drain(self) -> None:
        """Return when all of it is written.

        Raises:
            Exception: An entry could not be encoded or written.
        """
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        with self._changed:
            self._is_closing = False
            self._check()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while (entry := self._next()) is not None:
                if entry.message is None:
                    entry.encode()
                    with self._changed:
                        self._loose -= 1
                        self._changed.notify_all()
                self._write(entry)
                with self._changed:
                    self._is_writing = False
                    self._bytes -= entry.size
                    self._changed.notify_all()
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            with self._changed:
                self._error, self._loose = error, 0
                self._waiting.clear()
                self._changed.notify_all()

    def _next(self) -> Entry | None:
        """Wait for an entry whose time has come; there is none when all is over."""
        with self._changed:
            while self._waiting or not self._is_closing:
                pause = None
                if self._waiting:
                    entry = self._waiting[0]
                    pause = entry.due - time.monotonic()
                    if pause <= 0 or self._is_closing or entry.message is not None:
                        self._is_writing = True
                        return self._waiting.popleft()
                self._changed.wait(pause)
        return None
