"""The engine over several processes that tests run: the documentation builds it.

Everything that makes a run lossless, ordered and the same as on one process is the
core's. What is here is more than a page wants to show: large frames in memory that both
processes map, and processes that are forked from one that has imported everything.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from pipes_engine import (  # type: ignore[import-not-found]
    PipesEngine,
    PipeTransport,
)

from like_keras_core import RunReport, SystemSpec
from like_keras_core.spec import HasSpec

LARGE = 1 << 16


class MemoryTransport(PipeTransport):  # type: ignore[misc]
    """Large frames go through memory that has no name: whoever dies leaves nothing.

    Its file descriptor follows an empty message through the pipe.
    """

    def send(self, node: str, frame: Sequence[bytes | bytearray | memoryview]) -> None:
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
    preload: Sequence[str] = ()

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
        **options: Any,
    ) -> RunReport:
        if self.start_method == "forkserver":
            multiprocessing.set_forkserver_preload(list(self.preload))
        report: RunReport = super().launch(system, config_path, **options)
        return report
