"""A run that is to end ends, whatever its components do."""

from __future__ import annotations

import io
import os
import pdb  # noqa: T100 - it is what is tried
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from like_keras_core import (
    Component,
    ComponentError,
    LaunchTimeoutError,
    Node,
    System,
)
from like_keras_core.tap import Tap
from like_keras_core.testing.components import Count
from like_keras_core.testing.subprocess_env import default_signals

pytestmark = pytest.mark.usefixtures("ctrl_c")

_diary: list[str] = []


class Hangs(Component):
    """Calls something that does not return, in one phase of its life.

    Args:
        phase: In which.
        hang: What it calls.
    """

    def __init__(self, phase: str, hang: Callable[[], object]) -> None:
        super().__init__(node=Node("a"))
        self.phase, self.hang = phase, hang

    def enter(self, phase: str) -> None:
        if phase == self.phase:
            self.hang()

    def on_configure(self) -> None:
        self.enter("on_configure")

    def on_activate(self) -> None:
        self.enter("on_activate")

    def forward(self, value: int) -> int:
        if value == 3:
            self.enter("forward")
        return value

    def on_deactivate(self) -> None:
        self.enter("on_deactivate")

    def on_shutdown(self) -> None:
        self.enter("on_shutdown")


class Motor(Component):
    """Notes whether it is on; it may fail at a tick."""

    def __init__(self, fails_at: int = -1) -> None:
        super().__init__(node=Node("b"))
        self.fails_at = fails_at

    def on_activate(self) -> None:
        _diary.append("on")

    def forward(self, value: int) -> None:
        if value == self.fails_at:
            raise ValueError("first")

    def on_deactivate(self) -> None:
        _diary.append("off")

    def on_shutdown(self) -> None:
        _diary.append("down")


def hung(phase: str, hang: Callable[[], object], timeout_s: float) -> ComponentError:
    """Return the error of a run of five ticks, one component of which hangs."""
    _diary.clear()
    system = System([Motor(), Count(), Hangs(phase, hang)])
    motor, count, hangs = system.components
    motor(hangs(count()))
    with pytest.raises(ComponentError) as caught:
        system.launch(5, stop_grace_s=0.3, timeout_s=timeout_s)
    return caught.value


def spin() -> None:
    """Keep Python busy for ever."""
    while True:
        pass


def try_again() -> None:
    """Catch every Exception, and go on."""
    while True:
        with suppress(Exception):
            time.sleep(60)


def take_a_lock() -> None:
    """Wait for a lock that nobody lets go."""
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


@pytest.mark.parametrize("hang", [spin, try_again, take_a_lock])
def test_code_that_does_not_return_is_interrupted(hang: Callable[[], object]) -> None:
    """And named, with tick and place; the motor is off, the report says how far."""
    before = set(threading.enumerate())

    error = hung("forward", hang, timeout_s=0.2)

    assert (error.component, error.node, error.tick) == ("hangs", "a", 3)
    assert error.phase == "forward"
    assert "did not return within stop_grace_s=0.3 once" in str(error)
    assert "after timeout_s" in str(error)
    assert hang.__name__ in str(error)
    assert error.report is not None
    assert (error.report.iterations, error.report.ended_by) == (3, "error")
    assert _diary == ["on", "off", "down"]
    assert set(threading.enumerate()) == before


@pytest.mark.parametrize("phase", ["forward", "on_deactivate", "on_shutdown"])
def test_each_phase_has_the_limit(phase: str) -> None:
    """On the way down without anybody's asking, too."""
    error = hung(phase, lambda: time.sleep(60), timeout_s=0.2)

    assert (error.component, error.phase) == ("hangs", phase)
    assert _diary.count("down") == 1
    assert _diary.count("off") == _diary.count("on")


@pytest.mark.parametrize("phase", ["on_configure", "on_activate"])
def test_a_hook_of_the_start_that_lasts_is_no_failure(phase: str) -> None:
    """A stop interrupts it, and says where it was; what was configured is shut down."""
    _diary.clear()
    system = System([Motor(), Count(), Hangs(phase, lambda: time.sleep(60))])
    motor, count, hangs = system.components
    motor(hangs(count()))

    with pytest.raises(LaunchTimeoutError, match=f"'hangs' was inside {phase}"):
        system.launch(timeout_s=0.2, stop_grace_s=0.3)

    assert _diary.count("off") == _diary.count("on")


def test_an_error_that_came_first_is_what_is_raised() -> None:
    """The hook that hangs afterwards is told of as well."""
    _diary.clear()
    count, hangs = Count(), Hangs("on_deactivate", lambda: time.sleep(60))
    motor = Motor(fails_at=2)
    motor(hangs(count()))

    with pytest.raises(ComponentError, match="ValueError: first") as caught:
        System([count, hangs, motor]).launch(stop_grace_s=0.3)

    assert (caught.value.component, caught.value.tick) == ("motor", 2)
    (later,) = caught.value.later
    assert "'hangs' failed in on_deactivate: HungComponent" in later


def test_a_long_tick_of_many_short_firings_is_named_by_one_of_them() -> None:
    """The limit is the tick's: what fires in it changes."""

    class Slow(Component):
        def forward(self, value: int) -> int:
            if value == 3:
                time.sleep(0.15)
            return value

    system = System([Count(), *(Slow() for _ in range(16))])

    with pytest.raises(ComponentError) as caught:
        system.launch(rate_hz=100, stop_grace_s=0.4, timeout_s=1.0)

    assert caught.value.component.startswith("slow_")
    assert caught.value.tick == 3


def test_at_a_breakpoint_time_does_not_count() -> None:
    """Whoever debugs a hook is not interrupted."""
    commands = io.StringIO("p 'looked'\ncontinue\n")

    class Thinks(io.StringIO):
        def readline(self, size: int | None = -1, /) -> str:  # type: ignore[override]
            time.sleep(0.6)
            return commands.readline()

    said = io.StringIO()
    debugger = pdb.Pdb(stdin=Thinks(), stdout=said, nosigint=True)
    hangs = Hangs("on_shutdown", debugger.set_trace)
    system = System([Count(), hangs, Motor()])

    report = system.launch(3, stop_grace_s=0.3)

    assert report.iterations == 3
    assert "looked" in said.getvalue()


def test_a_stop_while_starting_brings_nothing_more_up() -> None:
    """What was not begun is not begun; what was is shut down."""
    _diary.clear()
    stops: list[Callable[[], object]] = []
    hangs = Hangs("on_configure", lambda: [stop() for stop in stops])
    system = System([Count(), hangs, Motor()])
    stops.append(system.stop)

    report = system.launch()

    assert (report.iterations, report.ended_by) == (0, "stop")
    assert _diary == []


PROGRAM = """
import hashlib, sys, threading
import like_keras_core as lk
from like_keras_core.testing.components import Count

def hold_on():
    print("holds on", flush=True)
    {hang}

class Camera(lk.Component):
    takes = {takes}

    def forward(self, value: int) -> int:
        if value == 3 and "{phase}" == "forward":
            hold_on()
        return value

    def on_deactivate(self) -> None:
        if "{phase}" == "on_deactivate":
            hold_on()

class Motor(lk.Component):
    def forward(self, value: int) -> None:
        if value == {fails_at}:
            raise ValueError("first")

    def on_deactivate(self) -> None:
        print("motor off", flush=True)
        if {fails_at} == -2:
            raise ValueError("first")

robot = lk.System([Count(limit=9), Camera(), Motor()], name="robot")

if __name__ == "__main__":
    def launch():
        robot.launch(rate_hz=100, stop_grace_s={grace_s})

    if {is_threaded}:
        thread = threading.Thread(target=launch)
        thread.start()
        while "off" not in sys.argv:
            thread.join(0.1)
            if {is_threaded} and sys.stdin.readline():
                robot.stop()
    else:
        launch()
"""

FOREIGN = "hashlib.pbkdf2_hmac('sha256', b'x', b'y', 10**9)"
BARE = """
    while True:
        try:
            threading.Event().wait()
        except:
            pass
"""


def run_program(
    tmp_path: Path,
    signals: list[signal.Signals],
    *command: str,
    hang: str = FOREIGN,
    phase: str = "forward",
    fails_at: int = -1,
    grace_s: float = 0.5,
    is_threaded: bool = False,
    takes: int = 0,
) -> tuple[int, str, float]:
    """Run the program, send signals when it hangs, or stop it.

    Returns:
        Its exit code, what it printed, and how long it took to end [s].
    """
    path = tmp_path / "program.py"
    path.write_text(
        PROGRAM.format(
            hang=hang,
            phase=phase,
            fails_at=fails_at,
            grace_s=grace_s,
            is_threaded=is_threaded,
            takes=takes,
        )
    )
    with default_signals():
        process = subprocess.Popen(
            [sys.executable, *(command or (str(path),))],
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        assert process.stdout is not None
        said = ""
        while "holds on" not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        began = time.monotonic()
        for number in signals:
            time.sleep(0.1)
            process.send_signal(number)
        rest, _ = process.communicate("stop\n" if is_threaded else None, timeout=30)
        return process.returncode, said + rest, time.monotonic() - began
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("hang", [FOREIGN, BARE], ids=["foreign", "bare"])
def test_code_that_cannot_be_interrupted_ends_the_process(
    hang: str, tmp_path: Path
) -> None:
    """Once the motor is off, with the error and the report."""
    code, said, _ = run_program(tmp_path, [signal.SIGTERM], hang=hang)

    assert code == 4
    assert "motor off" in said
    assert "Component 'camera' on node 'main' failed in forward at tick 3" in said
    assert "in hold_on" in said
    assert "robot on native: 3 ticks" in said


def test_its_error_comes_after_one_that_came_first(tmp_path: Path) -> None:
    """No hook that hangs hides what went wrong."""
    code, said, _ = run_program(tmp_path, [], phase="on_deactivate", fails_at=2)

    assert code == 4
    assert "Component 'motor' on node 'main' failed in forward at tick 2" in said
    assert "ValueError: first" in said
    assert "Afterwards 'camera' failed in on_deactivate" in said


def test_nor_does_it_hide_another_hook(tmp_path: Path) -> None:
    """What an earlier hook of the same phase raised comes first."""
    code, said, _ = run_program(tmp_path, [], phase="on_deactivate", fails_at=-2)

    assert code == 4
    assert "Component 'motor' on node 'main' failed in on_deactivate" in said
    assert "ValueError: first" in said
    assert "Afterwards 'camera' failed in on_deactivate" in said


def test_a_second_signal_does_not_wait_for_the_limit(tmp_path: Path) -> None:
    """Not even where foreign code keeps Python from handling either."""
    signals = [signal.SIGINT, signal.SIGINT]

    code, said, took_s = run_program(tmp_path, signals, grace_s=20)

    assert code == 4
    assert "motor off" in said
    assert took_s < 10


@pytest.mark.parametrize("phase", ["forward", "on_deactivate"])
def test_a_second_signal_ends_the_wait_for_a_thread(phase: str, tmp_path: Path) -> None:
    """Of a component that takes ticks; the process goes on with what follows."""
    signals = [signal.SIGINT, signal.SIGINT]
    hang = "threading.Event().wait()"

    code, said, took_s = run_program(
        tmp_path, signals, hang=hang, phase=phase, takes=1, grace_s=20
    )

    assert code in (-signal.SIGINT, 130)
    assert "motor off" in said
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert took_s < 5


def test_a_launch_outside_the_main_thread_ends_too(tmp_path: Path) -> None:
    """Nothing interrupts its thread, so that the process exits."""
    code, said, _ = run_program(
        tmp_path, [], hang="threading.Event().wait()", is_threaded=True
    )

    assert code == 4
    assert "motor off" in said
    assert "Component 'camera' on node 'main' failed in forward at tick 3" in said


def test_lk_prints_what_it_does_of_any_error(tmp_path: Path) -> None:
    """The report, the error once, and the exit code of a component that failed."""
    command = ("-m", "like_keras_core", "launch", "program.py", "--stop-grace-s", "0.5")

    code, said, _ = run_program(tmp_path, [signal.SIGTERM], *command)

    assert code == 4
    assert "motor off" in said
    assert said.count("error: Component 'camera' on node 'main' failed in forward") == 1
    assert "robot on native: 3 ticks" in said


def test_two_quick_ctrl_c_leave_one_short_traceback(tmp_path: Path) -> None:
    """It says where the program was, and nothing happened during anything."""
    hang = "threading.Event().wait()"
    signals = [signal.SIGINT, signal.SIGINT]

    code, said, took_s = run_program(tmp_path, signals, hang=hang, grace_s=20)

    assert code == -signal.SIGINT
    assert "motor off" in said
    assert said.count("Traceback") == 1
    assert "During handling" not in said
    assert "in hold_on" in said
    assert "host_base.py" not in said
    assert took_s < 10


class Homes(Component):
    """Switches on and goes home, which takes its time."""

    def on_activate(self) -> None:
        _diary.append("on")
        time.sleep(60)

    def forward(self) -> int:
        return 0

    def on_deactivate(self) -> None:
        _diary.append("off")


def test_an_activation_that_is_interrupted_is_taken_back() -> None:
    """Its author cannot foresee it: what it has switched on is switched off."""
    _diary.clear()

    with pytest.raises(LaunchTimeoutError):
        System([Homes()]).launch(timeout_s=0.2, stop_grace_s=0.3)

    assert _diary == ["on", "off"]


class Stalls:
    """A tap on a disk that stands still."""

    def __call__(self, tick: int, value: object) -> None:
        if tick == 3:
            time.sleep(60)


def test_a_tap_that_hangs_is_named_and_the_motor_goes_off() -> None:
    """It is no component's fault."""
    _diary.clear()
    count, motor = Count(), Motor()
    motor(count())
    tap = Tap(count.outputs.output, f"{__name__}:Stalls")

    with pytest.raises(ComponentError, match=r"A tap failed .*HungComponent") as caught:
        System([count, motor]).launch(timeout_s=0.2, stop_grace_s=0.3, taps=[tap])

    assert f"{__name__}:Stalls" in str(caught.value)
    assert _diary == ["on", "off", "down"]


class Mute(Exception):
    """An exception that takes for ever to say what it is."""

    def __str__(self) -> str:
        time.sleep(60)
        return ""


def test_an_exception_that_does_not_say_what_it_is_ends_the_run() -> None:
    """Its type is known."""

    class Fails(Component):
        def forward(self) -> int:
            raise Mute

    with pytest.raises(ComponentError, match=r"Mute: .what says it did not return"):
        System([Fails()]).launch(3)


FORCED = """
import sys, threading, time
from like_keras_core import Component, System

class Motor(Component):
    def __init__(self, ramp_s: float = 0.0) -> None:
        super().__init__()
        self.ramp_s = ramp_s
    def forward(self) -> int:
        time.sleep(0.01)
        return 0
    def on_deactivate(self) -> None:
        time.sleep(self.ramp_s)
        print("off", flush=True)

class Hog(Component):
    def forward(self) -> int:
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass

def other() -> None:
    System([Motor()], name="other").launch()

def stalls(ticks) -> None:
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass

if __name__ == "__main__":
    what = sys.argv[1]
    motors = [Motor(0.6) for _ in range(4)]
    if what == "progress":
        System(motors).launch(timeout_s=0.3, stop_grace_s=1.0, progress=stalls)
    if what == "other":
        threading.Thread(target=other, daemon=True).start()
        time.sleep(0.5)
    System([*motors, Hog()]).launch(timeout_s=0.3, stop_grace_s=1.0)
"""


@pytest.mark.parametrize(("what", "motors"), [("", 4), ("other", 5), ("progress", 4)])
def test_a_process_that_has_to_exit_takes_everything_down(
    what: str, motors: int, tmp_path: Path
) -> None:
    """Each hook has its time, and other launches of the process are ended, too."""
    script = tmp_path / "forced.py"
    script.write_text(FORCED)

    done = subprocess.run(
        [sys.executable, str(script), what],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 4, done.stderr
    assert done.stdout.count("off") == motors
    assert ("stalls" if what == "progress" else "hog") in done.stderr
