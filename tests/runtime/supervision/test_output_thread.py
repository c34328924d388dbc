"""What a launch shows: nothing waits for a terminal that takes nothing."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator

import pytest

from like_keras_core.runtime.supervision.output_thread import (
    LIMIT,
    OutputThread,
    write_to,
)


@pytest.fixture
def output() -> Iterator[OutputThread]:
    """Show what is put into it."""
    made = OutputThread("{} were dropped".format)
    yield made
    made.close()


def test_what_is_put_is_shown_in_order(output: OutputThread) -> None:
    """All of it, when it is closed."""
    shown: list[int] = []
    for number in range(100):
        output.put(lambda number=number: shown.append(number), 1)  # type: ignore[misc]

    output.close()

    assert shown == list(range(100))


def test_what_is_too_much_is_dropped_and_counted_once(
    output: OutputThread, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever puts it never waits; it is said when something is taken again."""
    begun, taken = threading.Event(), threading.Event()
    shown: list[str] = []

    def wait() -> None:
        begun.set()
        taken.wait()

    output.put(wait, 1)
    begun.wait()
    for _ in range(5):
        output.put(lambda: shown.append("line"), LIMIT // 2)

    taken.set()
    output.close()

    assert len(shown) == 3
    assert caplog.messages == ["2 were dropped"]


def test_the_end_does_not_wait_for_what_is_stuck(output: OutputThread) -> None:
    """A second without a line that was shown is enough."""
    stuck = threading.Event()
    output.put(stuck.wait, 1)
    began = time.monotonic()

    output.close()

    assert time.monotonic() - began < 5
    stuck.set()


def test_a_problem_is_warned_of_once(
    output: OutputThread, caplog: pytest.LogCaptureFixture
) -> None:
    """However often it is met."""
    for _ in range(3):
        output.warn("The file cannot be written", "No space left on device")

    output.close()

    assert caplog.messages == ["The file cannot be written: No space left on device"]
    assert caplog.records[0].levelno == logging.WARNING


def test_a_program_without_stdout_takes_everything() -> None:
    """As a service that was started with `>&-` has none."""
    write_to(None, "line\n")


def test_a_thread_that_waits_for_a_pipe_does_not_hold_the_stream() -> None:
    """Or the program could not end: Python flushes its streams when it does."""
    read, written = os.pipe()
    with os.fdopen(written, "w") as stream:
        text = "x" * (1 << 20)
        waiting = threading.Thread(target=write_to, args=[stream, text], daemon=True)
        waiting.start()
        waiting.join(0.2)

        flushing = threading.Thread(target=stream.flush, daemon=True)
        flushing.start()
        flushing.join(5)

        assert waiting.is_alive()
        assert not flushing.is_alive()
        found = 0
        while found < len(text):
            found += len(os.read(read, 1 << 16))
        waiting.join()
    os.close(read)
