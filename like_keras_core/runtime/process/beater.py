"""Heartbeats that do not need Python's lock of the process that they are of.

A thread of the process beats, too. It stands still, though, while native code keeps the
lock: dora's `send` over a congested link, or what loads a large library. On its own
machine the launcher sees that such a process lives. From another one it cannot: there a
small process beats for the node, and stops where the node is halted or gone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from like_keras_core.node import is_local
from like_keras_core.runtime.control.connection import (
    HEARTBEAT_FRAME,
    HEARTBEATS,
    ControlConnectionLostError,
    connect,
)
from like_keras_core.runtime.control.protocol import Beats

_END_S = 1.0

_CODE = """
import os, select, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
node, line, life, every_ms = map(int, sys.argv[1:5])
beat = bytes.fromhex(sys.argv[5])
os.set_blocking(line, False)
ended = select.poll()
ended.register(life, select.POLLIN)
while not ended.poll(every_ms) and os.getppid() == node:
    with open(f"/proc/{node}/stat", "rb") as stat:
        state = stat.read().rpartition(b")")[2].split()[0]
    if state not in (b"T", b"t", b"Z", b"X"):
        try:
            os.write(line, beat)
        except BlockingIOError:
            pass
"""


@contextmanager
def beating(
    address: tuple[str, int], key: str, node: str, silence_s: float
) -> Iterator[None]:
    """Let a process of its own beat for this one, if the launcher is elsewhere.

    Args:
        address: Where the launcher listens.
        key: What both ends know.
        node: The node that this process runs.
        silence_s: How long it may be silent [s]; 0 is for ever.
    """
    if not silence_s or is_local(address[0]):
        yield
        return
    line = None
    # Where it cannot be had, a thread's beats have to do.
    with suppress(ControlConnectionLostError, OSError):
        line = connect(address, key, node)
        line.send(Beats(node))
    if line is None:
        yield
        return
    theirs, ours = os.pipe()
    every_ms = max(1, int(silence_s / HEARTBEATS * 1000))
    numbers = (os.getpid(), line.fileno(), theirs, every_ms)
    code = [sys.executable, "-I", "-S", "-c", _CODE]
    child = None
    try:
        with suppress(OSError):
            child = subprocess.Popen(
                [*code, *map(str, numbers), HEARTBEAT_FRAME.hex()],
                pass_fds=(line.fileno(), theirs),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # Nothing of the run's: it has a key in it.
                env={x: os.environ[x] for x in _LOADER if x in os.environ},
            )
        line.let_go()
        os.close(theirs)
        yield
    finally:
        os.close(ours)  # It ends at once.
        if child is not None:
            try:
                child.wait(_END_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


_LOADER = ("LD_LIBRARY_PATH", "PATH")
"""What a Python may need to start at all."""
