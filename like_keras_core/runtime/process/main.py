"""The process of a node, as the files of an engine start it.

The environment says who listens for it. `LK_LAUNCHED` is set by a launcher, with
`LK_CONTROL` (`host:port`) and the key of the node, as `keys` says. Without it nobody
launched the run: the process of the first node plays the launcher's part as well,
prints the report, and runs until it is stopped or for `LK_ITERATIONS` ticks. Its
address is then loopback, or the first node's machine, with a port that follows from the
system, or from what its engine tells runs of it apart by; `LK_CONTROL` takes its place.
The token is a file in the build folder, or `LK_TOKEN`, which several machines need.
`LK_RATE_HZ` is the rate of the run, where it is not to be the system's.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import inf
from pathlib import Path
from types import FrameType
from typing import TextIO

from like_keras_core.errors import LkError
from like_keras_core.launch_options import LaunchOptions
from like_keras_core.node import is_local
from like_keras_core.report import RunReport
from like_keras_core.runtime.control import protocol
from like_keras_core.runtime.control.connection import (
    ControlConnectionLostError,
    ProcessConnection,
    connect,
)
from like_keras_core.runtime.control.environment import (
    CONTROL,
    DESERTED,
    ITERATIONS,
    LAUNCHED,
    NODE,
    RATE_HZ,
    given_address,
)
from like_keras_core.runtime.control.keys import TOKEN, node_key, own_key
from like_keras_core.runtime.control.message import ProtocolError
from like_keras_core.runtime.control.run_options import RunOptions
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.control.server import ControlServer
from like_keras_core.runtime.flow.transport import Transport
from like_keras_core.runtime.process.beater import beating
from like_keras_core.runtime.process.node_process import NodeProcess
from like_keras_core.runtime.stop import StopSignal
from like_keras_core.runtime.supervision.supervisor import Supervisor
from like_keras_core.spec import SystemSpec
from like_keras_core.tap import Tap
from like_keras_core.values.code_folders import add_given_folders
from like_keras_core.values.main_module import main_lent

_LOOPBACK = "127.0.0.1"
_PORTS = range(20_000, 32_000)
"""Below what systems give out by themselves."""

_START_S, _AT_ONCE = 60.0, 10
"""How long the first process may take to appear [s], where so many nodes start."""

_STRANGE_S = 3.0
"""How long something else may answer in the place of the first process [s]: a run that
is about to end."""

_HEARTBEAT_S = 3.0


def fetch_system(node: str | None = None) -> SystemSpec:
    """Ask the launcher for the system, where no copy of it lies.

    Args:
        node: The node that this process runs; what `LK_NODE` says when omitted.

    Raises:
        ControlConnectionLostError: Nobody answered.
        LkError: No launcher has started this process.
        ProtocolError: Something else was answered.
    """
    address = given_address()
    if LAUNCHED not in os.environ or address is None:
        raise LkError("No launcher can be asked for the system.")
    name = os.environ.get(NODE, "") if node is None else node
    connection = connect(address, own_key(name), name)
    try:
        connection.send(protocol.GetSystem())
        while not (messages := list(connection.receive())):
            pass
    finally:
        connection.close()
    match messages[0]:
        case protocol.SystemCopy(data):
            return SystemSpec.from_json(data.decode())
        case other:
            raise ProtocolError(other.verb, "is not the answer to 'get_system'")


def serve_node(
    plan: RunPlan,
    node: str,
    transport: Transport,
    *,
    engine: str,
    folders: Sequence[Path] = (),
    max_frame: int | Mapping[str, int] | None = None,
    taps: Sequence[Tap] = (),
    started: Callable[[NodeProcess], object] = lambda member: None,
    identity: str = "",
) -> int:
    """Run a node's process until the run ends.

    Args:
        plan: The whole run. Where nobody has launched it, the token is in its folder.
        node: The node.
        transport: The ways to the other nodes. Whoever made it closes it.
        engine: The engine's name, for the report.
        folders: Where scripts are looked for.
        max_frame: The size of the largest frame that the transport takes [byte]; by
            node, where it depends on who is at the other end.
        taps: What this process calls after emissions, whoever has launched it.
        started: Called with the member before it serves.
        identity: What tells this run from others of the system that nobody launched:
            its port follows from it.

    Returns:
        The exit code.

    Raises:
        LkError: The environment is not enough.
        ControlConnectionLostError: Nobody answered.
    """
    add_given_folders()
    spec = plan.spec
    address = control_address(spec, identity)
    lead = None
    is_launched = LAUNCHED in os.environ
    if is_launched:
        key = own_key(node)
        line = connect(address, key, node)
    else:
        tokens = RunSecret(plan.folder, is_shared=not _is_on_one_machine(spec))
        if node == spec.nodes[0].name:
            lead = StandaloneSupervisor(plan, address, tokens, engine)
        patience_s = _START_S * max(1.0, len(spec.nodes) / _AT_ONCE)
        line, key = connect_to_first(address, tokens, node, patience_s)
    member = NodeProcess(
        plan,
        node,
        line,
        transport,
        folders,
        max_frame=max_frame,
        taps=taps,
    )
    started(member)
    beats = beating(address, key, node, line.silence_s)
    signals = _stopped_by_signals(member.stop, interrupts=not is_launched)
    with signals, beats, main_lent():
        member.serve()
    if line.left_since:
        _say(sys.stderr, f"Node {node!r}: {line.left_since}.")
        return DESERTED
    return 0 if lead is None else lead.join()


def control_address(spec: SystemSpec, identity: str = "") -> tuple[str, int]:
    """Return where the launcher listens, or the process of the first node.

    Args:
        spec: The system.
        identity: What tells this run from others of the system.

    Raises:
        LkError: `LK_CONTROL` is not an address, or is missing where nothing else says
            how the other machines reach the first node's process.
    """
    given = given_address()
    if given is not None:
        return given
    first = spec.nodes[0]
    host = _LOOPBACK if is_local(first.machine) else first.machine
    if host == _LOOPBACK and not _is_on_one_machine(spec):
        raise LkError(
            f"This system runs on several machines, and its first node {first.name!r} "
            f"does not say how the others reach it: set {CONTROL} to HOST:PORT, the "
            "address of its machine and a free port, such as '192.168.1.10:24000', on "
            "each of them."
        )
    digest = spec.digest()
    if identity:
        digest = hashlib.blake2b(identity.encode()).hexdigest()
    return host, _PORTS[int(digest[:8], 16) % len(_PORTS)]


def _is_on_one_machine(spec: SystemSpec) -> bool:
    return all(is_local(node.machine) for node in spec.nodes)


class RunSecret:
    """What the processes of a run that nobody launched know each other by.

    Args:
        build_dir: Where the file is, on one machine.
        is_shared: Whether several machines need it.

    Raises:
        LkError: Several machines need it, and it is not in the environment.
    """

    def __init__(self, build_dir: Path, *, is_shared: bool) -> None:
        self._given = os.environ.get(TOKEN)
        self._file = build_dir / "token"
        if is_shared and not self._given:
            raise LkError(
                f"This system runs on several machines: set {TOKEN} to the same secret "
                "text on each of them."
            )

    def make(self) -> str:
        """Return the token, made for this run if need be."""
        if self._given:
            return self._given
        token = secrets.token_hex(16)
        # One that looks for it finds the whole token of this run or an earlier one's.
        fresh, name = tempfile.mkstemp(prefix="token-", dir=self._file.parent)
        with os.fdopen(fresh, "w") as file:
            file.write(token)
        os.replace(name, self._file)
        return token

    def find(self) -> str | None:
        """Return the token that the first process made; None if there is none yet."""
        if self._given:
            return self._given
        try:
            return self._file.read_text()
        except FileNotFoundError:
            return None

    def forget(self) -> None:
        """Remove what `make` wrote."""
        if not self._given:
            self._file.unlink(missing_ok=True)


class StandaloneSupervisor:
    """The launcher's part, played in a thread by the first node's process."""

    def __init__(
        self,
        plan: RunPlan,
        address: tuple[str, int],
        tokens: RunSecret,
        engine: str,
    ) -> None:
        iterations = _iterations()
        self.tokens = tokens
        self.exit_code = 1
        try:
            server = ControlServer(tokens.make(), _HEARTBEAT_S, *address)
        except OSError as error:
            raise LkError(
                f"Cannot listen at {address[0]}:{address[1]} ({error}). Set {CONTROL} "
                "to HOST:PORT on this machine where every node's process reaches it."
            ) from None
        asked = LaunchOptions(rate_hz=_rate_hz())
        options = RunOptions.of(plan.spec, asked)
        self.supervisor = Supervisor(
            replace(plan, options=options),
            server,
            engine=engine,
            stop=StopSignal(),
            start_s=_START_S,
            echoes_logs=False,
        )
        self.thread = threading.Thread(target=self._run, args=[iterations], daemon=True)
        self.thread.start()

    def _run(self, iterations: int | None) -> None:
        report: RunReport | None
        try:
            report = self.supervisor.run(iterations)
        except LkError as error:
            report = getattr(error, "report", None)
            _say(sys.stderr, getattr(error, "traceback", ""), error)
        else:
            self.exit_code = 0
        finally:
            self.tokens.forget()
        if report is not None:
            _say(sys.stdout, report)

    def join(self) -> int:
        """Wait for the end of the run; return the exit code."""
        self.thread.join()
        return self.exit_code


def _say(stream: TextIO, *items: object) -> None:
    stream.write("\n".join(map(str, filter(None, items))) + "\n")
    stream.flush()


def _iterations() -> int | None:
    given = os.environ.get(ITERATIONS)
    if not given:
        return None
    if not given.isdecimal():
        raise LkError(f"{ITERATIONS} must be a whole number, 0 or more; got {given!r}.")
    return int(given)


def _rate_hz() -> float | None:
    given = os.environ.get(RATE_HZ)
    if not given:
        return None
    try:
        rate_hz = float(given)
    except ValueError:
        rate_hz = 0.0
    if not 0.0 < rate_hz < inf:
        raise LkError(f"{RATE_HZ} must be a number of ticks per second; got {given!r}.")
    return rate_hz


def connect_to_first(
    address: tuple[str, int], tokens: RunSecret, node: str, patience_s: float
) -> tuple[ProcessConnection, str]:
    """Connect to the process of the first node, which may start later than this one.

    Args:
        address: Where it listens.
        tokens: What finds the run's token, once it is there.
        node: The node that connects.
        patience_s: How long to try [s].

    Returns:
        The connection, and the key that it needed.
    """
    until = time.monotonic() + patience_s
    strange_since: float | None = None
    while True:
        began = time.monotonic()
        token = tokens.find()
        try:
            # Without a token it is asked all the same: a run of others may be there.
            key = node_key(token or "", node)
            return connect(address, key, node), key
        except ControlConnectionLostError as error:
            if token is None and not error.is_refused:
                error = ControlConnectionLostError(
                    "The process of the first node has not started: it writes a token "
                    "into the build folder."
                )
            now = time.monotonic()
            # One that takes its time may be slow, and not strange.
            is_strange = error.is_refused and now < began + _STRANGE_S
            strange_since = (strange_since or began) if is_strange else None
            if now > until or now > (strange_since or now) + _STRANGE_S:
                raise error from None
            time.sleep(0.05)


@contextmanager
def _stopped_by_signals(
    stop: Callable[[], None], *, interrupts: bool
) -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the run, and Ctrl-C where no launcher sees it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: FrameType | None) -> None:
        stop()

    wanted = {signal.SIGTERM: ask, signal.SIGINT: ask if interrupts else signal.SIG_IGN}
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is not None and signal.getsignal(hangup) is signal.SIG_DFL:
        wanted[hangup] = ask
    before = {number: signal.signal(number, wanted[number]) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
