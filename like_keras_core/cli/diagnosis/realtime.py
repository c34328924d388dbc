"""What `lk launch --realtime` asks for, and what else keeps a pace: is it there?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from like_keras_core.cli.engine_check.finding import Check
from like_keras_core.runtime.os_resources.os_limits import (
    lockable_memory,
    realtime_priority,
)
from like_keras_core.runtime.os_resources.realtime_rights import (
    CORE_CURE,
    MEMORY_CURE,
    PRIORITY,
    PRIORITY_CURE,
    isolated_cores,
)

_KERNEL = Path("/sys/kernel/realtime")
_CPUS = Path("/sys/devices/system/cpu")
_GOVERNOR = "cpu[0-9]*/cpufreq/scaling_governor"
_STEADY = "performance"


def realtime_checks() -> Iterator[Check]:
    """Yield what there is to say about keeping a pace on this machine."""
    yield priority(realtime_priority())
    yield memory(lockable_memory())
    if not _CPUS.is_dir():  # Not Linux.
        return
    yield isolation(isolated_cores())
    yield kernel(_KERNEL.is_file() and _KERNEL.read_text().strip() == "1")
    if governors := {path.read_text().strip() for path in _CPUS.glob(_GOVERNOR)}:
        yield frequency(governors)


def priority(most: int) -> Check:
    """Judge the highest realtime priority that is allowed; 0 is none."""
    if most >= PRIORITY:
        return Check("PASS", "realtime rights", f"priorities up to {most}")
    text = f"priorities up to {most}" if most else "none"
    cure = f"Where a pace must be kept: {PRIORITY_CURE}"
    return Check("WARN", "realtime rights", f"{text}. {cure}")


def memory(limit: int | None) -> Check:
    """Judge whether all memory of a process may be locked: None is without limit."""
    if limit is None:
        return Check("PASS", "realtime memory", "all of it can be locked")
    text = "cannot be locked as a whole, as there is a limit"
    cure = f"Where a pace must be kept: {MEMORY_CURE}"
    return Check("WARN", "realtime memory", f"{text}. {cure}")


def isolation(cores: Sequence[int]) -> Check:
    """Judge which cores are free of what nobody has put there."""
    if cores:
        text = f"isolated: {', '.join(map(str, cores))}"
        return Check("PASS", "realtime cores", text)
    text = f"none is isolated. Where a pace must be kept: {CORE_CURE}"
    return Check("WARN", "realtime cores", text)


def kernel(is_realtime: bool) -> Check:
    """Judge whether the kernel is made for short delays."""
    if is_realtime:
        return Check("PASS", "realtime kernel", "PREEMPT_RT")
    cure = (
        "Where delays of a millisecond matter: a kernel with PREEMPT_RT, such as "
        "linux-image-rt-amd64 of Debian or pro enable realtime-kernel on Ubuntu"
    )
    return Check("WARN", "realtime kernel", f"not PREEMPT_RT. {cure}")


def frequency(governors: Collection[str]) -> Check:
    """Judge what sets the clock of the cores."""
    text = ", ".join(sorted(governors))
    if set(governors) == {_STEADY}:
        return Check("PASS", "cpu governor", text)
    cure = f"cpupower frequency-set -g {_STEADY}"
    why = "A core that was idle begins slowly"
    return Check("WARN", "cpu governor", f"{text}. {why}. {cure}")
