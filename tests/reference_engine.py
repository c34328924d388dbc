"""The thinnest engine over several processes: `multiprocessing`, pipes between them.

Everything that makes a run lossless, ordered and the same as on one process is the
core's; what is here starts processes and moves bytes.
"""

from __future__ import annotations

import multiprocessing
import queue
import secrets
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from like_keras_core.engine import Engine
from like_keras_core.errors import EngineOptionError, LaunchTimeoutError
from like_keras_core.report import RunReport
from like_keras_core.runtime.conductor import Conductor
from like_keras_core.runtime.control import LineLostError, Switchboard, call
from like_keras_core.runtime.member import Member
from like_keras_core.runtime.run_options import RunOptions
from like_keras_core.runtime.stop import StopSignal, stop_on_interrupt, time_limit
from like_keras_core.runtime.tap import Tap
from like_keras_core.spec import HasSpec, SystemSpec, as_spec

JOIN_S = 5.0


class PipeTransport:
    """A pipe to each other node, with a thread to read and one to write."""

    def __init__(self, pipes: Mapping[str, Connection]) -> None:
        self.pipes = pipes
        self.queues: dict[str, queue.SimpleQueue[bytes]] = {
            node: queue.SimpleQueue() for node in pipes
        }

    def start(self, arrived: Callable[[bytes], object]) -> None:
        for node, pipe in self.pipes.items():
            for target, arguments in (
                (self._read, (pipe, arrived)),
                (self._write, (pipe, self.queues[node])),
            ):
                threading.Thread(target=target, args=arguments, daemon=True).start()

    def send(self, node: str, frame: Sequence[bytes | bytearray | memoryview]) -> None:
        self.queues[node].put(b"".join(frame))

    @staticmethod
    def _read(pipe: Connection, arrived: Callable[[bytes], object]) -> None:
        try:
            while True:
                arrived(pipe.recv_bytes())
        except (EOFError, OSError):
            return

    @staticmethod
    def _write(pipe: Connection, frames: queue.SimpleQueue[bytes]) -> None:
        try:
            while True:
                pipe.send_bytes(frames.get())
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
        rate_hz: float | None = None,
        record: Sequence[str] | str = (),
        taps: Iterable[Tap] = (),
        check_values: bool = False,
        timeout_s: float | None = None,
        seed: int = 0,
        window: int | None = None,
        run_ahead: int = 256,
        heartbeat_s: float = 3.0,
        stop: StopSignal | None = None,
        progress: Callable[[int], object] | None = None,
        started: Callable[[Mapping[str, int]], object] | None = None,
        **options: Any,
    ) -> RunReport:
        if options:
            raise EngineOptionError(self.name, options, ["started"])
        spec = as_spec(system)
        stop = stop or StopSignal()
        token = secrets.token_hex(16)
        switchboard = Switchboard(token, heartbeat_s)
        run_options = RunOptions.of_launch(
            spec,
            rate_hz=rate_hz,
            record=record,
            taps=taps,
            check_values=check_values,
            seed=seed,
            window=window,
            run_ahead=run_ahead,
        )
        context: Any = multiprocessing.get_context(self.start_method)
        if self.start_method == "forkserver":
            context.set_forkserver_preload(list(self.preload))
        nodes = [node.name for node in spec.nodes]
        pipes: dict[str, dict[str, Any]] = {node: {} for node in nodes}
        for n, one in enumerate(nodes):
            for other in nodes[n + 1 :]:
                pipes[one][other], pipes[other][one] = context.Pipe()
        processes = {
            node: context.Process(
                target=run_node,
                args=(
                    spec.to_json(),
                    node,
                    switchboard.address,
                    token,
                    pipes[node],
                    list(sys.path),
                ),
                daemon=True,
            )
            for node in nodes
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
            if started is not None:
                started({node: process.pid or 0 for node, process in processes.items()})
            with stop_on_interrupt(stop), time_limit(stop, timeout_s):
                conductor = Conductor(
                    spec,
                    switchboard,
                    engine=self.name,
                    stop=stop,
                    options=run_options,
                    lost=lost,
                    progress=progress,
                )
                report = conductor.run(iterations)
        finally:
            switchboard.close()
            for process in processes.values():
                if process.pid is not None:
                    process.join(JOIN_S)
                    process.kill()
                    process.join()
                    process.close()
        if report.ended_by == "timeout" and timeout_s is not None:
            raise LaunchTimeoutError(timeout_s, report)
        return report
