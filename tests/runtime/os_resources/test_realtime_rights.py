"""Real-time rights: what a process gets, what it is refused, and what is said of it.

Each case runs in a process of its own: rights belong to processes.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from like_keras_core.runtime.os_resources import realtime_rights
from like_keras_core.runtime.os_resources.os_limits import (
    lockable_memory,
    realtime_priority,
)
from like_keras_core.runtime.os_resources.realtime_rights import RealtimeRights

linux = pytest.mark.skipif(platform.system() != "Linux", reason="Linux gives them.")
granted = pytest.mark.skipif(
    platform.system() != "Linux"
    or realtime_priority() < 50
    or lockable_memory() is not None,
    reason="This process may not have them.",
)
refused = pytest.mark.skipif(
    platform.system() != "Linux"
    or (realtime_priority() > 0 and shutil.which("setpriv") is None),
    reason="Nothing here gives up rights.",
)

LAUNCH = """
    import logging, os, threading
    import like_keras_core as lk

    class Look(lk.Component):
        def forward(self) -> None:
            self.policy = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
            self.locked = locked()
            thread = threading.Thread(target=self.look)
            thread.start()
            thread.join()

        def look(self) -> None:
            self.inherited = os.sched_getscheduler(0)

    def locked() -> int:
        with open("/proc/self/status") as file:
            return int(next(x for x in file if x.startswith("VmLck")).split()[1])

    logging.basicConfig(level=logging.INFO)
    look = Look()
    report = lk.System([look]).launch(2, engine="native", realtime=True{options})
    print(*report.realtime, sep="\\n")
    print("FIFO", look.policy == os.SCHED_FIFO, look.inherited == os.SCHED_FIFO)
    print("locked", look.locked > 0)
    after = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
    print("after", after == os.SCHED_OTHER, locked())
"""


def run(folder: Path, code: str, *before: str) -> str:
    """Run code in a process of its own; return all that it printed."""
    done = subprocess.run(
        [*before, sys.executable, "-c", dedent(code)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def without_rights() -> list[str]:
    """Return what runs a command that may have nothing."""
    limited = ["sh", "-c", 'ulimit -l 64; exec "$@"', "sh"]
    if os.geteuid():
        return limited
    return ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *limited]


@granted
def test_what_is_given_is_used_said_and_given_back(tmp_path: Path) -> None:
    """The loop's thread has the priority, others that it starts have not."""
    printed = run(tmp_path, LAUNCH.format(options=", rate_hz=100"))

    assert "Real time, system 'system': SCHED_FIFO with priority 50." in printed
    assert "INFO" in printed or "WARNING" in printed
    assert "memory locked" in printed
    assert "FIFO True False" in printed
    assert "locked True" in printed
    assert "after True 0" in printed


@refused
def test_what_is_refused_is_said_with_what_helps(tmp_path: Path) -> None:
    """The run goes on as without, and the report and the log say why."""
    code = LAUNCH.format(options=", rate_hz=100")
    printed = run(tmp_path, code, *without_rights())

    assert "no SCHED_FIFO (Operation not permitted" in printed
    assert "the limit of this process is 0" in printed
    assert "/etc/security/limits.d" in printed
    assert "memory is not locked (the limit is 0 MB" in printed
    assert "WARNING:like_keras_core:Real time, system 'system'" in printed
    assert "FIFO False False" in printed
    assert "locked False" in printed
    assert "after True 0" in printed


@linux
def test_without_a_rate_nothing_is_asked_for(tmp_path: Path) -> None:
    """A loop that never waits would leave nothing to others."""
    printed = run(tmp_path, LAUNCH.format(options=""))

    assert "nothing was asked for: the run has no rate; give it rate_hz" in printed
    assert "FIFO False False" in printed


@granted
def test_a_limited_priority_is_taken(tmp_path: Path) -> None:
    """As much as there is, but one for who looks after the loop."""
    code = """
        import os
        from like_keras_core.runtime.os_resources import realtime_rights as module
        module.realtime_priority = lambda: 7
        rights = module.RealtimeRights()
        print(os.sched_getparam(0).sched_priority, rights.got)
    """

    assert "6 [" in run(tmp_path, code)


@linux
def test_a_run_is_pinned_to_an_isolated_core(tmp_path: Path) -> None:
    """Each process to another one; its other threads can leave that core."""
    code = """
        import os, threading
        from pathlib import Path
        from like_keras_core.runtime.os_resources import realtime_rights as module
        before = os.sched_getaffinity(0)
        core = max(before)
        Path("isolated").write_text(f"{core}\\n")
        module._ISOLATED = Path("isolated")
        rights = module.RealtimeRights()
        print(f"is_pinned={os.sched_getaffinity(0) == {core}}", rights.got)
        def work():
            module.leave_core()
            print(f"has_left={os.sched_getaffinity(0) == before}")
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        print(module.RealtimeRights(1).refused)
        rights.give_back()
        rights.give_back()
        print(f"is_undone={os.sched_getaffinity(0) == before}")
    """

    printed = run(tmp_path, code)

    assert "is_pinned=True" in printed
    assert "has_left=True" in printed
    assert "is_undone=True" in printed
    assert "not pinned, as other nodes take each isolated core" in printed


def test_a_list_of_cores_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the kernel writes it; nothing where there is none."""
    file = tmp_path / "isolated"
    monkeypatch.setattr(realtime_rights, "_ISOLATED", file)

    assert realtime_rights.isolated_cores() == []
    file.write_text("\n")
    assert realtime_rights.isolated_cores() == []
    file.write_text("1,4-6\n")
    assert realtime_rights.isolated_cores() == [1, 4, 5, 6]


@granted
def test_memory_that_nobody_uses_is_not_filled(tmp_path: Path) -> None:
    """What is reserved, before or during the run, stays with the others."""
    code = """
        import mmap
        from like_keras_core.runtime.os_resources.realtime_rights import RealtimeRights

        def resident():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * mmap.PAGESIZE

        blocks = [mmap.mmap(-1, 256 << 20)]
        before = resident()
        rights = RealtimeRights()
        blocks.append(mmap.mmap(-1, 256 << 20))
        print(rights.got, resident() - before < 64 << 20)
    """

    printed = run(tmp_path, code)
    assert "'memory locked'" in printed
    assert "True" in printed


@granted
def test_memory_is_locked_until_the_last_run_ends(tmp_path: Path) -> None:
    """Runs in several threads of a process share its memory."""
    code = """
        from like_keras_core.runtime.os_resources import realtime_rights as module
        first, second = module.RealtimeRights(), module.RealtimeRights()
        first.give_back()
        print(module._is_locked())
        second.give_back()
        print(module._is_locked())
    """

    assert run(tmp_path, code).split() == ["True", "False"]


def test_another_system_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked for, and nothing raises."""
    monkeypatch.setattr(platform, "system", lambda: "Darwin")

    rights = RealtimeRights()
    rights.give_back()

    assert rights.got == []
    assert "not available on Darwin" in rights.refused[0]


@granted
def test_a_loop_that_does_not_get_on_loses_its_priority(tmp_path: Path) -> None:
    """Until its tick has ended: others are to end the run, and turn motors off."""
    code = """
        import os, time
        import like_keras_core as lk

        def policy() -> int:
            return os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK

        class Busy(lk.Component):
            def on_activate(self) -> None:
                self.ticks, self.lost = [], False

            def forward(self) -> None:
                self.ticks.append(policy())
                until = time.monotonic() + 20
                while len(self.ticks) == 3 and not self.lost:
                    self.lost = policy() == os.SCHED_OTHER
                    assert time.monotonic() < until

        busy = Busy()
        lk.System([busy], rate_hz=100).launch(6, engine="native", realtime=True)
        print(busy.lost, set(busy.ticks) == {os.SCHED_FIFO})
    """

    assert "True True" in run(tmp_path, code)
