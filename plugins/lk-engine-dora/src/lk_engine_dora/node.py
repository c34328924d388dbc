"""The process of one node: `python -m lk_engine_dora.node`, started by dora.

The environment says which node of which system it is; see the comments in the dataflow.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import traceback
from pathlib import Path

from like_keras_core.engine_kit import (
    LAUNCHED,
    NodeProcess,
    RunPlan,
    fetch_system,
    serve_node,
    to_stderr,
    versions_of,
)
from like_keras_core.errors import LkError
from like_keras_core.spec import SystemSpec
from lk_engine_dora.arrow_values import register_arrays
from lk_engine_dora.dataflow import machine_id
from lk_engine_dora.launcher_watch import ending_with_launcher
from lk_engine_dora.orphan_reaper import SWEEPS, start_sweeper
from lk_engine_dora.transport import DoraTransport, open_node

DISTRIBUTIONS = ("like-keras-core", "lk-engine-dora", "dora-rs")
"""What every process of a run must have in the same version."""

MAX_FRAME = 56_000_000
"""What passes dora's limit of 64 MiB even without shared memory [byte]."""

MAX_FAR_FRAME = 1_000_000
"""What crosses machines whole: of 10 MB at once dora loses some [byte]."""

_CLOSE_S = 1.0
"""How long dora may take to take leave of the other machines [s]."""


def main() -> int:
    """Be the process of a node until the run is over; return the exit code."""
    name = _variable("LK_NODE")
    if SWEEPS in os.environ:
        start_sweeper()
    _enter_folder()
    path = Path(_variable("LK_SYSTEM")).absolute()
    try:
        spec = find_system(path, _variable("LK_DIGEST"))
    except LkError as error:
        sys.exit(f"Node {name!r} cannot start: {error}")
    register_arrays()
    with ending_with_launcher():
        opened = open_node()
    transport = DoraTransport(spec, name, opened)
    logging.getLogger().addHandler(to_stderr(is_marked=LAUNCHED in os.environ))

    def started(member: NodeProcess) -> None:
        transport.stopped = member.stop
        transport.relay = member.relay
        if transport.bridge is not None:
            transport.bridge.join(member)

    code = 1
    try:
        code = serve_node(
            RunPlan.of(spec, folder=path.parent, versions=versions_of(DISTRIBUTIONS)),
            name,
            transport,
            engine="dora",
            max_frame=frame_sizes(spec, name),
            folders=[Path(entry) for entry in sys.path],
            started=started,
        )
    except Exception:  # noqa: BLE001 - printed here: dora may delay the end
        traceback.print_exc()
    sys.stdout.flush()
    _close(transport)
    return code


def _close(transport: DoraTransport) -> None:
    """Give the dora node back; end at once if dora waits for a machine cut off."""
    if SWEEPS not in os.environ:
        transport.close()
        return
    # dora may keep Python's lock while it waits, which this watchdog does not need.
    with open(os.devnull, "w") as null:
        faulthandler.dump_traceback_later(_CLOSE_S, exit=True, file=null)
        transport.close()
        faulthandler.cancel_dump_traceback_later()


def frame_sizes(spec: SystemSpec, name: str) -> dict[str, int]:
    """Return how large a frame between a node and each other one may be."""
    here = machine_id(spec.node(name))
    return {
        node.name: MAX_FRAME if machine_id(node) == here else MAX_FAR_FRAME
        for node in spec.nodes
    }


def find_system(path: Path, digest: str) -> SystemSpec:
    """Read the system, or ask the launching process for it where there is one.

    Raises:
        LkError: It is not there, or not the one that the dataflow was made for.
    """
    try:
        return read_system(path, digest)
    except LkError:
        if LAUNCHED not in os.environ:
            raise
    spec = fetch_system()
    if f"sha256:{spec.digest()}" != digest:
        raise LkError(
            "What this like-keras-core reads of the system is not what the launching "
            "process has. Install the same version here."
        )
    return spec


def _enter_folder() -> None:
    """Work where the node says; or else where its daemon was started.

    A daemon of a coordinator starts a node without a folder of its own two folders
    below that. Code that lies there is found, as it is where a script lies.
    """
    folder = Path.cwd()
    if working_dir := os.environ.get("LK_WORKING_DIR"):
        os.chdir(working_dir)
    elif folder.parent.name == "_work":
        os.chdir(folder.parents[1])
        sys.path.insert(0, os.getcwd())


def read_system(path: Path, digest: str) -> SystemSpec:
    """Read the system beside the dataflow.

    Raises:
        LkError: It is not there, or not the one that the dataflow was made for.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise LkError(
            f"The system cannot be read: {error}. Copy {path.name} there, from the "
            "folder of the dataflow, or compile again."
        ) from None
    spec = SystemSpec.from_json(text)
    found = f"sha256:{spec.digest()}"
    if found != digest:
        raise LkError(
            f"{str(path)!r} is another system than the dataflow was made for: expected "
            f"{digest}, found {found}. Compile again, and copy both files."
        )
    return spec


def _variable(name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        sys.exit(
            f"{name} is not set. This module is started by dora, from the file that "
            "`lk compile --engine dora` writes."
        )


if __name__ == "__main__":
    sys.exit(main())
