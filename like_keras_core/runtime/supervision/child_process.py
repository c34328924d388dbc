"""A process that the launcher starts, in a session of its own, and what it prints."""

from __future__ import annotations

import os
import select
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from like_keras_core.runtime.supervision.os_sessions import (
    end_sessions,
    exit_code,
    kill,
)

_LAST_WORDS_S = 2.0
"""How long the last of what a process printed may take to arrive [s]."""

_LOOK_S = 0.5
"""How often the reader looks whether it shall end [s], where nothing is printed."""

_PART = 1 << 16
_LONGEST = 1 << 20
"""A longer line is taken in parts [byte]."""


class ChildProcess:
    """Runs a command, and reads in a thread what it prints.

    It is the leader of a session: a Ctrl-C in the terminal does not reach it, and what
    it starts itself ends with it.

    Args:
        command: The command, in words.
        take: Called with each line that it prints, on either stream.
        environment: All of its environment; this process's when omitted.
        folder: Where it runs; here when omitted.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        take: Callable[[str], object],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self._take = take
        self._process = subprocess.Popen(
            list(command),
            cwd=folder,
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.pid = self._process.pid
        #: Set when nothing more of it is wanted, though something may still hold its
        #: output open: what it has started and left behind, in a session of its own.
        self._is_closing = False
        self._reader = threading.Thread(target=self._read, name="child", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stdout:
            number = stdout.fileno()
            ready = select.poll()
            ready.register(number, select.POLLIN)
            begun = b""
            while True:
                if not ready.poll(_LOOK_S * 1000):
                    if self._is_closing:
                        break
                    continue
                part = os.read(number, _PART)
                *lines, begun = (begun + part).split(b"\n")
                if not part:
                    break
                if len(begun) > _LONGEST:
                    lines, begun = [*lines, begun], b""
                for line in lines:
                    self._take(line.decode(errors="replace"))
            if begun:
                self._take(begun.decode(errors="replace"))

    def exit_code(self) -> int | None:
        """Return the exit code, as `subprocess` has it; None while it lives.

        The process is not waited for, so that its number is not reused.
        """
        return exit_code(self.pid)

    def signal(self, number: int) -> None:
        """Send it a signal, if it still lives."""
        if self.exit_code() is None:
            kill(self.pid, number)

    def read_out(self) -> None:
        """Wait until all that it has printed was taken, though not for long."""
        self._reader.join(_LAST_WORDS_S)

    def end(
        self, leave_s: float = 0.0, is_hurried: Callable[[], bool] = lambda: False
    ) -> None:
        """Let its session end, and kill what still lives of it.

        Nothing of it is left when this returns.

        Args:
            leave_s: How long it may take [s].
            is_hurried: Whether it has had time enough.
        """
        try:
            end_sessions([self.pid], leave_s, is_hurried=is_hurried)
        finally:
            kill(self.pid)
            self.close()

    def close(self) -> None:
        """Take the last that it printed, and wait for it; its session has ended."""
        self.read_out()
        self._process.wait()
        self._is_closing = True
        self._reader.join(2 * _LOOK_S)
