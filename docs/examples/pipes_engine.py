"""Runs each node in a process of its own, with a pipe between each two of them."""

from __future__ import annotations

import multiprocessing
import queue
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from like_keras_core import Engine, RunReport, SystemSpec, as_spec
from like_keras_core.runtime.control.connection import (
    ControlConnectionLostError,
    connect,
)
from like_keras_core.runtime.control.run_options import RunOptions
from like_keras_core.runtime.control.server import ControlServer
from like_keras_core.runtime.process.node_process import NodeProcess
from like_keras_core.runtime.stop import (
    StopSignal,
    in_time,
    stop_on_interrupt,
    time_limit,
)
from like_keras_core.runtime.supervision.supervisor import Supervisor
from like_keras_core.spec import HasSpec

JOIN_S = 5.0
"""How long a process may take to exit when its run is over [s]."""


class PipeTransport:
    """Frames to the other nodes: for each a pipe, a thread to read and one to write.

    Args:
        pipes: This node's end of each pipe, by the other node.
    """

    def __init__(self, pipes: Mapping[str, Connection]) -> None:
        self.pipes = pipes
        self.queues: dict[str, queue.SimpleQueue[Any]] = {
            node: queue.SimpleQueue() for node in pipes
        }

    def start(self, arrived: Callable[[bytes | memoryview], object]) -> None:
        """Hand each frame that comes to `arrived`, from now on."""
        for node, pipe in self.pipes.items():
            threading.Thread(
                target=self.read, args=(pipe, arrived), daemon=True
            ).start()
            threading.Thread(
                target=self.write, args=(pipe, self.queues[node]), daemon=True
            ).start()

    def send(self, node: str, frame: Sequence[bytes | bytearray | memoryview]) -> None:
        """Take a frame for another node; the caller may go on and change its memory."""
        self.queues[node].put(b"".join(frame))

    def read(self, pipe: Connection, arrived: Callable[[Any], object]) -> None:
        """Read until the other process closes the pipe."""
        try:
            while True:
                arrived(pipe.recv_bytes())
        except (EOFError, OSError):
            return

    def write(self, pipe: Connection, frames: queue.SimpleQueue[Any]) -> None:
        """Write until the other process is gone; the core finds out by itself."""
        try:
            while True:
                pipe.send_bytes(frames.get())
        except OSError:
            return


def run_node(
    transport: type[PipeTransport],
    spec: str,
    node: str,
    address: tuple[str, int],
    token: str,
    pipes: Mapping[str, Connection],
    path: Sequence[str],
) -> None:
    """Be the process of a node: build its components, and serve until the end."""
    sys.path[:] = path
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The launching process sees to it.
    try:
        line = connect(address, token)
    except ControlConnectionLostError:
        return  # The launch is over.
    system = SystemSpec.from_json(spec)
    folders = [Path(entry) for entry in path]
    NodeProcess(system, node, line, transport(pipes), folders).serve()


def pipes_between(nodes: Sequence[str]) -> dict[str, dict[str, Connection]]:
    """Return a pipe between each two nodes: its ends, by node and other node."""
    pipes: dict[str, dict[str, Any]] = {node: {} for node in nodes}
    for n, one in enumerate(nodes):
        for other in nodes[n + 1 :]:
            pipes[one][other], pipes[other][one] = multiprocessing.Pipe()
    return pipes


class PipesEngine(Engine):
    """Runs each node of a system in a process of its own, on this machine."""

    name = "pipes"
    capabilities = frozenset(
        {"delay", "hold", "latest", "every", "rate", "record", "multi-process"}
    )
    start_method = "spawn"
    transport: type[PipeTransport] = PipeTransport

    def validate(self, system: HasSpec | SystemSpec) -> tuple[bool, list[str]]:
        """Say whether this engine can run a system, and every reason why not."""
        reasons = [
            f"Node {node.name!r} has the option {option!r}; {self.name!r} has no "
            "options of nodes. Leave it out."
            for node in as_spec(system).nodes
            for option in node.options
        ]
        return not reasons, reasons

    def compile(
        self, system: HasSpec | SystemSpec, build_dir: Path | None = None
    ) -> Path | None:
        """Write the system as JSON, below `build_dir`; return the file."""
        folder = build_dir or Path(".lk_build") / self.name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "system.json"
        path.write_text(as_spec(system).to_json(), encoding="utf-8")
        return path

    def launch(
        self,
        system: HasSpec | SystemSpec,
        config_path: Path | None = None,
        *,
        iterations: int | None = None,
        timeout_s: float | None = None,
        stop: StopSignal | None = None,
        progress: Callable[[int], object] | None = None,
        heartbeat_s: float = 3.0,
        started: Callable[[Mapping[str, int]], object] = lambda pids: None,
        **options: Any,
    ) -> RunReport:
        """Run a system to its end, and leave no process behind.

        Args:
            system: What to run, live or as a spec.
            config_path: What `compile` returned. Nothing in it is needed here.
            iterations: How many ticks; None until stopped.
            timeout_s: Stop after this time [s].
            stop: Asks the run to end, when somebody calls it.
            progress: Called with the number of ticks done, now and then.
            heartbeat_s: How long a process may be silent [s].
            started: Called with the id of each node's process.
            **options: The others that every launch has; see `RunOptions.of_launch`.
        """
        spec = as_spec(system)
        told = RunOptions.of_launch(spec, engine=self.name, own=["started"], **options)
        stop = stop or StopSignal()
        token = secrets.token_hex(16)
        switchboard = ControlServer(token, heartbeat_s)
        context: Any = multiprocessing.get_context(self.start_method)
        pipes = pipes_between([node.name for node in spec.nodes])
        home = switchboard.address, token
        processes = {
            node: context.Process(
                target=run_node,
                args=(
                    self.transport,
                    spec.to_json(),
                    node,
                    *home,
                    ends,
                    list(sys.path),
                ),
                daemon=True,
            )
            for node, ends in pipes.items()
        }

        def lost() -> dict[str, str]:
            return {
                node: f"it ended with exit code {process.exitcode}"
                for node, process in processes.items()
                if process.exitcode is not None
            }

        try:
            with stop_on_interrupt(stop), time_limit(stop, timeout_s):
                for node, process in processes.items():
                    process.start()
                    for end in pipes[node].values():
                        end.close()  # The process has its own.
                started({node: process.pid for node, process in processes.items()})
                report = Supervisor(
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
