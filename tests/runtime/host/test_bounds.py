"""What a run over several hosts keeps: never more than its limits allow.

Whatever the timing, each result is the single host's, and at every turn each counter
is within its bound. Nothing here is asserted on seconds.
"""

from __future__ import annotations

import mmap
import struct
import time
import weakref
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference_engine import ReferenceEngine  # type: ignore[import-not-found]

from like_keras_core import Component, InputPort, Node, RunReport, System, SystemSpec
from like_keras_core.runtime.host import tentative_counts
from like_keras_core.runtime.host.input_buffers import PortBuffer
from like_keras_core.runtime.host.node_host import NodeHost
from like_keras_core.runtime.host.sampling import KEPT
from tests import simulation
from tests.links import Faults, FifoLink, FlowLink
from tests.simulation import Simulation
from tests.splits import Alone, alone, differences, split

BAD = Faults(
    drop=0.1,
    duplicate=0.05,
    reorder=0.1,
    jitter_s=0.005,
    size_max=100,
    max_frame=100,
    chunk_window=2,
)
PAYLOAD_MAX = 8 + BAD.size_max
"""The largest value of a bad network [byte]."""

NETWORKS = pytest.mark.parametrize(
    "faults", [pytest.param(None, id="in order"), pytest.param(BAD, id="bad")]
)
SLOW, FAST = 1, 600
"""How often an actor gets its turn, compared with others."""

ENTRIES_KEPT = tentative_counts.KEPT

pytestmark = pytest.mark.slow


class Bounds:
    """Asserts after each turn that nothing is beyond its bound.

    Args:
        window: Values in flight on a connection.
        run_ahead: Ticks that a host may be ahead.

    Attributes:
        most: The most of each counter so far.
    """

    def __init__(self, window: int, run_ahead: int) -> None:
        self.window = window
        self.run_ahead = run_ahead
        self.most: Counter[str] = Counter()

    def __call__(self, run: Simulation) -> None:
        """Look at all hosts and all ways between them."""
        floor = min(host.progress for host in run.hosts.values())
        for host in run.hosts.values():
            self._look_at_host(host, floor)
        for link in run.network.links:
            if isinstance(link, FlowLink):
                self._look_at_flow(link)
            else:
                self._look_at_fifo(link)
        for node in run.hosts:
            # Progress is told in steps of half the limit, and is within the limit.
            self._is("messages to the leader", len(run.up[node]), 4)
            self._is("messages to a host", len(run.down[node]), self.run_ahead + 4)

    def _is(self, what: str, count: int, bound: int) -> None:
        assert count <= bound, f"{count} {what}, and {bound} are allowed"
        self.most[what] = max(self.most[what], count)

    def _look_at_host(self, host: NodeHost, floor: int) -> None:
        for runner in host._runners:
            self._is("ticks ahead", runner.next - floor, self.run_ahead)
            for samples in runner.durations:
                self._is("durations", len(samples), KEPT)
        for channel in (*host._inputs.values(), *host._wiring.locals.values()):
            self._is("values without credit", len(channel.waiting), self.window)
            for inlet in channel.inlets:
                self._is("values before a reader", len(inlet.queue), self.window)
                self._is("latencies", len(inlet.latencies), KEPT)
        # What may be trimmed is, as soon as it is too much. What may not belongs to
        # ticks that are not finished everywhere: the limit, for each that is counted.
        counted = sum(len(runner.plan.last) for runner in host._runners)
        bound = ENTRIES_KEPT + self.run_ahead * counted
        self._is("absences", len(host._ledger.entries), bound)

    def _look_at_flow(self, link: FlowLink) -> None:
        sender, receiver, window = link.sender, link.receiver, self.window
        assert 0 <= sender.credit() <= window
        if link.channel.latest:
            window += 1  # One more waits, and the next one takes its place.
        self._is("values retained", sender.retained, window)
        self._is("values queued", sender.queued, sender.retained)
        # Both belong to numbers that the sender had a credit for.
        arrived = receiver.held_back + receiver.unreleased
        self._is("values held back", receiver.held_back, window)
        self._is("values arrived", arrived, window)
        items: Any = sender._retained.values()
        pieces = (x[1:] if isinstance(x, list) else x._buffers for x in items)
        size = sum(len(piece) for some in pieces for piece in some)
        self._is("bytes retained", size, window * PAYLOAD_MAX)

    def _look_at_fifo(self, link: FifoLink) -> None:
        self._is("values retained", len(link.sent), self.window)
        # Before each value there may be one word about the ticks before it.
        self._is("messages under way", len(link.data), 2 * self.window + 1)
        self._is("credits under way", len(link.credits), self.window)


def bounded(
    spec: SystemSpec,
    components: Mapping[str, Component],
    expected: Alone,
    *,
    window: int,
    run_ahead: int,
    faults: Faults | None,
    seed: int = 0,
    speeds: Mapping[str, int] | None = None,
    is_exact: bool = True,
) -> Counter[str]:
    """Simulate a run that must be the single host's, and stay within its bounds.

    Args:
        spec: The system.
        components: Its live components.
        expected: What the single host gives; for so many ticks.
        window: Values in flight on a connection.
        run_ahead: Ticks that a host may be ahead.
        faults: What the transport under flow does; None: it loses nothing.
        seed: Of the schedule.
        speeds: How often a node gets its turn.
        is_exact: Nothing is taken by luck, so that the results are known.

    Returns:
        The most of each counter.
    """
    bounds = Bounds(window, run_ahead)
    run = Simulation(
        spec,
        components,
        expected.report.iterations,
        seed=seed,
        window=window,
        run_ahead=run_ahead,
        faults=faults,
        watch=bounds,
    )
    for node, speed in (speeds or {}).items():
        run.weights["step", node] = speed

    outcome = run.run()

    assert not is_exact or differences(outcome, expected) == []
    return bounds.most


@cache
def single(text: str, iterations: int) -> Alone:
    """Return what the single host gives."""
    return alone(split(text), iterations)


def most(text: str, iterations: int, **options: Any) -> Counter[str]:
    """Simulate a system that is a line of text; return the most of each counter."""
    system, expected = split(text), single(text, iterations)
    return bounded(system.spec(), system.components(), expected, **options)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a simulation have many turns."""
    monkeypatch.setattr(simulation, "TURNS_MAX", 10_000_000)


class Numbers(Component):
    """Gives 0, 1, 2, ..."""

    def __init__(self, node: Any = None) -> None:
        super().__init__(node=node)
        self.received: list[str] = []

    def forward(self) -> int:
        self.received.append("{}")
        return len(self.received) - 1


class Rare(Component):
    """Keeps one value in a thousand."""

    def __init__(self, node: Any = None) -> None:
        super().__init__(node=node)
        self.received: list[int] = []

    def forward(self, value: int) -> int | None:
        self.received.append(value)
        return None if value % 1000 else -value


class Both(Component):
    """Joins the full stream with what was kept of it."""

    def __init__(self, name: str, node: Any = None) -> None:
        super().__init__(name, node=node)
        self.received: list[tuple[int, int | None]] = []

    def forward(self, value: int, kept: int | None) -> int:
        self.received.append((value, kept))
        return value + (kept or 0)


BRANCH_TICKS = 5_001


def branch() -> System:
    """Return a branch that joins its own trunk again, on four nodes."""
    numbers, rare = Numbers(Node("A")), Rare(Node("B"))
    both, held = Both("both", Node("C")), Both("held", Node("D"))
    held.inputs.kept.policy = "hold"
    value = numbers()
    kept = rare(value)
    both(value, kept)
    held(value, kept)
    return System([numbers, rare, both, held])


@cache
def single_branch() -> Alone:
    """Return what the single host gives."""
    report = branch().launch(BRANCH_TICKS, engine="native", record="all")
    assert report.components["both"].fired == 6
    assert report.components["held"].fired == BRANCH_TICKS
    return Alone(report, None)


def most_of_branch(**options: Any) -> Counter[str]:
    """Simulate it; return the most of each counter."""
    system = branch()
    components = {component.name: component for component in system.components}
    return bounded(system.to_spec(), components, single_branch(), **options)


@pytest.mark.usefixtures("patience")
class TestConditionalBranch:
    """A branch that keeps 1 value in 1,000, joined again with the full stream."""

    @pytest.mark.parametrize(
        ("window", "run_ahead", "faults"),
        [
            (1, 5, None),
            (8, 64, None),
            pytest.param(8, 64, BAD, marks=pytest.mark.slow),
        ],
    )
    def test_what_is_absent_takes_no_room(
        self, window: int, run_ahead: int, faults: Faults | None
    ) -> None:
        """Neither in queues, which it does not enter, nor in the counts of it."""
        found = most_of_branch(
            window=window, run_ahead=run_ahead, faults=faults, seed=3
        )

        assert found["values without credit"] == window
        assert found["absences"] > ENTRIES_KEPT - 64

    def test_absences_that_are_kept_for_ever_are_noticed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Mutant: the list is never trimmed."""
        monkeypatch.setattr(tentative_counts, "KEPT", 1 << 40)

        with pytest.raises(AssertionError, match=r"1\d+ absences, and 1\d+ are"):
            most_of_branch(window=8, run_ahead=16, faults=None)


class TestWindowOfOne:
    """One value on the way is enough for a diamond over three nodes."""

    DIAMOND = "c0@A, c1@B(c0), c2@C(c0), c3@A(c1, c2)"
    SILENT = "c0@A, c1@B(c0) silence=6, c2@C(c0), c3@A(c1~, c2), c4@B(c3|, c1)"

    @NETWORKS
    @pytest.mark.parametrize("text", [DIAMOND, SILENT])
    @pytest.mark.parametrize("run_ahead", [1, 7])
    def test_each_way_keeps_one_value(
        self, text: str, run_ahead: int, faults: Faults | None
    ) -> None:
        """At each end of it."""
        for seed in range(4):
            found = most(
                *(text, 40),
                window=1,
                run_ahead=run_ahead,
                faults=faults,
                seed=seed,
            )
            assert found["values retained"] == found["values without credit"] == 1

    def test_without_a_window_values_pile_up_and_are_noticed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Mutant: within a host nobody waits for a credit."""
        monkeypatch.setattr(PortBuffer, "has_credit", True)
        text = "c0@A, c1@B, c2@A(c0, c1)"

        with pytest.raises(AssertionError, match="2 values without credit, and 1 are"):
            most(
                *(text, 60),
                window=1,
                run_ahead=64,
                faults=None,
                speeds={"A": FAST, "B": SLOW},
            )


class TestSlowConsumer:
    """Who is slow slows down whoever feeds it; nothing else gives way."""

    @NETWORKS
    @pytest.mark.parametrize(
        ("window", "run_ahead"), [(1, 64), (4, 64), (64, 4), (8, 8)]
    )
    def test_its_producer_is_ahead_by_the_smaller_limit(
        self, window: int, run_ahead: int, faults: Faults | None
    ) -> None:
        """It gets there, and no further."""
        found = most(
            *("c0@A, c1@B(c0)", 300),
            window=window,
            run_ahead=run_ahead,
            faults=faults,
            speeds={"A": FAST, "B": SLOW},
        )

        assert found["ticks ahead"] == min(window, run_ahead)

    @NETWORKS
    @pytest.mark.parametrize(
        ("reader", "bound"),
        [("c1@B(c0~)", 4), ("c1@B(c0|)", 4), ("c1@B every=3", 16)],
    )
    def test_a_hold_or_a_delay_does_not_set_its_producer_free(
        self, reader: str, bound: int, faults: Faults | None
    ) -> None:
        """They give credits as others do; without any, the run-ahead limit is left."""
        found = most(
            *(f"c0@A, {reader}", 300),
            window=4,
            run_ahead=16,
            faults=faults,
            speeds={"A": FAST, "B": SLOW},
        )

        assert found["ticks ahead"] == bound

    @NETWORKS
    def test_who_takes_the_latest_keeps_a_window(self, faults: Faults | None) -> None:
        """The rest is dropped; the ticks are limited as ever."""
        found = most(
            *("c0@A, c1@B(c0?)", 300),
            window=2,
            run_ahead=16,
            faults=faults,
            speeds={"A": FAST, "B": SLOW},
            is_exact=False,
        )

        assert found["ticks ahead"] == 16
        assert found["values before a reader"] <= 2
        assert found["values without credit"] == 0

    @NETWORKS
    @pytest.mark.parametrize("run_ahead", [2, 9, 50])
    def test_a_producer_that_is_mostly_silent_is_ahead_by_ticks(
        self, run_ahead: int, faults: Faults | None
    ) -> None:
        """What it does not send needs no credit."""
        found = most(
            *("c0@A silence=8, c1@B(c0~)", 300),
            window=1,
            run_ahead=run_ahead,
            faults=faults,
            speeds={"A": FAST, "B": SLOW},
        )

        assert found["ticks ahead"] == run_ahead
        assert found["values without credit"] == 0

    @NETWORKS
    def test_what_is_far_upstream_waits_too(self, faults: Faults | None) -> None:
        """Each way on the chain fills up; then the first one stands still."""
        found = most(
            *("c0@A, c1@B(c0), c2@C(c1), c3@D(c2)", 200),
            window=2,
            run_ahead=64,
            faults=faults,
            speeds={"A": FAST, "B": FAST, "C": FAST, "D": SLOW},
        )

        assert found["ticks ahead"] == 3 * 2
        assert found["values retained"] == 2


class TestFanOut:
    """One port that fifty nodes read."""

    TEXT = ", ".join(["c0@A", *(f"c{n}@B{n}(c0)" for n in range(1, 51))])
    SPEEDS = {f"B{n}": (SLOW, 8, 60, FAST)[n % 4] for n in range(1, 51)}  # noqa: RUF012

    @NETWORKS
    @pytest.mark.parametrize("window", [1, 4])
    def test_the_slowest_of_fifty_sets_the_pace(
        self, window: int, faults: Faults | None
    ) -> None:
        """What the others have had is not kept for it: each way has its own window."""
        found = most(
            *(self.TEXT, 12),
            window=window,
            run_ahead=64,
            faults=faults,
            speeds={"A": FAST, **self.SPEEDS},
        )

        assert found["ticks ahead"] == window
        assert found["values retained"] == window


class TestLoop:
    """Three nodes in a circle, with one delay."""

    TEXT = "c0@A(c2|), c1@B(c0), c2@C(c1)"

    @NETWORKS
    @pytest.mark.parametrize("window", [1, 8])
    def test_one_value_goes_round(self, window: int, faults: Faults | None) -> None:
        """Whatever the limits, nobody is more than one tick above anybody."""
        for seed in range(4):
            found = most(
                *(self.TEXT, 100),
                window=window,
                run_ahead=64,
                faults=faults,
                seed=seed,
            )
            assert found["ticks ahead"] == 1
            assert found["values before a reader"] <= 1

    @NETWORKS
    def test_what_feeds_a_slow_loop_waits_for_it(self, faults: Faults | None) -> None:
        """As fast as a value goes round; a window, and the tick of the delay, ahead."""
        found = most(
            *("c0@A, c1@B(c0, c3|), c2@C(c1) silence=4, c3@D(c2~)", 150),
            window=3,
            run_ahead=64,
            faults=faults,
            speeds={"A": FAST, "D": SLOW},
        )

        assert found["ticks ahead"] == 3 + 1


class Fires(Component):
    """Counts its firings where other processes can read them."""

    def __init__(self, path: str, is_silent: bool = False, node: Any = None) -> None:
        super().__init__(node=node)
        self.path = path
        self.is_silent = is_silent
        self.fired = 0

    def on_configure(self) -> None:
        self.counter = opened(self.path)

    def forward(self) -> int | None:
        self.fired += 1
        struct.pack_into("<q", self.counter, 0, self.fired)
        return None if self.is_silent else self.fired


class Naps(Component):
    """Takes 0.1 s for a value, and fails when its source gets too far ahead.

    Args:
        path: Where the source counts.
        most: How far it may get.
        node: Where this runs.
    """

    value = InputPort(int, policy="hold")

    def __init__(self, path: str, most: int, node: Any = None) -> None:
        super().__init__(node=node)
        self.path = path
        self.most = most
        self.fired = 0

    def on_configure(self) -> None:
        self.counter = opened(self.path)

    def ahead(self) -> int:
        """Return how many firings the source has begun above those finished here."""
        (count,) = struct.unpack_from("<q", self.counter)
        return int(count) - self.fired

    def forward(self, value: int | None) -> int:
        if not self.fired:
            self.wait()
        time.sleep(0.1)
        ahead = self.ahead()
        if ahead > self.most:
            raise RuntimeError(f"{ahead} ticks ahead, and {self.most} are allowed")
        self.fired += 1
        return ahead

    def wait(self) -> None:
        """Let the source get as far as it can, however long that takes."""
        until = time.monotonic() + 30
        while self.ahead() < self.most:
            if time.monotonic() > until:
                raise RuntimeError(f"still {self.ahead()} ticks ahead")
            time.sleep(0.001)


def opened(path: str) -> mmap.mmap:
    """Return a file as memory that processes share."""
    with Path(path).open("r+b") as file:
        return mmap.mmap(file.fileno(), 8)


class Images(Component):
    """Sends ten megabytes a tick, and fails when more of them live than may.

    Args:
        most: How many of those that were sent before may live.
        node: Where this runs.
    """

    SIZE = 10_000_000

    def __init__(self, most: int, node: Any = None) -> None:
        super().__init__(node=node)
        self.most = most
        self.fired = 0
        self.alive: list[weakref.ref[Any]] = []

    def forward(self) -> Any:
        check_alive(self.alive, self.most)
        self.fired += 1
        image = np.full(self.SIZE, self.fired, np.uint8)
        self.alive.append(weakref.ref(image))
        return image


class Corners(Component):
    """Looks at what is large, and fails when more of it lives than may."""

    def __init__(self, node: Any = None) -> None:
        super().__init__(node=node)
        self.alive: list[weakref.ref[Any]] = []

    def forward(self, image: Any) -> list[int]:
        check_alive(self.alive, 0)
        self.alive.append(weakref.ref(image))
        return [image.size, int(image[0]), int(image[-1]), image.flags.writeable]


def check_alive(alive: list[weakref.ref[Any]], most: int) -> None:
    """Forget what is gone, and fail when more is left than may be."""
    alive[:] = [item for item in alive if item() is not None]
    if len(alive) > most:
        raise RuntimeError(f"{len(alive)} values of other ticks live, not {most}")


class TestProcesses:
    """The same with real processes, pipes and time."""

    @pytest.fixture(autouse=True)
    def importable(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """Let the processes find the components where this one found them."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.syspath_prepend(str(Path(__file__).parents[3]))

    def launch(self, system: System, iterations: int, **options: Any) -> RunReport:
        """Run a system, each node in a process."""
        report: RunReport = ReferenceEngine().launch(
            system, iterations=iterations, **options
        )
        return report

    @pytest.mark.parametrize(
        ("window", "run_ahead", "is_silent", "bound"),
        [(2, 256, False, 2), (8, 3, False, 3), (2, 5, True, 5)],
    )
    def test_a_source_waits_for_a_consumer_that_takes_100_ms(
        self,
        window: int,
        run_ahead: int,
        bound: int,
        tmp_path: Path,
        *,
        is_silent: bool,
    ) -> None:
        """While the consumer fires at tick t, the source has begun up to `t + bound`.

        By then the consumer has finished the ticks 0 to t - 1, so at most t credits
        are back. To fire for the n-th time, the source needs that fewer than `window`
        of the n - 1 values before are without a credit: n - 1 - t < window. And it
        needs that its tick, n - 1, is less than `run_ahead` above the smallest
        unfinished tick, which is t at most: n - 1 < t + run_ahead. Hence its count n
        is at most t + min(window, run_ahead). A source that sends nothing needs no
        credit, and only the second holds. At tick 0 the consumer waits until the
        source is as far as that; then, as at every other tick, for 0.1 s more.
        """
        path = tmp_path / "fired"
        path.write_bytes(bytes(8))
        fires = Fires(str(path), is_silent, Node("a"))
        naps = Naps(str(path), bound, Node("b"))
        naps(fires())

        report = self.launch(
            System([fires, naps]),
            iterations=12,
            window=window,
            run_ahead=run_ahead,
            record="all",
        )

        leads = [lead for _, lead in report.records["naps.output"]]
        assert len(leads) == 12
        assert max(leads) == leads[0] == bound
        assert struct.unpack("<q", path.read_bytes()) == (12,)
        sent = [] if is_silent else [(n, n + 1) for n in range(12)]
        assert report.records["fires.output"] == sent

    @pytest.mark.parametrize("window", [1, 3])
    def test_ten_megabytes_live_only_within_the_window(self, window: int) -> None:
        """Where they are made, until they have arrived; where they are used, a tick.

        A source that fires has a credit. So fewer than `window` of the values before
        are on the way, and no other is referred to any more.
        """

        def system() -> System:
            images, corners = Images(window - 1, Node("a")), Corners(Node("b"))
            corners(images())
            return System([images, corners])

        expected = system().launch(6, engine="native", record="corners.output")

        report = self.launch(
            system(), iterations=6, window=window, record=["corners.output"]
        )

        assert report.records == expected.records
        assert report.records["corners.output"][5] == (5, [10_000_000, 6, 6, False])
        (way,) = report.connections.values()
        assert way.messages == 6
        assert 0 <= way.bytes - 6 * Images.SIZE < 6 * 256
