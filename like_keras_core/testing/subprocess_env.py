"""Where the engine under test comes from, so that another process finds it too."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from like_keras_core.engine import Engine
from like_keras_core.runtime.stop_signals import SIGNALS
from like_keras_core.values.class_refs import entry_point_of


@contextmanager
def default_signals() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and SIGHUP have their effect, here and in what is started.

    What a shell starts with `&` ignores Ctrl-C, what `nohup` starts ignores SIGHUP, and
    so would every process that a test starts to send it one.
    """
    before = {
        number: signal.getsignal(number)
        for number in SIGNALS
        if signal.getsignal(number) is signal.SIG_IGN
    }
    for number in before:
        signal.signal(number, signal.SIG_DFL)
        if number == signal.SIGINT:
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def origin_of(engine: type[Engine]) -> str:
    """Return `"package.module:Class"` of an engine.

    Raises:
        NotSerializableError: Another process could not find the class.
    """
    return entry_point_of(engine, f"The engine {engine.__qualname__}")


def environment_of() -> dict[str, str]:
    """Return an environment whose Python imports what this one does."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
