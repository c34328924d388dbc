"""Quiet ticks and real-time rights in every process of a run."""

from __future__ import annotations

import gc
import logging
import os
import platform

import pytest
from test_reference_engine import engine  # type: ignore[import-not-found] # noqa: F401

import like_keras_core as lk
from like_keras_core import Node, System
from like_keras_core.runtime.os_resources.os_limits import realtime_priority

pytestmark = pytest.mark.timeout(60)


class Heap(lk.Component):
    """Says of each tick what garbage collection and the thread's policy are like."""

    def on_activate(self) -> None:
        """Make garbage that only a collection finds, once it is old."""
        self.kept: list[list[int]] = []

    def forward(self, number: int = 0) -> list[int]:
        """Return what it sees."""
        self.kept += [[n] for n in range(2 * gc.get_threshold()[0])]
        policy = 0
        if hasattr(os, "sched_getscheduler"):
            policy = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
        young, full = (int(gc.get_stats()[n]["collections"]) for n in (1, 2))
        return [gc.isenabled(), gc.get_freeze_count() > 0, young, full, policy]


class After(Heap):
    """The same, in another process than what it reads."""

    def forward(self, seen: list[int]) -> list[int]:  # type: ignore[override]
        """Return what it sees."""
        return Heap.forward(self)


def pair() -> System:
    """Return a source and its reader, each on a node of its own."""
    heap, after = Heap(node=Node("a")), After(node=Node("b"))
    after(heap())
    return System([heap, after])


def test_each_process_collects_in_its_waits() -> None:
    """That of a source, and one that waits for messages; neither collects all."""
    report = pair().launch(40, engine="reference", rate_hz=100, record="all")

    for values in report.records.values():
        seen = [value for _, value in values]
        assert all(item[:2] == [False, True] for item in seen)
        assert seen[-1][2] - seen[0][2] >= 4
        assert seen[-1][3] == seen[0][3]
    assert report.realtime == ()


def test_each_process_says_what_it_was_given(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In the report by node, and in the log a line for each."""
    caplog.set_level(logging.INFO, "like_keras_core")
    report = pair().launch(
        20, engine="reference", rate_hz=100, record="all", realtime=True
    )

    for node in ("a", "b"):
        assert any(
            text.startswith(f"Real time, node {node!r}: ") for text in report.realtime
        )
        said = [x for x in caplog.messages if x.startswith(f"Real time, node {node!r}")]
        assert len(said) == 1
    if platform.system() == "Linux" and realtime_priority() >= 50:
        text = "SCHED_FIFO with priority 50."
        assert sum(text in item for item in report.realtime) == 2
        policies = [x[1][4] for values in report.records.values() for x in values]
        assert set(policies) == {os.SCHED_FIFO}
    assert str(report).count("Real time, node 'a'") >= 1
    assert report.to_dict()["realtime"] == list(report.realtime)
