"""What comes from outside of a run, how ticks read it, and what is said of it."""

import logging
import time
from typing import Any

import pytest

from like_keras_core import Component, System
from like_keras_core.engine_kit import ArrivalReader
from like_keras_core.engine_kit import arrival_queue as limits
from like_keras_core.engine_kit.arrival_queue import READS, ArrivalQueue, BacklogError


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def values(queue: ArrivalQueue) -> list[Any]:
    return [arrival.value for arrival in queue.take()]


def put(queue: ArrivalQueue, *items: Any) -> None:
    for item in items:
        queue.put(item)


def test_each_gives_one_a_tick_in_order() -> None:
    """And nothing where none has come."""
    queue = ArrivalQueue("each")
    put(queue, 1, 2)

    assert [values(queue) for _ in range(3)] == [[1], [2], []]


def test_newest_gives_what_came_last_since_the_last_tick() -> None:
    """What it replaces is counted, and nothing is given twice."""
    queue = ArrivalQueue("newest")
    put(queue, 1, 2, 3)

    assert [values(queue) for _ in range(2)] == [[3], []]
    assert (queue.received, queue.taken, queue.replaced) == (3, 1, 2)


def test_all_gives_everything_since_the_last_tick() -> None:
    """In order; an empty list where nothing has come."""
    queue = ArrivalQueue("all")
    put(queue, 1, 2, 3)

    assert [values(queue) for _ in range(2)] == [[1, 2, 3], []]


@pytest.mark.parametrize("read", ["each", "all"])
def test_a_backlog_leaves_out_the_oldest(read: str) -> None:
    """It is bounded, and what was left out is counted."""
    queue = ArrivalQueue(read, backlog=2)
    put(queue, 1, 2, 3, 4)

    assert values(queue) == {"each": [3], "all": [3, 4]}[read]
    assert queue.dropped == 2


def test_memory_stays_bounded_where_nobody_says_how_much() -> None:
    """Whatever the rate of what comes."""
    queue = ArrivalQueue("each")
    put(queue, *range(1000))

    assert (len(queue), queue.dropped) == (limits.BACKLOG, 1000 - limits.BACKLOG)


@pytest.mark.parametrize("read", READS)
def test_what_is_too_old_is_not_given(read: str, clock: Clock) -> None:
    """A younger one behind it is."""
    queue = ArrivalQueue(read, max_age_s=0.5, clock=clock)
    put(queue, 1)
    clock.now += 0.4
    if read != "newest":
        put(queue, 2)
    clock.now += 0.2

    assert values(queue) == ([] if read == "newest" else [2])
    assert queue.expired == 1


def test_age_counts_from_when_it_was_received(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not from when somebody had the time to look."""
    monkeypatch.setattr(time, "time_ns", lambda: 7_000_000_000)
    queue = ArrivalQueue("each", max_age_s=1.0, clock=clock)
    queue.put("old", received_ns=5_000_000_000)
    queue.put("young", received_ns=6_500_000_000)

    (arrival,) = queue.take()

    assert (arrival.value, clock.now - arrival.at) == ("young", 0.5)
    assert arrival.received_ns == 6_500_000_000


def test_a_count_loses_nothing_until_it_must_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Then it says how much waits, and how to read otherwise."""
    monkeypatch.setattr(limits, "COUNTED", 3)
    queue = ArrivalQueue("count")
    put(queue, 1, 2, 3)
    assert values(queue) == [1]
    put(queue, 4, 5)

    with pytest.raises(BacklogError, match=r"3 values .*read='newest'"):
        queue.take()


def test_a_count_is_bounded_by_what_is_known_of_its_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Large values end a run before the memory does."""
    monkeypatch.setattr(limits, "COUNTED_BYTES", 100)
    queue = ArrivalQueue("count")
    queue.put(1, size=200)
    assert values(queue) == [1]
    assert queue.size == 0
    queue.put(2, size=60)
    queue.put(3, size=60)

    with pytest.raises(BacklogError):
        queue.take()


def test_the_report_says_what_became_of_it(clock: Clock) -> None:
    """Counts, the greatest age, and the longest silence."""
    queue = ArrivalQueue("newest", clock=clock)
    put(queue, 1, 2)
    clock.now += 0.25
    queue.take()
    clock.now += 2.0

    report = queue.report()

    assert (report.received, report.taken, report.replaced) == (2, 1, 1)
    assert (report.oldest_s, report.silent_s) == (0.25, 2.25)


def reader(read: str | None, **options: Any) -> ArrivalReader:
    log = logging.getLogger("like_keras.imu")
    return ArrivalReader(read, log, "the topic '/imu'", **options)


def test_what_is_left_out_is_said_once_and_again_with_twice_as_much(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not with each value."""
    found = reader("each", backlog=1)
    for _ in range(10):
        put(found.queue, 1, 2)
        found.read()

    said = [record.getMessage() for record in caplog.records]
    assert [text.split(": ")[1].split()[0] for text in said] == ["1", "2", "4", "8"]
    assert said[0].startswith("The topic '/imu' sends more than is read: ")


def test_a_count_that_falls_behind_is_said(
    caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    """With how many wait, how large they are, and how old."""
    found = reader(None, clock=clock)
    for _ in range(150):
        found.queue.put(0, size=1_000_000)
    clock.now += 5

    found.read()
    found.read()

    (record,) = caplog.records
    assert "149 values (149.0 MB) wait, the oldest for 5.0 s" in record.getMessage()


def test_silence_is_seen_and_said(
    caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    """Also that it is over."""
    found = reader("newest", stale_after_s=1.0, clock=clock)
    fresh = []
    for action in ["", "put", "", "wait", "wait", "put", ""]:
        clock.now += 1.5 if action == "wait" else 0.1
        if action == "put":
            put(found.queue, 1)
        found.read()
        fresh.append(found.is_fresh)

    assert fresh == [False, True, True, False, False, True, True]
    silent, again = (record.getMessage() for record in caplog.records)
    assert silent.startswith("The topic '/imu' is silent: nothing for 1.60 s")
    assert again == "The topic '/imu' sends again, after 3.2 s."


def test_one_that_never_sends_is_said(
    caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    """It has the same time as one that has stopped."""
    found = reader("newest", stale_after_s=1.0, clock=clock)
    for _ in range(5):
        found.read()
        clock.now += 0.7

    (record,) = caplog.records
    assert "has sent nothing so far" in record.getMessage()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"read": "last"}, "is one of 'each', 'newest', 'all', or None; got 'last'"),
        ({"read": "each", "ticks": "count"}, "ticks='count' and read='each'"),
        ({"max_age_s": 1.0}, "The max_age_s of Source 'x' needs read="),
        ({"read": "each", "max_age_s": 0}, "max_age_s .* is seconds, more than 0"),
        ({"read": "each", "stale_after_s": True}, "stale_after_s .* got True"),
        ({"read": "all", "backlog": 0}, "backlog .* 1 or more; got 0"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(
    arguments: dict[str, Any], text: str
) -> None:
    """With what is expected."""
    with pytest.raises(ValueError, match=text):
        ArrivalReader.check("Source 'x'", **{"ticks": None, "read": None, **arguments})


class Outside(Component):
    """A source that something else sends to, twice a tick."""

    def on_configure(self) -> None:
        self.reader = ArrivalReader("newest", self.log, "the other")
        ArrivalReader.report_for(self, {"output": self.reader})

    def forward(self) -> int | None:
        put(self.reader.queue, 2 * self.tick, 2 * self.tick + 1)
        (arrival,) = self.reader.read()
        value: int = arrival.value
        return value


def test_a_report_has_what_came_for_a_component() -> None:
    """As data, and in words."""
    report = System([Outside("imu")], rate_hz=1000).launch(3, record="all")

    came = report.components["imu"].arrivals["output"]
    assert report.records["imu.output"] == [(0, 1), (1, 3), (2, 5)]
    assert (came.received, came.taken, came.replaced) == (6, 3, 3)
    data = report.to_dict()["components"]["imu"]["arrivals"]
    assert data["output"]["replaced"] == 3
    assert "imu.output: 3 of 6 values taken, 3 replaced by newer ones" in str(report)
