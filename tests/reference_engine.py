"""The engine over several processes that tests run: the documentation builds it.

Everything that makes a run lossless, ordered and the same as on one process is the
core's. What is here is more than a page wants to show: large frames in memory that both
processes map, and processes that are forked from one that has imported everything.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from pathlib import Path
from queue import SimpleQueue
from typing import Any, ClassVar

from pipes_engine import (  # type: ignore[import-not-found]
    PipesEngine,
    PipeTransport,
)

from like_keras_core.engine_kit import FrameParts
from like_keras_core.runtime.control.environment import Home
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.process.started import main, started_environment
from like_keras_core.runtime.supervision.os_sessions import exit_text
from like_keras_core.runtime.supervision.process_group import (
    NodeProcesses,
    ProcessGroup,
)
from like_keras_core.spec import SystemSpec

LARGE = 1 << 16
JOIN_S = 5.0
"""How long a forked process may take to exit when its run is over [s]."""


class MemoryTransport(PipeTransport):  # type: ignore[misc]
    """Large frames go through memory that has no name: whoever dies leaves nothing.

    Its file descriptor follows an empty message through the pipe.
    """

    def send(self, node: str, frame: FrameParts) -> None:
        if sum(map(len, frame)) < LARGE:
            super().send(node, frame)
            return
        memory = os.memfd_create("frame")
        with os.fdopen(memory, "wb", closefd=False) as file:
            file.writelines(frame)
        self.queues[node].put(memory)

    def read(self, pipe: Connection, arrived: Callable[[Any], object]) -> None:
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

    def write(self, pipe: Connection, frames: SimpleQueue[bytes | int]) -> None:
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


class ReferenceEngine(PipesEngine):  # type: ignore[misc]
    """Runs each node in a process of its own, whatever options a node has."""

    name = "reference"
    transport = MemoryTransport
    options: ClassVar[Mapping[str, str]] = {
        "started": "Called with the number of each node's process."
    }

    def issues(self, spec: SystemSpec, folder: Path) -> list[str]:
        return []

    def prepare(self, plan: RunPlan) -> RunPlan:
        return plan

    def start(self, plan: RunPlan, nodes: Sequence[str], home: Home) -> ProcessGroup:
        processes = super().start(plan, nodes, home)
        assert isinstance(processes, NodeProcesses)
        pids = {node: child.pid for node, child in processes.children.items()}
        plan.engine_options.get("started", lambda pids: None)(pids)
        return processes


class ForkedEngine(ReferenceEngine):
    """Starts processes from one that has imported everything."""

    preload = ("reference_engine", "tests.systems")

    def start(self, plan: RunPlan, nodes: Sequence[str], home: Home) -> ProcessGroup:
        multiprocessing.set_forkserver_preload(list(self.preload))
        group = ForkedProcesses()
        transport = f"reference_engine:{self.transport.__name__}"
        try:
            for node in nodes:
                own = started_environment(node, self.name, transport)
                group.start(node, {**home.environment(), **own})
        except BaseException:
            group.end(lambda: True)
            raise
        pids = {node: child.pid for node, child in group.children.items()}
        plan.engine_options.get("started", lambda pids: None)(pids)
        return group


class ForkedProcesses(ProcessGroup):
    """Processes that a server forks."""

    def __init__(self) -> None:
        self.children: dict[str, Any] = {}

    def start(self, node: str, environment: Mapping[str, str]) -> None:
        context = multiprocessing.get_context("forkserver")
        args = (dict(environment), list(sys.path))
        child = context.Process(target=run_node, args=args, daemon=True)
        self.children[node] = child
        child.start()

    def lost(self) -> dict[str, str]:
        return {
            node: exit_text(child.exitcode)
            for node, child in self.children.items()
            if child.exitcode is not None
        }

    def end(self, is_hurried: Callable[[], bool]) -> None:
        for child in self.children.values():
            if child.pid is not None:
                child.join(JOIN_S)
                child.kill()
                child.join()
                child.close()


def run_node(environment: Mapping[str, str], path: Sequence[str]) -> None:
    """Run the process of a node, in a process that was forked for it."""
    os.environ.update(environment)
    sys.path[:] = path
    sys.exit(main())
