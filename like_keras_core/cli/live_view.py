"""A table that shows a run while it goes on, on a terminal with rich."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Generic, TypeVar

from like_keras_core.view.plain_text import to_duration, to_rate, to_share, to_size

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from like_keras_core.report import ConnectionReport, RunReport, TimingReport

T = TypeVar("T")

_EVERY_S = 0.15
_LAST_S = 1.0
_SPAN_S = 2.0
"""Rates are those of about so long ago until now [s]."""

_BAR = 10
_FRAME = 11
"""Lines that are neither components nor connections."""


@contextmanager
def shown(
    console: Console, iterations: int | None
) -> Iterator[Callable[[int], object]]:
    """Show a table on a console, and take it away in the end.

    Gives what `launch(progress=...)` takes. What components print scrolls by above.

    Args:
        console: Where it is shown.
        iterations: How many ticks there will be, if that is known.
    """
    from rich.live import Live

    with Live(
        console=console,
        auto_refresh=False,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    ) as live:
        table = LiveTable(iterations)
        drawing: Latest[RunReport] = Latest(
            lambda report: live.update(
                table.drawn(report, console.height), refresh=True
            )
        )
        shown_at = 0.0

        def progress(ticks: int) -> None:
            nonlocal shown_at
            now = time.monotonic()
            if now - shown_at < _EVERY_S:
                return
            shown_at = now
            report = ticks.report() if hasattr(ticks, "report") else None
            if report is not None:
                drawing.show(report)

        try:
            yield progress
        finally:
            drawing.close()


class Latest(Generic[T]):
    """Shows what is newest, in a thread: a terminal may be halted, and a run may not.

    Args:
        show: Shows it. Where that fails, no more is shown.
    """

    def __init__(self, show: Callable[[T], object]) -> None:
        self._show = show
        #: What is not shown yet, at most one; None ends the thread.
        self._next: queue.Queue[T | None] = queue.Queue(1)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def show(self, item: T) -> None:
        """Show something soon, unless what came before still waits to be shown."""
        with suppress(queue.Full):
            self._next.put_nowait(item)

    def _run(self) -> None:
        with suppress(OSError, ValueError):
            while (item := self._next.get()) is not None:
                self._show(item)

    def close(self) -> None:
        """Show nothing more; what is being shown has a second for it."""
        with suppress(queue.Full):
            self._next.put(None, timeout=_LAST_S)
            self._thread.join(_LAST_S)


class LiveTable:
    """Draws the reports of a run that goes on, one after the other.

    Args:
        iterations: How many ticks there will be, if that is known.
    """

    def __init__(self, iterations: int | None) -> None:
        self.iterations = iterations
        self._past: deque[RunReport] = deque()

    def drawn(self, report: RunReport, height: int) -> RenderableType:
        """Return what is shown of a report.

        Args:
            report: What has been done so far.
            height: How many lines there are; the busiest components come first in
                getting one.
        """
        from rich.console import Group

        while self._past and report.duration_s - self._past[0].duration_s > _SPAN_S:
            self._past.popleft()
        before = self._past[0] if self._past else None
        self._past.append(report)
        crossing = {
            name: item
            for name, item in report.connections.items()
            if item.bytes or item.in_flight or item.latency_p50_s is not None
        }
        room = max(4, height - _FRAME)
        wires = min(len(crossing), max(room // 3, room - len(report.components)))
        parts = [
            self._head(report, before),
            self._components(report, before, room - wires),
        ]
        if crossing:
            parts.append(_connections(crossing, report, wires))
        return Group(*parts)

    def _head(self, report: RunReport, before: RunReport | None) -> RenderableType:
        from rich.text import Text

        ticks = f"tick {report.iterations:,}"
        if self.iterations:
            share = to_share(report.iterations, self.iterations)
            ticks += f" of {self.iterations:,}, {share}"
        done = report.iterations - (before.iterations if before else 0)
        rate = to_rate(done, _span(report, before))
        parts = [ticks, rate, to_duration(report.duration_s)]
        if report.late_ticks:
            parts.append(f"{report.late_ticks:,} late")
        text = Text(f"{report.system} on {report.engine}", style="bold")
        return text.append("   " + "   ".join(parts), style="not bold")

    def _components(
        self, report: RunReport, before: RunReport | None, room: int
    ) -> RenderableType:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table

        table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
        table.add_column("component", overflow="ellipsis", no_wrap=True)
        is_timed = any(item.timing for item in report.components.values())
        late = ("late p99", "period max", "overruns", "skipped") if is_timed else ()
        for name in ("fired", "rate", "busy", "", "p50 ~", "p99 ~", *late):
            table.add_column(name, justify="left" if not name else "right")
        names = list(report.components)
        busiest = sorted(names, key=lambda name: -report.components[name].busy_s)
        kept = set(busiest[:room])
        span = _span(report, before)
        for name in names:
            if name not in kept:
                continue
            item = report.components[name]
            fired = item.fired - (before.components[name].fired if before else 0)
            share = item.busy_s / report.duration_s if report.duration_s > 0 else 0.0
            full = min(_BAR, round(share * _BAR))
            table.add_row(
                name,
                f"{item.fired:,}",
                to_rate(fired, span),
                to_share(item.busy_s, report.duration_s),
                f"[cyan]{'█' * full}[/][dim]{'·' * (_BAR - full)}[/]",
                to_duration(item.latency_p50_s),
                to_duration(item.latency_p99_s),
                *_times(item.timing, is_timed),
            )
        if len(names) > len(kept):
            table.caption = f"and {len(names) - len(kept)} that are less busy"
        return table


def _times(timing: TimingReport | None, is_timed: bool) -> list[str]:
    """Return what is shown of how a component kept its times."""
    if timing is None:
        return ["-"] * 4 if is_timed else []
    return [
        to_duration(timing.late_p99_s),
        to_duration(timing.period_max_s),
        f"{timing.overruns:,}",
        f"{timing.skipped:,}",
    ]


def _span(report: RunReport, before: RunReport | None) -> float:
    """Return the time from one report to another, or since the run began [s]."""
    return report.duration_s - (before.duration_s if before else 0.0)


def _connections(
    crossing: dict[str, ConnectionReport], report: RunReport, room: int
) -> RenderableType:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    table.add_column("connection", overflow="ellipsis", no_wrap=True)
    for name in ("messages", "in flight", "per second", "p50 ~"):
        table.add_column(name, justify="right")
    fullest = sorted(crossing, key=lambda name: -crossing[name].bytes)[:room]
    for name, item in crossing.items():
        if name not in fullest:
            continue
        size = item.bytes / report.duration_s if report.duration_s > 0 else 0.0
        table.add_row(
            name,
            f"{item.messages:,}",
            str(item.in_flight),
            to_size(int(size)),
            to_duration(item.latency_p50_s),
        )
    if len(crossing) > len(fullest):
        table.caption = f"and {len(crossing) - len(fullest)} that carry less"
    return table
