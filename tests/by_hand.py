"""Be the process of a node that somebody starts by hand: `by_hand.py SPEC NODE DIR`.

Frames travel over Unix sockets in DIR, one for each node. When so many have come that
ticks must be running, there is a file `NODE.busy` too.
"""

import itertools
import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path

from like_keras_core.errors import LkError
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.process.main import serve_node
from like_keras_core.spec import SystemSpec

BUSY = 50
"""So many frames tell that values are under way [frames]."""


class SocketTransport:
    """A socket that the others send to, and a thread for each of them."""

    def __init__(self, folder: Path, node: str) -> None:
        self.folder = folder
        self.busy = folder / f"{node}.busy"
        self.listener = Listener(str(folder / f"{node}.sock"), "AF_UNIX", backlog=16)
        self.queues: dict[str, queue.SimpleQueue[bytes]] = {}

    def bind(self) -> str:
        return ""

    def start(
        self, arrived: Callable[[bytes], object], peers: Mapping[str, str]
    ) -> None:
        threading.Thread(target=self._accept, args=[arrived], daemon=True).start()

    def send(self, node: str, frame: Sequence[bytes | bytearray | memoryview]) -> None:
        if node not in self.queues:
            self.queues[node] = queue.SimpleQueue()
            threading.Thread(target=self._write, args=[node], daemon=True).start()
        self.queues[node].put(b"".join(frame))

    def close(self) -> None:
        self.listener.close()

    def _accept(self, arrived: Callable[[bytes], object]) -> None:
        while True:
            connection = self.listener.accept()
            threading.Thread(
                target=self._read, args=[connection, arrived], daemon=True
            ).start()

    def _read(
        self, connection: "Connection[bytes, bytes]", arrived: Callable[[bytes], object]
    ) -> None:
        try:
            for number in itertools.count(1):
                arrived(connection.recv_bytes())
                if number == BUSY:
                    self.busy.touch()
        except (EOFError, OSError):
            return

    def _write(self, node: str) -> None:
        while True:
            try:
                connection = Client(str(self.folder / f"{node}.sock"), "AF_UNIX")
                break
            except OSError:
                time.sleep(0.02)
        try:
            while True:
                connection.send_bytes(self.queues[node].get())
        except OSError:
            return


def main() -> int:
    """Serve."""
    path, node, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    spec = SystemSpec.from_json(Path(path).read_text())
    transport = SocketTransport(folder, node)
    try:
        return serve_node(
            RunPlan.of(spec, folder=folder), node, transport, engine="by hand"
        )
    except LkError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
