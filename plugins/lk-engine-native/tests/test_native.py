"""The native engine as users meet it: found, run, interrupted, and exact."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

import like_keras_core as lk
from like_keras_core import System
from like_keras_core.plugins.discovery import find_engines
from like_keras_core.plugins.engine_registry import get_engine, list_engines
from like_keras_core.testing.components import Count, Scale
from like_keras_core.testing.subprocess_env import default_signals


def test_it_is_found_by_its_entry_point() -> None:
    """Installed is enough."""
    (record,) = [item for item in find_engines() if item.name == "native"]

    assert (record.status, record.distribution) == ("ok", "lk-engine-native")
    assert "native" in list_engines()


def test_it_answers_plain_calls() -> None:
    """validate, compile and launch take a System or a spec."""
    system = System([Count(), Scale()])
    engine = get_engine("native")

    for target in (system, system.to_spec()):
        assert engine.validate(target) == (True, [])
        assert engine.compile(target) is None
        report = engine.launch(target, None, iterations=3, record=["scale.output"])
        assert report.records == {"scale.output": [(0, 0), (1, 2), (2, 4)]}


def test_an_unknown_option_is_refused() -> None:
    """By the engine itself, too."""
    with pytest.raises(lk.EngineOptionError, match="'coordinator'"):
        get_engine("native").launch(System([Count()]), None, coordinator=1)


def test_it_runs_in_this_process_and_thread() -> None:
    """The objects that ran are in the report."""
    count = Count()

    report = System([count]).launch(4)

    assert report.engine == "native"
    assert report.instances["count"] is count
    assert count.value == 4


def stopped_once_it_runs(system: System, runs: threading.Event) -> threading.Thread:
    """Stop a system, from another thread, a little after `runs` is set."""

    def stop() -> None:
        assert runs.wait(20)
        time.sleep(0.05)
        system.stop()

    thread = threading.Thread(target=stop)
    thread.start()
    return thread


def test_stop_from_another_thread_ends_it() -> None:
    """The tick that has begun is finished, and the report is whole."""
    runs = threading.Event()

    class Tells(Scale):
        def forward(self, value: int) -> int:
            runs.set()
            return value

    system = System([Count(), Tells()])
    thread = stopped_once_it_runs(system, runs)

    report = system.launch()

    thread.join()
    assert report.ended_by == "stop"
    assert report.components["tells"].fired == report.iterations > 0


def test_stop_ends_a_long_wait_for_the_next_tick() -> None:
    """At one tick an hour nobody waits for the hour."""
    runs = threading.Event()

    class Tells(Count):
        def forward(self) -> int:
            runs.set()
            return 0

    system = System([Tells()])
    thread = stopped_once_it_runs(system, runs)

    report = system.launch(rate_hz=1 / 3600, timeout_s=30)

    thread.join()
    assert (report.iterations, report.ended_by) == (1, "stop")


def test_the_mean_rate_is_exact() -> None:
    """Deadlines are absolute: the last tick of N begins at (N - 1) / rate."""
    report = System([Count()]).launch(51, rate_hz=250)

    assert report.duration_s >= 50 / 250
    assert report.iterations == 51


def test_late_ticks_are_counted_and_none_is_skipped() -> None:
    """A component that is too slow for the rate makes every later tick late."""

    class Slow(lk.Component):
        def __init__(self):
            super().__init__()
            self.wake = threading.Event()

        def forward(self):
            self.wake.wait(0.01)
            return 1

    report = System([Slow()]).launch(10, rate_hz=1000)

    assert report.iterations == report.components["slow"].fired == 10
    assert report.late_ticks == 9


PROGRAM = """
import like_keras_core as lk
from like_keras_core.testing.components import Count

class Speak(lk.Component):
    def on_configure(self):
        print("configured", flush=True)

    def forward(self, value: int) -> None:
        if value == {at}:
            {begin}
            print("running", flush=True)
            {wait}

    def on_shutdown(self):
        print("shut down", flush=True)

if __name__ == "__main__":
    try:
        report = lk.System([Count(), Speak()]).launch()
        print("report", report.ended_by, report.iterations > 0)
    except KeyboardInterrupt:
        print("interrupted")
"""


def interrupt(
    tmp_path: Path, *, begin: str = "pass", wait: str = "pass", times: int = 1
) -> list[str]:
    """Run the program, press Ctrl-C once it runs, and return what it printed."""
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(PROGRAM).format(at=100, begin=begin, wait=wait))
    with default_signals():
        process = subprocess.Popen(
            [sys.executable, str(path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.strip())
            if line.strip() in ("running", "again"):
                process.send_signal(signal.SIGINT)
                times -= 1
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
    assert times == 0
    return lines


def test_ctrl_c_ends_the_run_with_a_report(tmp_path: Path) -> None:
    """`launch(iterations=None)` runs until then; components are shut down."""
    lines = interrupt(tmp_path)

    assert lines == ["configured", "running", "shut down", "report interrupt True"]


def test_a_second_ctrl_c_interrupts_a_component_that_hangs(tmp_path: Path) -> None:
    """It too is shut down before KeyboardInterrupt leaves `launch`."""
    begin = (
        "import signal, time; old = signal.getsignal(signal.SIGINT); "
        "signal.signal(signal.SIGINT, lambda n, f: "
        "(old(n, f), signal.signal(n, old), print('again', flush=True)))"
    )

    lines = interrupt(tmp_path, begin=begin, wait="time.sleep(60)", times=2)

    assert lines == ["configured", "running", "again", "shut down", "interrupted"]


def test_ten_thousand_components_in_a_chain_run() -> None:
    """No limit of Python's is in the way: not nesting, not locals, not recursion."""
    size = 10_000
    system = System([Count(), *(Scale() for _ in range(size - 1))])
    for component in system.components[1:]:
        component.config.factor = 1

    with pytest.warns(lk.LkWarning, match="config"):
        report = system.launch(3, record=[f"scale_{size - 1}.output"])

    assert report.records[f"scale_{size - 1}.output"] == [(0, 0), (1, 1), (2, 2)]
