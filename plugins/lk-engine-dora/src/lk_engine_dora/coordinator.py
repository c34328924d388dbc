"""The coordinator and the daemons of a launch on several machines: the user's own."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from like_keras_core.engine_kit import address_toward
from like_keras_core.errors import EngineError
from like_keras_core.node import is_local
from like_keras_core.spec import SystemSpec
from lk_engine_dora.dataflow import machine_id
from lk_engine_dora.dora_command import dora_command, dora_environment

ADDRESS, PORT = "DORA_COORDINATOR_ADDR", "DORA_COORDINATOR_PORT"
_LOOPBACK, _PORT = "127.0.0.1", 6013
_ANSWER_S = 3.0
_COMMAND_S = 10.0
_LIST_S = 1.0
_ENDED = ("Failed", "Stopped")
_ELSEWHERE = "192.0.2.1"
"""An address that is nowhere: the way to it is the way out of this machine."""

_DAEMON = re.compile(r"(?:(\S+)-)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\s")


TOO_MANY = "429 Too Many Requests"
"""A coordinator answers some twenty commands a minute from one address."""


class NoCoordinatorError(EngineError, ConnectionError):
    """Nothing answers where dora's coordinator should be."""

    def __init__(self, where: Coordinator, spec: SystemSpec, why: object) -> None:
        self.where = where
        commands = [where.coordinator_command(), *where.daemon_commands(spec)]
        listed = "\n".join(f"  {command}" for command in dict.fromkeys(commands))
        super().__init__(
            f"No dora coordinator answers at {where}: {why}. System {spec.name!r} "
            f"{_placement(spec)}. Start the coordinator on its machine, and a daemon "
            f"on each machine that has a node:\n{listed}\n"
            f"Or say where it is: launch(coordinator_addr=...) or {ADDRESS}. Or run "
            "every node here: launch(local=True)."
        )


class NoDaemonError(EngineError, ConnectionError):
    """Machines that have nodes have no dora daemon."""

    def __init__(
        self, where: Coordinator, spec: SystemSpec, missing: Sequence[str | None]
    ) -> None:
        self.machines = tuple(missing)
        nodes = {
            machine: [node.name for node in spec.nodes if machine_id(node) == machine]
            for machine in missing
        }
        listed = "\n".join(
            f"  {where.daemon_command(machine)}    # "
            + ("this machine" if machine is None else f"on {machine!r}")
            + f", for {', '.join(map(repr, names))}"
            for machine, names in nodes.items()
        )
        names = ", ".join("this machine" if x is None else repr(x) for x in missing)
        super().__init__(
            f"The dora coordinator at {where} has no daemon of {names}. Start:\n"
            f"{listed}\n"
            "The --machine-id is the machine of the node; or the node's name, where "
            "its machine is given by an address."
        )


def _placement(spec: SystemSpec) -> str:
    far = [node for node in spec.nodes if not is_local(node.machine)]
    if not far:
        return "was to be launched there"
    return "has " + ", ".join(f"{node.name!r} on {node.machine!r}" for node in far)


@dataclass(frozen=True, slots=True)
class Coordinator:
    """Where a coordinator listens.

    Args:
        host: Its address.
        port: Its port.
    """

    host: str
    port: int = _PORT

    @classmethod
    def at(cls, address: str) -> Coordinator:
        """Return the one at an address.

        Args:
            address: `HOST` or `HOST:PORT`; empty is what the environment says, or else
                this machine.

        Raises:
            EngineError: That is not an address.
        """
        given = address or os.environ.get(ADDRESS) or _LOOPBACK
        host, port = given, os.environ.get(PORT) or str(_PORT)
        if given.count(":") == 1:
            host, _, port = given.partition(":")
        if not host or not port.isdecimal() or not 0 < int(port) <= 0xFFFF:
            raise EngineError(
                "The address of dora's coordinator is HOST or HOST:PORT, such as "
                f"'192.168.1.100'; got {given!r}, port {port!r}."
            )
        try:
            # dora takes addresses only.
            found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
        except OSError as error:
            raise EngineError(
                f"There is no machine {host!r}, where dora's coordinator should be: "
                f"{error}."
            ) from None
        return cls(str(found[0][4][0]), int(port))

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def words(self) -> list[str]:
        """Return the options that each command of dora needs."""
        return ["--coordinator-addr", self.host, "--coordinator-port", str(self.port)]

    def coordinator_command(self) -> str:
        """Return what to type to start it."""
        where = "" if is_local(self.host) else f" --interface {self.host}"
        port = "" if self.port == _PORT else f" --port {self.port}"
        return f"dora coordinator{where}{port}"

    def daemon_command(self, machine: str | None) -> str:
        """Return what to type on a machine; None is the launching one."""
        name = "" if machine is None else f" --machine-id {machine}"
        port = "" if self.port == _PORT else f" --coordinator-port {self.port}"
        return f"dora daemon{name} --coordinator-addr {self.host}{port}"

    def daemon_commands(self, spec: SystemSpec) -> Iterator[str]:
        """Yield what to type for each machine of a system."""
        yield from (self.daemon_command(machine_id(node)) for node in spec.nodes)

    def answers(self) -> OSError | None:
        """Return why nothing listens there; None if something does."""
        try:
            where = (self.host, self.port)
            socket.create_connection(where, timeout=_ANSWER_S).close()
        except OSError as error:
            return error
        return None

    def daemons(self) -> set[str | None]:
        """Return the machines whose daemons it has; None is one without a name.

        Raises:
            EngineError: It does not say.
        """
        code, said = self.command("cluster", "status")
        if code:
            raise EngineError(f"The dora coordinator at {self} did not answer:\n{said}")
        return {
            match[1] for line in said.splitlines() if (match := _DAEMON.match(line))
        }

    def running(self, dataflow: str) -> set[str] | None:
        """Return which nodes of a dataflow it has not seen end.

        Args:
            dataflow: Its name.

        Returns:
            dora's names of them; None if it does not say.
        """
        words = ("node", "list", "--dataflow", dataflow, "--format", "json")
        code, said = self.command(*words, timeout_s=_LIST_S)
        lines = [line for line in said.splitlines() if line.strip()]
        try:
            found = {x["node"]: x["status"] for x in map(json.loads, lines)}
        except (ValueError, TypeError, KeyError):
            return None
        if code:
            return None
        return {node for node, status in found.items() if status not in _ENDED}

    def command(self, *words: str, timeout_s: float = _COMMAND_S) -> tuple[int, str]:
        """Run one of dora's commands; return its exit code and output."""
        try:
            done = subprocess.run(
                [*dora_command(), *words, *self.words()],
                env=dora_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                timeout=timeout_s,
                check=False,
                text=True,
                errors="replace",
            )
        except subprocess.TimeoutExpired:
            return -1, f"nothing was heard of it for {timeout_s:g} s"
        return done.returncode, done.stdout.strip()

    def check(self, spec: SystemSpec) -> None:
        """See that it is there.

        Raises:
            NoCoordinatorError: Nothing answers.
        """
        why = self.answers()
        if why is not None:
            raise NoCoordinatorError(self, spec, why)

    def check_daemons(self, spec: SystemSpec) -> None:
        """See that it has a daemon for each node of a system.

        Raises:
            NoDaemonError: A machine has none.
        """
        there = self.daemons()
        needed = dict.fromkeys(map(machine_id, spec.nodes))
        missing = [machine for machine in needed if machine not in there]
        if missing:
            raise NoDaemonError(self, spec, missing)

    def own_address(self, spec: SystemSpec) -> str:
        """Return the address by which the nodes of a system reach this machine.

        It is the one on the way to the coordinator, since the daemons reach that. One
        that was given as loopback may listen on every address; then it is the one on
        the way to another machine of the system, or out of this one.
        """
        if not is_local(self.host):
            return address_toward(self.host, self.port)
        for machine in (*(node.machine for node in spec.nodes), _ELSEWHERE):
            try:
                own = address_toward(machine)
            except OSError:
                continue
            if not is_local(own) and Coordinator(own, self.port).answers() is None:
                return own
        return self.host
