"""Processes of a launch: which of them live, how one has ended, and their end.

Each is started as the leader of a session, so that what it starts itself is found too.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from like_keras_core.runtime.control.environment import DESERTED

_PROCESSES = Path("/proc")
_LOOK_S = 0.02
_HALTED = "Tt"
_THREADS = 17
"""The place of the number of threads in `/proc/PID/stat`, behind the name."""


def sessions(leaders: Collection[int]) -> dict[int, str]:
    """Return the processes of sessions and their states, as `/proc` names them.

    A process that has ended and was not waited for is none of them. Without a file
    descriptor to look there it is the leaders that live, in an unknown state.
    """
    wanted = {str(leader) for leader in leaders}
    found = {}
    try:
        for name in os.listdir(_PROCESSES):
            if name.isdecimal() and (state := _state_in(name, wanted)):
                found[int(name)] = state
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            raise
        return {x: "?" for x in leaders if exit_code(x) is None}
    return found


def _state_in(name: str, leaders: Collection[str]) -> str:
    """Return the state of a process; empty if it is not in one of the sessions."""
    try:
        stat = (_PROCESSES / name / "stat").read_text(errors="replace")
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return ""
    fields = stat.rpartition(")")[2].split()
    # One whose first thread has ended holds its locks while others end.
    is_living = fields[0] not in "ZX" or int(fields[_THREADS]) > 1
    return fields[0] if fields[3] in leaders and is_living else ""


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    """Kill a process, or send it another signal, if it still lives."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def is_alive(pid: int) -> bool:
    """Tell whether there is a process of that number, of whatever user."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass  # It is another user's, or there can be no such number.
    return True


def exit_code(pid: int) -> int | None:
    """Return a child's exit code, as `subprocess` has it; None while it lives.

    The child is not waited for, so that its number is not reused.
    """
    found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if found is None:
        return None
    is_exit = found.si_code == os.CLD_EXITED
    return found.si_status if is_exit else -found.si_status


def exit_text(code: int) -> str:
    """Say how a process ended, by its exit code as of `subprocess`.

    Such as `"it ended with exit code 3"` or `"it was killed by SIGKILL"`: the words in
    which a lost process is reported.
    """
    if code == DESERTED:
        left = "as a node's does that has heard nothing of the launching process"
        return f"it ended with exit code {code}, {left} for heartbeat_s"
    if code >= 0:
        return f"it ended with exit code {code}"
    try:
        return f"it was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"it was killed by signal {-code}"


def end_sessions(
    leaders: Collection[int],
    leave_s: float,
    late: Callable[[], object] = lambda: None,
    is_hurried: Callable[[], bool] = lambda: False,
) -> None:
    """Give sessions time to end, and kill what is left of them.

    Returns when no process of theirs lives; not before, whatever interrupts it.

    Args:
        leaders: The leaders, children of this process that were not waited for.
        leave_s: How long they may take [s].
        late: Called once, when they have taken a fifth of that.
        is_hurried: Whether they have had time enough.
    """
    began = time.monotonic()
    is_late = False
    try:
        while (states := sessions(leaders)) and time.monotonic() < began + leave_s:
            if is_hurried():
                break
            for pid, state in states.items():
                if state in _HALTED:
                    kill(pid)  # It would never end.
            if not is_late and time.monotonic() > began + leave_s / 5:
                is_late = True
                late()
            time.sleep(_LOOK_S)
    finally:
        while states := sessions(leaders):
            for pid in states:
                kill(pid)
            time.sleep(_LOOK_S)
