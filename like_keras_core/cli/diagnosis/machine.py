"""What a machine gives a robot: memory, limits, cores, clock, network; each its cure.

Nothing here is a failure but a loopback that does not work: what is scarce makes runs
slow, or keeps some systems from running.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from like_keras_core.cli.diagnosis.realtime import realtime_checks
from like_keras_core.cli.engine_check.finding import Check
from like_keras_core.runtime.os_resources.os_limits import lockable_memory, soft_limit

_MEMORY = Path("/dev/shm")
_CLOCK = Path("/sys/devices/system/clocksource/clocksource0/current_clocksource")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
_SLOW_CLOCKS = ("acpi_pm", "hpet", "jiffies", "refined-jiffies", "pit")
_ENOUGH_SHARED, _ENOUGH_LOCKED = 256 << 20, 512 << 20
_ENOUGH_FILES, _ENOUGH_PORTS = 1024, 1000
_GROUP = "239.255.76.67"
_REMOUNT = "mount -o remount,size=2G /dev/shm; docker run --shm-size=2g"
UNLOCK = (
    "ulimit -l unlimited; docker run --ulimit memlock=-1; LimitMEMLOCK=infinity in a "
    "systemd unit"
)
"""What lets processes lock memory."""


def machine_checks() -> Iterator[Check]:
    """Yield what there is to say about this machine."""
    if _MEMORY.is_dir():
        found = os.statvfs(_MEMORY)
        size, free = (n * found.f_frsize for n in (found.f_blocks, found.f_bavail))
        yield shared_memory(size, free)
    yield locked_memory(lockable_memory())
    yield descriptors(soft_limit("RLIMIT_NOFILE"))
    yield cores(_usable_cores(), _quota())
    if clock := _text(_CLOCK):
        yield clock_source(clock)
    yield from realtime_checks()
    yield loopback()
    if ports := _text(_PORTS).split():
        yield port_range(int(ports[0]), int(ports[1]))
    yield multicast()


def shared_memory(size: int, free: int) -> Check:
    """Judge the shared memory of this machine [byte]."""
    text = f"{_mega(free)} of {_mega(size)} free"
    if free >= _ENOUGH_SHARED:
        return Check("PASS", "/dev/shm", text)
    why = "Large values are then sent complete, and many times slower"
    return Check("WARN", "/dev/shm", f"{text}. {why}. {_REMOUNT}")


def locked_memory(limit: int | None) -> Check:
    """Judge how much memory may be locked [byte]; None is without limit."""
    if limit is None:
        return Check("PASS", "locked memory", "unlimited")
    text = f"{_mega(limit)} for each process"
    if limit >= _ENOUGH_LOCKED:
        return Check("PASS", "locked memory", text)
    why = "Shared memory that cannot be locked is not used: large values are slower"
    return Check("WARN", "locked memory", f"{text}. {why}. {UNLOCK}")


def descriptors(limit: int | None) -> Check:
    """Judge how many files a process may have open; None is without limit."""
    text = "unlimited" if limit is None else f"{limit} for each process"
    if limit is None or limit >= _ENOUGH_FILES:
        return Check("PASS", "file descriptors", text)
    cure = "ulimit -n 4096; docker run --ulimit nofile=4096; LimitNOFILE=4096"
    return Check("WARN", "file descriptors", f"{text}, which is little. {cure}")


def cores(count: int, quota: float | None) -> Check:
    """Judge how much of the processor may be used.

    Args:
        count: The cores.
        quota: How many of them at a time, on average; None is all.
    """
    text = f"{count} can be used"
    if quota is not None and quota < count:
        text += f", and {quota:g} at a time"
    if min(count, quota or count) >= 2:
        return Check("PASS", "cores", text)
    cure = (
        "Processes take turns on one. docker run --cpus, taskset and CPUQuota= set it"
    )
    return Check("WARN", "cores", f"{text}. {cure}")


def clock_source(name: str) -> Check:
    """Judge the clock of the kernel, which is read at every tick."""
    if name not in _SLOW_CLOCKS:
        return Check("PASS", "clock source", name)
    cure = "Start the kernel with tsc=reliable, if the processor's clock is"
    text = f"{name}, which takes about a microsecond to read. {cure}"
    return Check("WARN", "clock source", text)


def loopback() -> Check:
    """Try to connect to this machine, as the processes of a run do."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(2)
            address = server.getsockname()
            with socket.create_connection(address, timeout=2):
                server.accept()[0].close()
    except OSError as error:
        cure = "ip link set lo up; let the firewall pass 127.0.0.1"
        return Check("FAIL", "loopback", f"127.0.0.1 cannot be used: {error}. {cure}")
    return Check("PASS", "loopback", "a port can be opened and reached")


def port_range(first: int, last: int) -> Check:
    """Judge from which ports those are taken that nobody asked for by number."""
    text = f"{first} to {last} are given out"
    if last - first >= _ENOUGH_PORTS:
        return Check("PASS", "ports", text)
    cure = "sysctl net.ipv4.ip_local_port_range='32768 60999'"
    return Check("WARN", "ports", f"{text}, which is few. {cure}")


def multicast() -> Check:
    """Try to hear what this machine sends to a group, as ROS and daemons do."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
            ear.bind(("", 0))
            ear.settimeout(1)
            group = struct.pack("4sl", socket.inet_aton(_GROUP), socket.INADDR_ANY)
            ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
            ear.sendto(b"like_keras", (_GROUP, ear.getsockname()[1]))
            ear.recvfrom(64)
    except OSError as error:
        cure = (
            "Machines may not find each other by themselves: ip route add 224.0.0.0/4 "
            "dev eth0; let the firewall pass UDP; docker run --network host"
        )
        return Check("WARN", "multicast", f"it does not arrive: {error}. {cure}")
    return Check("PASS", "multicast", "a message to a group arrives")


def _usable_cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _quota() -> float | None:
    """Return how many cores a container may use at a time; None is all."""
    words = _text(_QUOTA).split()
    if len(words) != 2 or not all(word.isdecimal() for word in words):
        return None
    return int(words[0]) / int(words[1])


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _mega(size: int) -> str:
    return f"{size / 1e6:.0f} MB"
