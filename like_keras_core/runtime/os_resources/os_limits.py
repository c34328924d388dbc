"""What the operating system allows this process: locked memory, for one."""

from __future__ import annotations

from pathlib import Path

_CAP_IPC_LOCK, _CAP_SYS_NICE = 14, 23
_STATUS = Path("/proc/self/status")


def lockable_memory() -> int | None:
    """Return how much memory this process may lock [byte]; None is without limit."""
    limit = soft_limit("RLIMIT_MEMLOCK")
    return None if limit is None or has_capability(_CAP_IPC_LOCK) else limit


def realtime_priority() -> int:
    """Return the highest realtime priority that this process may have; 0 is none."""
    if has_capability(_CAP_SYS_NICE):
        return 99
    limit = soft_limit("RLIMIT_RTPRIO")
    return 99 if limit is None else limit


def soft_limit(name: str) -> int | None:
    """Return a limit of this process; None is without limit, or not known here."""
    try:
        import resource
    except ImportError:  # Windows has none.
        return None
    number = getattr(resource, name, None)
    if number is None:
        return None
    limit = resource.getrlimit(number)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def has_capability(number: int) -> bool:
    """Say whether Linux lets this process do what a capability is for."""
    try:
        lines = _STATUS.read_text(errors="replace").splitlines()
    except OSError:
        return False
    found = [line.split()[1] for line in lines if line.startswith("CapEff:")]
    return bool(found) and bool(int(found[0], 16) >> number & 1)
