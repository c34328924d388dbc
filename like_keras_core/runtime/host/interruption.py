"""Getting a component's code out of what it is in, by a signal to the main thread.

A signal ends a sleep, the wait for a lock, a blocking read and a loop of byte code; its
handler then raises. It does not end native code that never returns to Python.

It is SIGURG, by which Go interrupts its threads: nothing else sends it, and where it
is not handled nothing happens.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from like_keras_core.runtime.failure import HungComponent

SIGNAL = signal.SIGURG

STARTING = ("on_configure", "on_activate")
"""Hooks that a stop interrupts soon: nobody waits for a model that is not needed."""

START_GRACE_S = 1.0
"""How long such a one may still take, if `stop_grace_s` is not less [s]."""


class Interrupter:
    """Raises an exception in the main thread, while that is in a component's code.

    Args:
        is_inside: Says of a stack, by its innermost frame, whether it is there.
        release: Ends, with the error, the wait of the main thread for another one that
            is there; says whether it waited.
    """

    def __init__(
        self,
        is_inside: Callable[[FrameType | None], bool],
        release: Callable[[HungComponent], bool] = lambda error: False,
    ) -> None:
        self._is_inside = is_inside
        self._release = release
        # What to raise, once; None at other times.
        self._wanted: BaseException | None = None
        self._is_installed = False

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Be able to interrupt; only where the main thread calls this."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(SIGNAL, self._handle)
        self._is_installed = True
        try:
            yield
        finally:
            self._is_installed = False
            signal.signal(SIGNAL, before)

    def interrupt(self, error: BaseException) -> bool:
        """Raise an error in the main thread, or where it waits for; from another one.

        Returns:
            Whether it was tried; the error comes as soon as Python runs there.
        """
        if isinstance(error, HungComponent) and self._release(error):
            return True
        if not self._is_installed:
            return False
        self._wanted = error
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, SIGNAL)
        return True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        wanted, self._wanted = self._wanted, None
        if wanted is not None and self._is_inside(frame):
            raise wanted
