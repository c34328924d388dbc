"""The process of a node, as `ProcessEngine` starts it when the engine has no other way.

The environment says which node it is, of which engine, and the class of the transport.
The system comes from the launcher.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from like_keras_core.errors import LkError
from like_keras_core.runtime.control.environment import NODE
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.flow.transport import Transport
from like_keras_core.runtime.process.main import fetch_system, serve_node
from like_keras_core.runtime.supervision.node_console import to_stderr
from like_keras_core.values.class_refs import resolve

ENGINE, TRANSPORT = "LK_ENGINE", "LK_TRANSPORT"


def started_environment(node: str, engine: str, transport: str) -> Mapping[str, str]:
    """Return what the environment of such a process says.

    Args:
        node: The node.
        engine: The engine's name, for the report.
        transport: The class of the transport, as `"package.module:Class"`.
    """
    return {NODE: node, ENGINE: engine, TRANSPORT: transport}


def main() -> int:
    """Run the process of a node until the run ends; return the exit code."""
    try:
        node, engine, name = (os.environ[x] for x in (NODE, ENGINE, TRANSPORT))
    except KeyError as error:
        sys.exit(
            f"{error.args[0]} is not set. This module is started by an engine, when a "
            "system is launched."
        )
    logging.getLogger().addHandler(to_stderr(is_marked=True))
    folders = [Path(entry or os.curdir) for entry in sys.path]
    try:
        make: Callable[[], Transport] = resolve(name, folders=folders)
        plan = RunPlan.of(fetch_system(node))
    except LkError as error:
        sys.exit(f"Node {node!r} cannot start: {error}")
    transport = make()
    try:
        return serve_node(
            plan,
            node,
            transport,
            engine=engine,
            max_frame=getattr(transport, "max_frame", None),
            folders=folders,
        )
    finally:
        transport.close()
