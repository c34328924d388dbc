"""The state of a process of this machine, as the system has it in `/proc`."""

from __future__ import annotations

from pathlib import Path

HALTED = ("T", "t")
"""The states of a process that was stopped, by a signal or by a debugger."""

_ENDED = ("Z", "X")


def process_state(pid: int) -> str:
    """Return the letter of a process's state; empty if it has ended.

    Args:
        pid: The process, on this machine.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return ""
    state = stat.rpartition(")")[2].split()[0]
    return "" if state in _ENDED else state
