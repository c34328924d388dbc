"""Machines for tests: network namespaces on one bridge, each with its own /dev/shm.

A machine is a network namespace of `ip netns`, and below it a namespace of mounts,
processes and host name, so that whatever runs on it ends when it is switched off.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from conftest import DORA  # type: ignore[import-not-found]

WAIT_S = 30.0
_NUMBERS = itertools.count()
_NEWNET = 0x40000000
_INIT = (
    "mount -t proc proc /proc && mount -t tmpfs -o size=2g tmpfs /dev/shm && "
    "ip link set lo up && hostname {name} && echo ready && exec sleep infinity"
)


def _check() -> None:
    """Say what is not installed; Debian's package iproute2 has the first."""
    needed = ("ip", "unshare", "nsenter", "setpriv")
    absent = [name for name in needed if not shutil.which(name)]
    if absent:
        raise RuntimeError(f"Not installed: {absent}. apt-get install iproute2")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, timeout=WAIT_S)


def _parent_of(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("PPid:")[2].split()[0])


class Machine:
    """A machine that is switched on.

    Args:
        name: Its host name.
        address: Its address on the network.
        folder: Where what is typed on it works, and where its home is.
        switch: The namespace with the bridge.
    """

    def __init__(self, name: str, address: str, folder: Path, switch: str) -> None:
        self.name, self.address, self.folder = name, address, folder
        self.namespace = f"{switch}-{name}"
        self._cable = ("-n", switch, "link", "set", f"to-{name}")
        folder.mkdir(parents=True)
        _ip("netns", "add", self.namespace)
        inside = ("netns", self.namespace)
        pair = ("type", "veth", "peer", "name", f"to-{name}", "netns", switch)
        _ip("link", "add", "eth0", *inside, *pair)
        _ip(*self._cable, "master", "bridge", "up")
        _ip("-n", self.namespace, "addr", "add", f"{address}/24", "dev", "eth0")
        _ip("-n", self.namespace, "link", "set", "eth0", "up")
        # Killed with this process, though that is killed itself.
        enter = ["setpriv", "--pdeathsig", "KILL"]
        enter += ["ip", "netns", "exec", self.namespace]
        keep = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child"]
        self._power = subprocess.Popen(
            [*enter, *keep, "sh", "-c", _INIT.format(name=name)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._power.stdout is not None
        assert self._power.stdout.readline() == "ready\n"
        self._power.stdout.close()
        children = Path(f"/proc/{self._power.pid}/task/{self._power.pid}/children")
        self.init = int(children.read_text())
        self._typed: list[subprocess.Popen[bytes]] = []

    def type(self, *words: str, output: str = "", **environment: str) -> None:
        """Type a command in the background.

        Args:
            words: The command; `dora` is the one under test.
            output: Where in the machine's folder its output goes.
            environment: What else is in its environment.
        """
        with (self.folder / (output or f"{words[1]}.out")).open("wb") as out:
            process = subprocess.Popen(
                self._entered(words, environment), stdout=out, stderr=out
            )
        self._typed.append(process)

    def wait_for(self, text: str, output: str) -> None:
        """Wait until what was typed has said something."""
        path = self.folder / output
        self.wait_until(lambda: text in path.read_text(errors="replace"))

    def wait_until(self, holds: Callable[[], bool], seconds: float = WAIT_S) -> None:
        """Wait until something holds."""
        until = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < until, self.processes()
            time.sleep(0.05)

    def ask(self, *words: str, **environment: str) -> str:
        """Type a command, wait for its end, and return what it said."""
        done = subprocess.run(
            self._entered(words, environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
        return done.stdout

    def _entered(
        self, words: tuple[str, ...], environment: dict[str, str]
    ) -> list[str]:
        path = f"{DORA.parent}:/usr/sbin:/usr/bin:/sbin:/bin"
        here = str(self.folder)
        known = {"HOME": here, "TMPDIR": here, "PATH": path, "RUST_BACKTRACE": "0"}
        known |= {"UV_NO_CACHE": "1", "PYTHONDONTWRITEBYTECODE": "1", **environment}
        enter = ["nsenter", "-t", str(self.init), "--net", "--mount", "--uts", "--pid"]
        env = ["env", "-i", "-C", str(self.folder)]
        return [*enter, *env, *(f"{x}={y}" for x, y in known.items()), *words]

    def processes(self, text: str = "") -> list[int]:
        """Return the processes with a text in their command or environment."""
        done = subprocess.run(
            ["ip", "netns", "pids", self.namespace],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=WAIT_S,
        )
        found = []
        for pid in map(int, done.stdout.split()):
            with suppress(OSError):
                entry = Path(f"/proc/{pid}")
                files = [entry / "cmdline", entry / "environ"]
                said = b"".join(file.read_bytes() for file in files)
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                if text.encode() in said and state not in "ZX":
                    found.append(pid)
        return found

    def nodes(self) -> list[int]:
        """Return the processes that run nodes of a system."""
        return self.processes("\0LK_NODE=")

    def kill(self, *words: str) -> None:
        """Kill what was typed with these words."""
        for pid in self.processes("\0".join(words)):
            os.kill(pid, signal.SIGKILL)

    def kill_node(self) -> None:
        """Kill the process of the one node here, and not what looks after it."""
        os.kill(self._node(), signal.SIGKILL)

    def halt_node(self) -> None:
        """Halt the process of the one node here."""
        os.kill(self._node(), signal.SIGSTOP)

    def _node(self) -> int:
        """Return the process of the one node here; what looks after it is its child."""
        nodes = self.nodes()
        (found,) = (pid for pid in nodes if _parent_of(pid) not in nodes)
        return found

    def memory(self) -> set[str]:
        """Return zenoh's shared memory on this machine."""
        shm = Path(f"/proc/{self.init}/root/dev/shm")
        return {path.name for path in shm.glob("*.zenoh")}

    def unplug(self) -> None:
        """Cut it off from the others."""
        _ip(*self._cable, "down")

    def plug(self) -> None:
        """Connect it again."""
        _ip(*self._cable, "up")

    def slow_down(self, megabits: int) -> None:
        """Let no more leave it in a second [Mbit]; 0 is as much as at first."""
        tc = ["tc", "-n", self.namespace, "qdisc"]
        if not megabits:
            subprocess.run([*tc, "del", "dev", "eth0", "root"], check=True)
            return
        shape = ("tbf", "rate", f"{megabits}mbit", "burst", "32k", "latency", "50ms")
        subprocess.run([*tc, "add", "dev", "eth0", "root", *shape], check=True)

    def wall_off(self, *ports: int) -> None:
        """Let nothing leave for the others but what goes to or from these TCP ports."""
        rule = ("-n", self.namespace, "rule", "add", "ipproto", "tcp")
        for port in ports:
            for end in ("sport", "dport"):
                _ip(*rule, "priority", "100", end, str(port), "lookup", "main")
        _ip(*rule, "priority", "200", "blackhole")

    def switch_off(self) -> None:
        """End everything on it."""
        self._power.kill()
        self._power.wait(WAIT_S)
        for process in self._typed:
            process.wait(WAIT_S)
        with suppress(subprocess.CalledProcessError):
            _ip("netns", "delete", self.namespace)


class Network:
    """Machines on one bridge, at 10.77.0.1 and so on; use it as a context.

    Args:
        folder: Where their folders are.
        names: Their names, in order.
    """

    def __init__(self, folder: Path, *names: str) -> None:
        self.folder, self.names = folder, names
        self.machines: dict[str, Machine] = {}
        self._switch = f"lk-test-{os.getpid()}-{next(_NUMBERS)}"

    def __enter__(self) -> Network:
        _check()
        _sweep()
        _ip("netns", "add", self._switch)
        try:
            _ip("-n", self._switch, "link", "add", "bridge", "type", "bridge")
            _ip("-n", self._switch, "link", "set", "bridge", "up")
            for n, name in enumerate(self.names, 1):
                place = (f"10.77.0.{n}", self.folder / name, self._switch)
                self.machines[name] = Machine(name, *place)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        for machine in self.machines.values():
            machine.switch_off()
        _ip("netns", "delete", self._switch)

    def __getitem__(self, name: str) -> Machine:
        return self.machines[name]


@contextmanager
def working_on(machine: Machine) -> Iterator[None]:
    """Let this thread, and all that it starts, use a machine's network."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{machine.namespace}", os.O_RDONLY)
    try:
        assert libc.setns(there, _NEWNET) == 0
        yield
    finally:
        assert libc.setns(home, _NEWNET) == 0
        os.close(home)
        os.close(there)


def _sweep() -> None:
    """Remove what tests left that were killed themselves."""
    for path in Path("/run/netns").glob("lk-test-*"):
        pid = re.findall(r"\d+", path.name)[0]
        if not Path(f"/proc/{pid}").exists():
            _ip("netns", "delete", path.name)
