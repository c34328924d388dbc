"""Real-time rights: a priority, locked memory, and a core of its own for a thread.

Linux may refuse each of them; then a sentence says what would help.

The priority is the thread's that asks. Threads and processes that it starts later do
not inherit it (SCHED_RESET_ON_FORK), but they inherit the core to which it is pinned;
see `leave_core`.

References:
    sched(7), mlockall(2); RT throttling: /proc/sys/kernel/sched_rt_runtime_us.
"""

from __future__ import annotations

import ctypes
import os
import platform
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from like_keras_core.runtime.os_resources.os_limits import (
    lockable_memory,
    realtime_priority,
)

PRIORITY = 50
"""What is asked for: above ordinary threads, and below those of most drivers."""

PRIORITY_CURE = (
    "'USER - rtprio 99' in a file in /etc/security/limits.d and a new login (ulimit -r "
    "shows it); LimitRTPRIO=99 in a systemd unit; docker run --cap-add=sys_nice "
    "--ulimit rtprio=99; or the capability CAP_SYS_NICE"
)
"""What lets threads have a real-time priority."""

MEMORY_CURE = (
    "'USER - memlock unlimited' in a file in /etc/security/limits.d and a new login "
    "(ulimit -l shows it); LimitMEMLOCK=infinity in a systemd unit; docker run "
    "--ulimit memlock=-1; or the capability CAP_IPC_LOCK"
)
"""What lets processes lock all of their memory."""

CORE_CURE = "isolcpus=2,3 on the command line of the kernel isolates the cores 2 and 3"
"""What gives a machine cores for nobody but those who ask for them."""

_ISOLATED = Path("/sys/devices/system/cpu/isolated")
_STATUS = Path("/proc/self/status")

_ALL_ON_FAULT = 1 | 2 | 4
"""MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT: what is used stays in memory. Without the
last one all would be filled that is reserved, as pools of shared memory: gigabytes."""

_lock = threading.Lock()


@dataclass(slots=True)
class _Process:
    """What was changed of this process; under `_lock`.

    Args:
        locking: Of how many runs the memory is locked.
        ordinary_cores: Those of threads that are not pinned; None before one was.
    """

    locking: int = 0
    ordinary_cores: set[int] | None = None


_process = _Process()


class RealtimeRights:
    """Asks for real-time rights for the calling thread and its process.

    Nothing here raises where a right is refused.

    Args:
        number: The number of this process among those of the run on this machine: each
            takes another core.

    Attributes:
        got: What was given, a sentence without a full stop each.
        refused: What was not, why, and what helps.
        priority: That of the thread; 0 where there is none.
    """

    def __init__(self, number: int = 0) -> None:
        self.got: list[str] = []
        self.refused: list[str] = []
        self.priority = 0
        self._thread = threading.get_native_id()
        # What was before, where that has been changed.
        self._scheduling: tuple[int, os.sched_param] | None = None
        self._cores: set[int] | None = None
        self._has_locked = False
        if platform.system() != "Linux":
            self.refused.append(
                f"real-time rights are not available on {platform.system()}: "
                "like_keras asks for them on Linux only"
            )
            return
        self._pin(number)
        self._lock_memory()
        self._schedule()

    def _schedule(self) -> None:
        most = realtime_priority()
        # One is left for who looks after this thread.
        priority = max(1, min(PRIORITY, most - 1)) if most else PRIORITY
        before = os.sched_getscheduler(0), os.sched_getparam(0)
        try:
            os.sched_setscheduler(0, _fifo(), os.sched_param(priority))
        except OSError as error:
            limit = f"; the limit of this process is {most}" if most < PRIORITY else ""
            self.refused.append(
                f"no SCHED_FIFO ({error.strerror}{limit}). It takes {PRIORITY_CURE}"
            )
            return
        self._scheduling, self.priority = before, priority
        self.got.append(f"SCHED_FIFO with priority {priority}")

    def _lock_memory(self) -> None:
        limit = lockable_memory()
        if limit is not None:
            self.refused.append(
                f"memory is not locked (the limit is {limit / 1e6:.0f} MB, and with "
                f"any limit memory could not be had later). It takes {MEMORY_CURE}"
            )
            return
        with _lock:
            if not _process.locking:
                was_locked = _is_locked()
                if error := _call("mlockall", _ALL_ON_FAULT):
                    self.refused.append(f"memory is not locked ({os.strerror(error)})")
                    return
                # What the program has locked itself stays so.
                _process.locking += was_locked
            _process.locking += 1
            self._has_locked = True
        self.got.append("memory locked")

    def _pin(self, number: int) -> None:
        isolated = isolated_cores()
        if not isolated:
            self.refused.append(f"not pinned, as no core is isolated; {CORE_CURE}")
            return
        if number >= len(isolated):
            names = ", ".join(map(str, isolated))
            self.refused.append(
                f"not pinned, as other nodes take each isolated core ({names})"
            )
            return
        before = os.sched_getaffinity(0)
        try:
            os.sched_setaffinity(0, {isolated[number]})
        except OSError as error:
            self.refused.append(
                f"not pinned to core {isolated[number]} ({error.strerror}); a cpuset "
                "of a container or a service may leave it out"
            )
            return
        self._cores = before
        with _lock:
            _process.ordinary_cores = _process.ordinary_cores or before
        self.got.append(f"pinned to core {isolated[number]}, which is isolated")

    def outrank(self) -> None:
        """Give the calling thread one more than the thread that has the rights."""
        if self._scheduling is not None:
            with suppress(OSError):
                above = os.sched_param(self.priority + 1)
                os.sched_setscheduler(0, _fifo(), above)

    def suspend(self) -> None:
        """Let the thread be as it was before, until `resume`; from any thread."""
        if self._scheduling is not None:
            policy, parameter = self._scheduling
            # Only who may do anything may take back that children inherit nothing.
            for flags in (policy, policy | os.SCHED_RESET_ON_FORK):
                with suppress(OSError):
                    os.sched_setscheduler(self._thread, flags, parameter)
                    break

    def resume(self) -> None:
        """Give the thread its priority again; from any thread."""
        if self._scheduling is not None:
            with suppress(OSError):
                same = os.sched_param(self.priority)
                os.sched_setscheduler(self._thread, _fifo(), same)

    def give_back(self) -> None:
        """Undo what was given; from any thread, more than once."""
        self.suspend()
        self._scheduling = None
        if self._cores is not None:
            cores, self._cores = self._cores, None
            with suppress(OSError):  # The thread may have ended.
                os.sched_setaffinity(self._thread, cores)
        if self._has_locked:
            self._has_locked = False
            with _lock:
                _process.locking -= 1
                if not _process.locking:
                    _call("munlockall")


def _fifo() -> int:
    """Return the policy of real-time threads, which is not inherited."""
    return os.SCHED_FIFO | os.SCHED_RESET_ON_FORK


def leave_core() -> None:
    """Let the calling thread run on the cores of ordinary ones.

    For a thread that was started by one which is pinned: they would share a core, and
    it would get what the other one leaves.
    """
    if _process.ordinary_cores is not None:
        with suppress(OSError):  # What it has may be all that it may have.
            os.sched_setaffinity(0, _process.ordinary_cores)


def isolated_cores() -> list[int]:
    """Return the cores that the scheduler gives to nobody who does not ask."""
    try:
        words = _ISOLATED.read_text().strip().split(",")
        bounds = [word.partition("-") for word in words if word]
        return [
            core
            for first, _, last in bounds
            for core in range(int(first), int(last or first) + 1)
        ]
    except (OSError, ValueError):
        return []


def _is_locked() -> bool:
    """Say whether any memory of this process is locked."""
    lines = _STATUS.read_text(errors="replace").splitlines()
    return any(x.startswith("VmLck:") and int(x.split()[1]) > 0 for x in lines)


def _call(name: str, *arguments: int) -> int:
    """Call a function of the C library; return its error number, or 0."""
    try:
        function = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (OSError, AttributeError):
        return 38  # ENOSYS
    return ctypes.get_errno() if function(*arguments) else 0
