"""A recording as a regression test."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from like_keras_core.errors import LkError
from like_keras_core.system import System


def assert_replays(
    recording: str | os.PathLike[str],
    system: System,
    *,
    engine: str = "native",
    start: int = 0,
    stop: int | None = None,
    only: Iterable[str] = (),
    warm_up: int = 0,
    **options: Any,
) -> None:
    """Assert that components send on recorded inputs what was recorded of them.

    Args:
        recording: A file that `launch(record_to=...)` or `lk record` wrote.
        system: The system, as it is now.
        engine: What it runs on.
        start: The first tick to compare.
        stop: The first tick not to run; all that was recorded when omitted.
        only: The components to run, or subsystems; all but the sources when empty.
        warm_up: How many ticks before `start` are run and not compared.
        **options: What else the launch takes.

    Raises:
        AssertionError: They send something else; the message has the first tick and
            port, and both values.
        LkError: `lk-record-mcap` is not installed, or the recording does not fit.
    """
    __tracebackhide__ = True
    try:
        from lk_record_mcap import replay
    except ImportError:
        raise LkError(
            "Recordings are read by a plug-in: pip install lk-record-mcap"
        ) from None
    found = replay(
        recording,
        system,
        engine=engine,
        start=start,
        stop=stop,
        only=only,
        warm_up=warm_up,
        **options,
    )
    if not found.is_equal:
        raise AssertionError(str(found))
