"""Sends again what a port sent in a recorded run."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

from like_keras_core.component import Component
from like_keras_core.report import Choices
from lk_record_mcap.recording import Message, Recording

_open: dict[tuple[str, int, int], Reel] = {}
"""By recording, process and thread: a run's components fire in one thread."""


class Reel:
    """One pass through a recording that several playbacks of a process share.

    Args:
        recording: The recording.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.columns: dict[str, list[Column]] = {}
        self._messages: Iterator[Message] | None = None

    def read_past(self, tick: int, column: Column) -> None:
        """Read on until a column has all of its messages up to a tick."""
        if self._messages is None:
            self._messages = self.recording.messages(set(self.columns))
        while not column.is_over and column.until <= tick:
            message = next(self._messages, None)
            if message is None:
                for columns in self.columns.values():
                    for each in columns:
                        each.is_over = True
                return
            for columns in self.columns.values():
                for each in columns:
                    each.until = message.tick
            for each in self.columns[message.port]:
                each.add(message)


class Column:
    """The messages of one port that are read and not yet sent.

    Args:
        start: The first tick to send.
        is_held: Whether the newest value before it is sent in its place.
    """

    def __init__(self, start: int, is_held: bool) -> None:
        self.until = 0
        self.is_over = False
        self._start, self._is_held = start, is_held
        self._waiting: deque[tuple[int, Message]] = deque()

    def add(self, message: Message) -> None:
        """Keep a message until its tick."""
        if message.tick > self._start:
            self._waiting.append((message.tick, message))
        elif message.tick == self._start or self._is_held:
            self._waiting.clear()
            self._waiting.append((self._start, message))

    def newest(self, tick: int) -> Message | None:
        """Return the newest message up to a tick that was not returned yet."""
        found = None
        while self._waiting and self._waiting[0][0] <= tick:
            found = self._waiting.popleft()[1]
        return found

    def take(self, tick: int) -> Message | None:
        """Return the message of a tick; ticks only grow."""
        if self._waiting and self._waiting[0][0] == tick:
            return self._waiting.popleft()[1]
        return None


class Playback(Component):
    """Sends what a port sent in a recorded run, in place of its component.

    Args:
        path: The recording.
        port: The address of the port.
        start: The tick of the recording that is tick 0 here.
        is_held: Whether tick 0 has the newest value up to then; for inputs that hold.
        allow: Module prefixes that its values may import; None allows all.
        took: What the input took that it plays back for, as `Choices.took` has it:
            then each tick has what that took, and sends it when it is another value.
        is_delayed: Whether it is for an input after a delay, which has the value of the
            tick before.

    Outputs:
        output: The recorded value of the tick.
    """

    def __init__(
        self,
        path: str,
        port: str,
        start: int = 0,
        is_held: bool = False,
        allow: list[str] | None = None,
        took: list[list[int]] | None = None,
        is_delayed: bool = False,
    ) -> None:
        super().__init__()
        self.took, self.is_delayed = took, is_delayed
        self.path, self.port, self.start = path, port, start
        self.is_held = is_held
        self.allow = allow

    def on_configure(self) -> None:
        """Join the pass of this process through the recording."""
        key = self._key()
        if key not in _open:
            _open[key] = Reel(Recording(self.path, allow=self.allow))
        self.reel = _open[key]
        if self.took:
            choices = Choices.from_dict({"took": {self.port: self.took}})
            self.taken = choices.taken_by(self.port)
            self.column = Column(self._wanted(self.start), is_held=True)
        else:
            self.column = Column(self.start, self.is_held)
        self.reel.columns.setdefault(self.port, []).append(self.column)
        self.tick = self.start

    def on_shutdown(self) -> None:
        """Leave it; the next run makes its own."""
        _open.pop(self._key(), None)

    def forward(self) -> Any:
        """Return the recorded value, or nothing."""
        tick, self.tick = self.tick, self.tick + 1
        if self.took:
            tick = self._wanted(tick)
        self.reel.read_past(tick, self.column)
        message = self.column.newest(tick) if self.took else self.column.take(tick)
        if message is None:
            return None
        return self.reel.recording.value(message)

    def _wanted(self, tick: int) -> int:
        """Return the tick of the value that the input takes because of a tick."""
        took = self.taken(tick + self.is_delayed)
        return tick if took is None else min(tick, took)

    def _key(self) -> tuple[str, int, int]:
        return (self.path, os.getpid(), threading.get_ident())
