"""Runs each node in a process of its own, with a Unix socket between each two."""

from __future__ import annotations

import queue
import secrets
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Client, Connection, Listener

from like_keras_core.engine_kit import Arrived, FrameParts, ProcessEngine


class PipeTransport:
    """Frames to the other nodes: for each a pipe out, and a pipe in."""

    def __init__(self) -> None:
        self.queues: dict[str, queue.SimpleQueue[bytes]] = {}
        # A name without a file, so that nothing is left by whatever ends the process.
        self.name, self.key = f"\0lk-{secrets.token_hex(8)}", secrets.token_hex(16)
        self.listener = Listener(self.name, "AF_UNIX", 64, self.key.encode())

    def bind(self) -> str:
        """Return where the others reach this process, and what they prove it with."""
        return f"{self.name} {self.key}"

    def start(self, arrived: Arrived, peers: Mapping[str, str]) -> None:
        """Hand each frame that comes to `arrived`, from now on."""
        thread(self.accept, arrived)
        for node, endpoint in peers.items():
            name, key = endpoint.split(" ")
            self.queues[node] = queue.SimpleQueue()
            thread(self.write, Client(name, authkey=key.encode()), self.queues[node])

    def send(self, node: str, frame: FrameParts) -> None:
        """Take a frame for another node; the caller may go on and change its memory."""
        self.queues[node].put(b"".join(frame))

    def close(self) -> None:
        """Listen no more; the pipes end with the process."""
        self.listener.close()

    def accept(self, arrived: Arrived) -> None:
        """Read from every process that connects."""
        while True:
            try:
                thread(self.read, self.listener.accept(), arrived)
            except OSError:
                return  # It was closed.

    def read(self, pipe: Connection, arrived: Arrived) -> None:
        """Read until the other process closes the pipe."""
        try:
            while True:
                arrived(pipe.recv_bytes())
        except (EOFError, OSError):
            return

    def write(self, pipe: Connection, frames: queue.SimpleQueue[bytes]) -> None:
        """Write until the other process is gone; the core finds out by itself."""
        try:
            while True:
                pipe.send_bytes(frames.get())
        except OSError:
            return


class PipesEngine(ProcessEngine):
    """Runs each node of a system in a process of its own, on this machine."""

    name = "pipes"
    capabilities = frozenset(
        {
            "delay",
            "hold",
            "latest",
            "every",
            "takes",
            "rate",
            "late",
            "record",
            "multi-process",
        }
    )
    transport = PipeTransport


def thread(function: Callable[..., object], *args: object) -> None:
    """Call a function in a thread that ends with the process."""
    threading.Thread(target=function, args=args, daemon=True).start()
