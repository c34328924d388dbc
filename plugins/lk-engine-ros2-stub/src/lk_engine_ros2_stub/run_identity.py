"""What a run is to others on its machine: two of one identity would obey each other.

The one that has come first holds the name of an abstract socket, which the kernel takes
back when its process ends, however it does.
"""

from __future__ import annotations

import errno
import hashlib
import os
import pwd
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

from like_keras_core.errors import EngineError
from like_keras_core.node import is_local
from like_keras_core.spec import SystemSpec
from lk_engine_ros2_stub.ros_environment import DOMAIN

_PATIENCE_S = 2.0
"""How long a run that ends may take to let go of its identity [s]."""

_LOOK_S = 0.05
_BACKLOG = 4096
"""So many may ask who holds an identity: none of them is ever accepted."""

_CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """What distinguishes a run from all others that may be on one machine.

    Args:
        domain: The ROS domain.
        namespace: The namespace that the nodes are in.
        system: The system's name.
        user: The number of the machine's user; -1 where it is the same on several
            machines.
    """

    domain: str
    namespace: str
    system: str
    user: int

    @classmethod
    def of(cls, spec: SystemSpec, namespace: str) -> RunIdentity:
        """Return the identity of a run in this process's environment.

        Args:
            spec: The system.
            namespace: The namespace that its nodes are in.
        """
        domain = os.environ.get(DOMAIN) or "0"
        is_here = all(is_local(node.machine) for node in spec.nodes)
        return cls(domain, namespace, spec.name, os.getuid() if is_here else -1)

    @property
    def text(self) -> str:
        """A string that no other identity has."""
        return "\0".join(map(str, astuple(self)))

    @property
    def digest(self) -> str:
        """A short name that no other identity is likely to have."""
        return hashlib.blake2b(self.text.encode(), digest_size=8).hexdigest()

    @contextmanager
    def held(self, of: str = "") -> Iterator[None]:
        """Hold the identity to the end of the block, or a part of it.

        Args:
            of: The part: nodes of one run each hold their own.

        Raises:
            EngineError: Another run holds it; the message says which.
        """
        if not sys.platform.startswith("linux"):
            yield
            return
        until = time.monotonic() + _PATIENCE_S
        while (holder := _bound(self._address(of))) is None:
            if time.monotonic() > until:
                raise self.refusal(of)
            time.sleep(_LOOK_S)
        with holder:
            yield

    def refusal(self, of: str = "") -> EngineError:
        """Return the error of a run that finds another one in its place.

        Args:
            of: What both want to hold.
        """
        return EngineError(
            f"Another run of {self.system!r} is on, in namespace {self.namespace} and "
            f"domain {self.domain}: {_holder(self._address(of))}. Two of them would "
            "obey each other, so this one does not start. End that one, or give this "
            f"one a namespace (-r __ns:=/OTHER/{self.system}, PushRosNamespace) or a "
            f"{DOMAIN} of its own."
        )

    def _address(self, of: str) -> str:
        name = hashlib.blake2b(f"{self.text}\0{of}".encode(), digest_size=16)
        return f"\0like_keras-ros2-{name.hexdigest()}"


def _bound(address: str) -> socket.socket | None:
    """Return a socket that has a name; None if another one has it."""
    holder = socket.socket(socket.AF_UNIX)
    try:
        holder.bind(address)
        holder.listen(_BACKLOG)
    except OSError as error:
        holder.close()
        if error.errno != errno.EADDRINUSE:
            raise
        return None
    return holder


def _holder(address: str) -> str:
    """Say which process has the name of a socket."""
    with socket.socket(socket.AF_UNIX) as asker:
        asker.setblocking(False)
        try:
            asker.connect(address)
            found = asker.getsockopt(
                socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
            )
        except OSError:
            return "a process that cannot be asked"
    pid, user, _ = _CREDENTIALS.unpack(found)
    return f"process {pid} of user {_user(user)}, since {_since(pid)}"


def _user(number: int) -> str:
    try:
        return repr(pwd.getpwuid(number).pw_name)
    except KeyError:
        return str(number)


def _since(pid: int) -> str:
    """Return when a process was started."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        up_s = float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, ValueError):
        return "an unknown time"
    age_s = up_s - int(stat[_STARTED]) / os.sysconf("SC_CLK_TCK")
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(time.time() - age_s))}"


_STARTED = 19
"""The place of a process's start in `/proc/PID/stat`, behind the name."""
