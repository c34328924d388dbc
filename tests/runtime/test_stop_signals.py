"""Signals that end a run: taken over, given back, held, or left to the program."""

from __future__ import annotations

import logging
import os
import signal
import threading

import pytest

from like_keras_core.runtime import stop_signals
from like_keras_core.runtime.stop import StopSignal
from like_keras_core.runtime.stop_signals import (
    SIGNALS,
    asked_by,
    came_by_signal,
    leave_on_signals,
    signals_held,
    stop_on_signals,
)

pytestmark = pytest.mark.usefixtures("ctrl_c")


def press(stop: StopSignal, *numbers: signal.Signals) -> None:
    """Send this process signals while a run has taken them over."""
    with stop_on_signals(stop):
        for number in numbers:
            signal.raise_signal(number)


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_asks_for_the_end(number: signal.Signals) -> None:
    """Each of them, and afterwards they are handled as before."""
    before = [signal.getsignal(item) for item in SIGNALS]
    stop = StopSignal()

    with stop_on_signals(stop):
        signal.raise_signal(number)

    assert (stop.is_set, stop.reason) == (True, "interrupt")
    assert asked_by() == number
    assert [signal.getsignal(item) for item in SIGNALS] == before


@pytest.mark.parametrize("number", SIGNALS)
def test_what_was_ignored_or_handled_stays_so(number: signal.Signals) -> None:
    """As `nohup` has it, or the program."""
    heard: list[int] = []

    def handler(number: int, frame: object) -> None:
        heard.append(number)

    stop = StopSignal()
    for mine in (signal.SIG_IGN, handler):
        signal.signal(number, mine)
        with stop_on_signals(stop):
            signal.raise_signal(number)
            assert signal.getsignal(number) is mine
        assert signal.getsignal(number) is mine

    assert heard == [number]
    assert not stop.is_set


def test_a_second_ctrl_c_interrupts() -> None:
    """After whichever came first."""
    stop = StopSignal()

    with pytest.raises(KeyboardInterrupt):
        press(stop, signal.SIGTERM, signal.SIGINT)


def test_an_echo_of_sigterm_is_no_second_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """`timeout` sends it to a process and to its group; some wait before a second."""
    press(StopSignal(), signal.SIGTERM, signal.SIGTERM)

    monkeypatch.setattr(stop_signals, "_ECHO_S", 0.0)
    with pytest.raises(KeyboardInterrupt):
        press(StopSignal(), signal.SIGTERM, signal.SIGTERM)


def test_a_terminal_may_hang_up_as_often_as_it_likes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A shell and the kernel both send SIGHUP, some beside SIGTERM."""
    monkeypatch.setattr(stop_signals, "_ECHO_S", 0.0)
    stop = StopSignal()

    press(stop, signal.SIGTERM, signal.SIGHUP, signal.SIGHUP)

    assert asked_by() == signal.SIGTERM


def test_outside_the_main_thread_none_is_taken_and_the_log_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Python delivers signals to the main thread alone."""
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def launch() -> None:
        with stop_on_signals(StopSignal()):
            seen.append(signal.getsignal(signal.SIGTERM))

    with caplog.at_level(logging.INFO, logger="like_keras_core"):
        thread = threading.Thread(target=launch)
        thread.start()
        thread.join()

    assert seen == [before]
    (record,) = caplog.records
    assert "system.stop()" in record.getMessage()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_ends_at_sigterm() -> None:
    """As `multiprocessing` ends its workers: the launch's handler is not theirs."""
    with stop_on_signals(StopSignal()):
        child = os.fork()
        if child == 0:
            signal.raise_signal(signal.SIGTERM)
            os._exit(0)
        status = os.waitpid(child, 0)[1]

    assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM


def test_a_command_leaves_at_sigterm() -> None:
    """As it does at Ctrl-C; and a launch within it takes the signal over."""
    stop = StopSignal()

    with leave_on_signals():
        press(stop, signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)

    assert stop.is_set
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_what_handlers_raise_is_known_as_theirs() -> None:
    """Whatever kind of callable they are."""

    class Leaves:
        def __call__(self, number: int, frame: object) -> None:
            raise SystemExit(number)

        def leave(self, number: int, frame: object) -> None:
            raise SystemExit(number)

    for handler in (Leaves(), Leaves().leave, signal.default_int_handler):
        signal.signal(signal.SIGTERM, handler)
        with pytest.raises(BaseException) as caught:
            signal.raise_signal(signal.SIGTERM)
        assert came_by_signal(caught.value)

    assert not came_by_signal(SystemExit(3))


def test_a_signal_waits_for_the_end_of_the_block() -> None:
    """All of the block is done, however often somebody presses, and then it counts."""
    done: list[object] = []

    def work() -> None:
        with signals_held() as is_hurried:
            signal.raise_signal(signal.SIGINT)
            done.append(is_hurried())
            signal.raise_signal(signal.SIGINT)
            done.append("all")

    with pytest.raises(KeyboardInterrupt):
        work()

    assert done == [True, "all"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_a_signal_nothing_is_held() -> None:
    """And nobody is in a hurry."""
    with signals_held() as is_hurried:
        assert not is_hurried()

    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_of_the_block_is_what_is_raised() -> None:
    """It says more than an interrupt does."""

    def fail() -> None:
        with signals_held():
            signal.raise_signal(signal.SIGINT)
            raise ValueError("lost")

    with pytest.raises(ValueError, match="lost"):
        fail()
