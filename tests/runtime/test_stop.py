"""Ctrl-C at a time when something must be done to its end."""

from __future__ import annotations

import signal

import pytest

from like_keras_core.runtime.stop import interrupts_held


def test_an_interrupt_waits_for_the_end_of_the_block() -> None:
    """All of the block is done, however often somebody presses, and then it counts."""
    done: list[object] = []

    def work() -> None:
        with interrupts_held() as is_hurried:
            signal.raise_signal(signal.SIGINT)
            done.append(is_hurried())
            signal.raise_signal(signal.SIGINT)
            done.append("all")

    with pytest.raises(KeyboardInterrupt):
        work()

    assert done == [True, "all"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_an_interrupt_nothing_is_held() -> None:
    """And nobody is in a hurry."""
    with interrupts_held() as is_hurried:
        assert not is_hurried()

    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_of_the_block_is_what_is_raised() -> None:
    """It says more than an interrupt does."""

    def fail() -> None:
        with interrupts_held():
            signal.raise_signal(signal.SIGINT)
            raise ValueError("lost")

    with pytest.raises(ValueError, match="lost"):
        fail()
