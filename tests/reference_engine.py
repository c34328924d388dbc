"""The thinnest engine over several processes: `multiprocessing`, pipes, shared memory.

Everything that makes a run lossless, ordered and the same as on one process is the
core's; what is here starts processes and moves bytes.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
import queue
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from pathlib import Path
from typing import Any

from like_keras_core.engine import Engine
from like_keras_core.report import RunReport
from like_keras_core.runtime.conductor import Conductor
from like_keras_core.runtime.control import LineLostError, Switchboard, call
from like_keras_core.runtime.member import Member
from like_keras_core.runtime.run_options import RunOptions
from like_keras_core.runtime.stop import (
    StopSignal,
    in_time,
    stop_on_interrupt,
    time_limit,
)
from like_keras_core.spec import HasSpec, SystemSpec, as_spec

JOIN_S = 5.0
LARGE = 1 << 16


class PipeTransport:
    """A pipe to each other node, with a thread to read and one to write.

    A large frame goes into memory that both processes map; its file descriptor follows
    an empty message through the pipe. It has no name: whoever dies leaves nothing.
    """

    def __init__(self, pipes: Mapping[str, Connection]) -> None:
        self.pipes = pipes
        self.queues: dict[str, queue.SimpleQueue[bytes | int]] = {
            node: queue.SimpleQueue() for node in pipes
        }

    def start(self, arrived: Callable[[bytes | memoryview], object]) -> None:
        for node, pipe in self.pipes.items():
            for target, arguments in (
                (self._read, (pipe, arrived)),
                (self._write, (pipe, self.queues[node])),
            ):
                threading.Thread(target=target, args=arguments, daemon=True).start()

    def send(self, node: str, frame: Sequence[bytes | bytearray | memoryview]) -> None:
        if sum(map(len, frame)) < LARGE:
            self.queues[node].put(b"".join(frame))
            return
        memory = os.memfd_create("frame")
        with os.fdopen(memory, "wb", closefd=False) as file:
            file.writelines(frame)
        self.queues[node].put(memory)

    @staticmethod
    def _read(pipe: Connection, arrived: Callable[[bytes | memoryview], Any]) -> None:
        try:
            while True:
                frame = pipe.recv_bytes()
                if frame:
                    arrived(frame)
                    continue
                memory = recv_handle(pipe)
                arrived(memoryview(mmap.mmap(memory, 0, prot=mmap.PROT_READ)))
                os.close(memory)
        except (EOFError, OSError):
            return

    @staticmethod
    def _write(pipe: Connection, frames: queue.SimpleQueue[bytes | int]) -> None:
        try:
            while True:
                frame = frames.get()
                if isinstance(frame, bytes):
                    pipe.send_bytes(frame)
                    continue
                pipe.send_bytes(b"")
                send_handle(pipe, frame, None)
                os.close(frame)
        except OSError:
            return


def run_node(
    spec: str,
    node: str,
    address: tuple[str, int],
    token: str,
    pipes: Mapping[str, Connection],
    path: Sequence[str],
) -> None:
    """Be the process of a node."""
    sys.path[:] = path
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The launching process sees to it.
    try:
        line = call(address, token)
    except LineLostError:
        return  # The launch is over.
    system = SystemSpec.from_json(spec)
    folders = [Path(entry) for entry in path]
    Member(system, node, line, PipeTransport(pipes), folders).serve()


class ReferenceEngine(Engine):
    """Runs each node in a process of its own."""

    name = "reference"
    start_method = "spawn"
    preload: Sequence[str] = ()
    capabilities = frozenset(
        {"delay", "hold", "latest", "every", "rate", "record", "multi-process"}
    )

    def validate(self, system: HasSpec | SystemSpec) -> tuple[bool, list[str]]:
        return True, []

    def compile(
        self, system: HasSpec | SystemSpec, build_dir: Path | None = None
    ) -> None:
        return None

    def launch(
        self,
        system: HasSpec | SystemSpec,
        config_path: Path | None = None,
        *,
        iterations: int | None = None,
        timeout_s: float | None = None,
        heartbeat_s: float = 3.0,
        stop: StopSignal | None = None,
        progress: Callable[[int], object] | None = None,
        started: Callable[[Mapping[str, int]], object] = lambda pids: None,
        **options: Any,
    ) -> RunReport:
        spec = as_spec(system)
        told = RunOptions.of_launch(spec, engine=self.name, own=["started"], **options)
        stop = stop or StopSignal()
        token = secrets.token_hex(16)
        switchboard = Switchboard(token, heartbeat_s)
        context: Any = multiprocessing.get_context(self.start_method)
        if self.start_method == "forkserver":
            context.set_forkserver_preload(list(self.preload))
        pipes = _pipes([node.name for node in spec.nodes])
        home = switchboard.address, token
        processes = {
            node: context.Process(
                target=run_node,
                args=(spec.to_json(), node, *home, pipes[node], list(sys.path)),
                daemon=True,
            )
            for node in pipes
        }

        def lost() -> dict[str, str]:
            return {
                node: f"it ended with exit code {process.exitcode}"
                for node, process in processes.items()
                if process.exitcode is not None
            }

        try:
            for process in processes.values():
                process.start()
            for ends in pipes.values():
                for end in ends.values():
                    end.close()
            started({node: process.pid or 0 for node, process in processes.items()})
            with stop_on_interrupt(stop), time_limit(stop, timeout_s):
                report = Conductor(
                    spec,
                    switchboard,
                    engine=self.name,
                    stop=stop,
                    options=told,
                    lost=lost,
                    progress=progress,
                ).run(iterations)
        finally:
            switchboard.close()
            for process in processes.values():
                if process.pid is not None:
                    process.join(JOIN_S)
                    process.kill()
                    process.join()
                    process.close()
        return in_time(report, timeout_s)


def _pipes(nodes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return a pipe between each two nodes, by node and other node."""
    pipes: dict[str, dict[str, Any]] = {node: {} for node in nodes}
    for n, one in enumerate(nodes):
        for other in nodes[n + 1 :]:
            pipes[one][other], pipes[other][one] = multiprocessing.Pipe()
    return pipes
