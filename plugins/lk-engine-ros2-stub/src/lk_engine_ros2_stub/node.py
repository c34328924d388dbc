"""The process of one node, as the executables of a compiled package start it."""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from like_keras_core.engine_kit import (
    LAUNCHED,
    NodeProcess,
    RunPlan,
    serve_node,
    to_stderr,
    versions_of,
)
from like_keras_core.errors import LkError
from like_keras_core.spec import SystemSpec
from lk_engine_ros2_stub.launch_watch import launch_process, watch
from lk_engine_ros2_stub.leaving import leave
from lk_engine_ros2_stub.parameter_overrides import ParameterOverrides
from lk_engine_ros2_stub.process_node import become
from lk_engine_ros2_stub.public_topics import public_taps
from lk_engine_ros2_stub.ros_environment import no_rclpy
from lk_engine_ros2_stub.run_identity import RunIdentity

if TYPE_CHECKING:
    from lk_engine_ros2_stub.transport import RosNode

TOKEN = "LK_TOKEN"

if TYPE_CHECKING:
    from lk_engine_ros2_stub.transport import RosNode

DISTRIBUTIONS = ("like-keras-core", "lk-engine-ros2-stub")
"""What every process of a run must have in the same version."""


def main(system: Path, name: str, args: Sequence[str] | None = None) -> int:
    """Be the process of a node until the run is over; return the exit code.

    Args:
        system: The compiled system.
        name: The node.
        args: The command line, with what stands behind `--ros-args`.
    """
    try:
        return _run(system, name, args)
    except LkError as error:
        sys.exit(f"Node {name!r} cannot run: {error}")
    except KeyboardInterrupt:
        return 0


def _run(system: Path, name: str, args: Sequence[str] | None) -> int:
    spec = read_system(system, name)
    try:
        from lk_engine_ros2_stub.transport import RosNode
    except ModuleNotFoundError as error:
        if error.name not in ("rclpy", "std_msgs"):
            raise
        raise LkError(no_rclpy(error.name)) from None
    is_launched = LAUNCHED in os.environ
    logging.getLogger().addHandler(to_stderr(is_marked=is_launched))
    ros = RosNode(spec, name, args)
    logging.getLogger().setLevel(ros.levels.node_level)
    logging.getLogger().addHandler(ros.rosout)

    become(ros)
    code, last_words = 1, ""
    try:
        _watch_launch(is_launched=is_launched)
        identity = RunIdentity.of(spec, ros.node.get_namespace())
        with _held(identity, spec, name, is_launched=is_launched):
            code = _serve(spec, name, ros, identity, is_launched=is_launched)
    except KeyboardInterrupt:
        code = 0
    except LkError as error:
        # Said before ROS is left, which may take its time, but within its limit.
        last_words = f"Node {name!r} cannot run: {error}\n"
    except Exception:  # noqa: BLE001 - as above
        last_words = traceback.format_exc()
    finally:
        # A second Ctrl-C must not tear what is being closed.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        leave(ros.close, code, last_words=last_words)
    return code


def _serve(
    spec: SystemSpec,
    name: str,
    ros: RosNode,
    identity: RunIdentity,
    *,
    is_launched: bool,
) -> int:
    def started(member: NodeProcess) -> None:
        ros.member = member
        ros.is_called_away = lambda: not member.inbox.empty()

    folders = [Path(entry or os.curdir) for entry in sys.path]
    overrides = ParameterOverrides(spec, name, ros.parameters, folders)
    try:
        overrides.check()
        plan = RunPlan.of(
            spec,
            versions=versions_of(DISTRIBUTIONS),
            pacer=_pacer(ros),
            configure=overrides.configure,
            folder=Path() if is_launched else token_folder(identity),
        )
        return serve_node(
            plan,
            name,
            ros,
            engine="ros2",
            started=started,
            taps=public_taps(spec, name),
            folders=folders,
            identity=identity.text,
        )
    except ConnectionError as error:
        if is_launched or not getattr(error, "is_refused", False):
            raise
        # The first node there is that of a run with another token.
        raise identity.refusal() from error
    finally:
        logging.getLogger().removeHandler(ros.rosout)


def _watch_launch(*, is_launched: bool) -> None:
    """End this node's part of the run when the launch is gone that has started it."""
    process = launch_process()
    if process is None:
        return
    # Each is what ends a node at that moment, whether it serves already or not.
    number = signal.SIGTERM if is_launched else signal.SIGINT

    def gone() -> None:
        os.kill(os.getpid(), number)
        logging.getLogger("like_keras").warning(
            "The launch is gone that has started this node (process %d): the run ends.",
            process,
        )

    watch(process, gone)


@contextmanager
def _held(
    identity: RunIdentity, spec: SystemSpec, name: str, *, is_launched: bool
) -> Iterator[None]:
    """Hold the identity of a run, or the place of a node in it, unless launched."""
    if is_launched:
        yield  # The launching process holds it.
    elif name == spec.nodes[0].name:
        with identity.held():
            yield
    else:
        # Nodes of another launch have another token, and find no run.
        token = os.environ.get(TOKEN, "")
        of = hashlib.blake2b(token.encode(), digest_size=16).hexdigest()
        with identity.held(f"{name} {of}"):
            yield


def _pacer(ros: RosNode) -> Callable[[float], Any] | None:
    """Return what makes ticks follow the simulated time, if there is to be one."""
    if (clock := ros.sim_clock) is None:
        return None
    from lk_engine_ros2_stub.sim_clock import SimPacer

    return lambda rate_hz: SimPacer(rate_hz, clock)


def read_system(path: Path, name: str) -> SystemSpec:
    """Read the system that lies beside the node's module.

    Raises:
        LkError: It is not there, is not a system, or has no such node.
    """
    try:
        spec = SystemSpec.from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LkError(f"The system cannot be read: {error}. Compile again.") from None
    try:
        spec.node(name)
    except KeyError:
        raise LkError(
            f"The system in {str(path)!r} has no node {name!r}. Compile again, and "
            "build again."
        ) from None
    return spec


def token_folder(identity: RunIdentity) -> Path:
    """Return where the processes of this machine find each other's token.

    The installed package may be read-only: as ROS does with its logs, this goes below
    `ROS_HOME`, or `~/.ros`.

    Raises:
        LkError: It cannot be made.
    """
    home = os.environ.get("ROS_HOME") or os.path.expanduser("~/.ros")
    folder = Path(home, "like_keras", identity.digest)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise LkError(
            f"The processes cannot find each other: {error}. Set ROS_HOME to a folder "
            "that can be written."
        ) from None
    return folder
