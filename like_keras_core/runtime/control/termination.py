"""How the processes of a run agree on where it ends: pure state, no I/O.

Each participant tells the coordinator what ended or failed in it, how far it is, and
that it has finished; the coordinator keeps the lowest stop point and tells everybody
whenever it falls. The messages between one participant and the coordinator keep their
order; between participants nothing is assumed.

A stop takes two phases: every participant starts no more ticks, and replies the lowest
that it has not finished and the highest that it has started. The lowest unfinished tick
of all is the last one, if anybody has started it, and else the first that does not
count: so a stop takes no more of what is queued than it must. Then the stop point is
granted, and that tick is finished. What was done above it is beyond the end.

The run is over when every participant has said that it finished the lowest stop point.
Values in flight need no counters of their own: a tick is finished only when all that it
was sent has arrived, so what is under way belongs to a tick that is not finished.

References:
    Lohstroh, Menard, Bateni & Lee, *Toward a Lingua Franca for Deterministic
    Concurrent Systems*, ACM TECS 20(4), 2021, and `net_common.h` of reactor-c: the
    coordinated stop of federates, whose tick is above all that was started.
    Mattern, *Algorithms for Distributed Termination Detection*, Distributed Computing
    2, 1987: the end of a run, here by a coordinator that is told of it.
    Akidau et al., *The Dataflow Model*, VLDB 8(12), 2015: low watermarks; and
    Jefferson, *Virtual Time*, ACM TOPLAS 7(3), 1985, whose global virtual time is one.
    Lubachevsky, *Efficient Distributed Event-Driven Simulations of Multiple-Loop
    Networks*, CACM 32(1), 1989: bounded lag, which is what `run_ahead` bounds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from like_keras_core.runtime.control.message import ProtocolError, assert_never
from like_keras_core.runtime.control.protocol import (
    Finished,
    LowWatermark,
    NewStopPoint,
    Progress,
    StopGranted,
    StopProposed,
    StopReply,
    StopRequest,
    ToCoordinator,
    ToParticipant,
)
from like_keras_core.runtime.host.node_host import NodeHost
from like_keras_core.runtime.stop_point import FOREVER, StopPoint


class StopCoordinator:
    """The launcher's side.

    Args:
        nodes: The participants' nodes.
        iterations: How many ticks; None until stopped.
        is_exact: Whether a proposed end is where the run ends. If not, it is a reason
            to stop: what was sent meanwhile counts as far as all have got.

    Attributes:
        stop_point: The lowest end of the run that is known; it only ever falls.
        outbox: Messages to be sent, by node, in this order; the caller clears it.
    """

    def __init__(
        self, nodes: Iterable[str], iterations: int | None, is_exact: bool = True
    ) -> None:
        self.nodes = tuple(nodes)
        self.is_exact = is_exact
        #: The lowest end that was proposed where that is only a reason to stop.
        self._reason: StopPoint | None = None
        self.stop_point = FOREVER if iterations is None else StopPoint(iterations, 0)
        self.outbox: list[tuple[str, ToParticipant]] = []
        #: The first tick that each node is not known to have finished; it only rises.
        self._progress = dict.fromkeys(self.nodes, 0)
        #: The place of the stop point below which each node has last said that all is
        #: done. The run is over when none of them is below that of `stop_point`; one
        #: may be above it, when the stop point has fallen since.
        self._finished: dict[str, tuple[int, int]] = {}
        #: None until a stop is requested, which happens once; from then on the replies
        #: of the nodes that have replied. When all have, the stop is granted, and
        #: replies change nothing more.
        self._replies: dict[str, StopReply] | None = None
        #: The minimum of `_progress`, as all participants were told.
        self._low_watermark = 0
        self._tell(NewStopPoint(self.stop_point))

    @property
    def is_done(self) -> bool:
        """Whether every node has finished all that counts."""
        return all(
            self._finished.get(node, (-1, 0)) >= self.stop_point.place
            for node in self.nodes
        )

    @property
    def is_stopping(self) -> bool:
        """Whether a stop has begun."""
        return self._replies is not None

    @property
    def low_watermark(self) -> int:
        """The smallest tick that not every node is known to have finished."""
        return self._low_watermark

    def progress_of(self, node: str) -> int:
        """Return the smallest tick that a node is not known to have finished."""
        return self._progress[node]

    def stop(self) -> None:
        """Begin a stop, unless one has begun: ask how far everybody is."""
        if self._replies is None:
            self._replies = {}
            self._tell(StopRequest())

    def receive(self, node: str, message: ToCoordinator) -> None:
        """Take what a node's process says.

        Raises:
            ProtocolError: It replies to what was not asked.
        """
        match message:
            case Progress(tick):
                self._on_progress(node, tick)
            case Finished(tick, order):
                self._finished[node] = (tick, order)
            case StopProposed(stop_point):
                if self.is_exact:
                    self._lower(stop_point)
                else:
                    self._stop_for(stop_point)
            case StopReply():
                self._on_reply(node, message)
            case _:
                assert_never(message)

    def _on_progress(self, node: str, tick: int) -> None:
        self._progress[node] = max(self._progress[node], tick)
        low_watermark = min(self._progress.values())
        if low_watermark > self._low_watermark:
            self._low_watermark = low_watermark
            self._tell(LowWatermark(low_watermark))

    def _on_reply(self, node: str, reply: StopReply) -> None:
        if self._replies is None:
            raise ProtocolError(StopReply.verb, "came though no stop was requested")
        self._replies[node] = reply
        self._on_progress(node, reply.unfinished)
        if len(self._replies) == len(self.nodes):
            replies = self._replies.values()
            last = min(item.unfinished for item in replies)
            has_begun = max(item.started for item in replies) >= last
            self._cut(max(last + has_begun, self._low_watermark))
            self._tell(StopGranted(self.stop_point))

    def give_up(self) -> None:
        """End the run with what is known to be finished everywhere."""
        self._cut(self._low_watermark)
        self._tell(NewStopPoint(self.stop_point))

    def _stop_for(self, reason: StopPoint) -> None:
        if self._reason is None or reason.place < self._reason.place:
            self._reason = reason
        self.stop()

    def _cut(self, tick: int) -> None:
        reason = self._reason or StopPoint(tick, 0, "stop")
        stop = reason._replace(tick=tick, order=0)
        self.stop_point = min(self.stop_point, stop, key=lambda x: x.place)

    def _lower(self, stop_point: StopPoint) -> None:
        if stop_point.place < self.stop_point.place:
            self.stop_point = stop_point
            self._tell(NewStopPoint(stop_point))

    def _tell(self, message: ToParticipant) -> None:
        self.outbox += [(node, message) for node in self.nodes]


class StopParticipant:
    """A node's side.

    Args:
        host: The node's host.
    """

    def __init__(self, host: NodeHost) -> None:
        self.host = host
        #: The lowest stop point that the coordinator knows of: it has said it, or was
        #: told. While the host's own is below, there is one to propose.
        self._known_place: tuple[int, int] = FOREVER.place
        #: The progress said last; what is said only rises.
        self._said_progress = 0
        #: The place of the stop point that was last said to be finished; None before
        #: the first. Said once for each: what falls lower is finished once more.
        self._said_finished: tuple[int, int] | None = None
        #: Replies to stop requests that are not sent yet.
        self._replies: list[StopReply] = []
        #: The lowest unfinished tick when a stop request had arrived and was not yet
        #: taken, because a tick was running.
        self._unfinished: int | None = None
        #: The host's stop point when it was last looked at; another one is news.
        self._seen: StopPoint | None = None
        #: The progress of the host from which on there is something to say: half the
        #: run-ahead limit after `_said_progress`, so that nobody is held up by what is
        #: not said, or the end, where that is nearer and not said to be finished.
        self._news_at = 0

    def expect_stop(self) -> None:
        """Know that a stop request has arrived, and will be taken; from any thread."""
        self._unfinished = self.host.progress

    def receive(self, message: ToParticipant) -> None:
        """Take what the coordinator says."""
        match message:
            case LowWatermark(tick):
                self.host.set_floor(tick)
            case NewStopPoint(stop_point):
                self._on_stop_point(stop_point)
            case StopRequest():
                unfinished = self._unfinished
                if unfinished is None:
                    unfinished = self.host.progress
                self._replies.append(StopReply(unfinished, self.host.freeze()))
            case StopGranted(stop_point):
                self._on_stop_point(stop_point)
                self.host.thaw()
            case _:
                assert_never(message)

    def _on_stop_point(self, stop_point: StopPoint) -> None:
        self.host.set_cut(stop_point)
        self._known_place = min(self._known_place, stop_point.place)

    @property
    def has_news(self) -> bool:
        """Whether there is something that cannot wait."""
        host = self.host
        return (
            host.cut is not self._seen
            or bool(self._replies)
            or host.lateness.proposal is not None
            or host.progress >= self._news_at
        )

    def messages(self, *, hurry: bool = False) -> Iterator[ToCoordinator]:
        """Say what is new; a proposed end goes before what it leads to.

        Args:
            hurry: Say how far this host is, even if that is little.
        """
        host = self.host
        self._seen = host.cut
        if host.cut.place < self._known_place:
            self._known_place = host.cut.place
            yield StopProposed(host.cut)
        if (reason := host.lateness.proposal) is not None:
            host.lateness.proposal = None
            place = host.place[reason.component]
            yield StopProposed(reason._replace(order=place))
        yield from self._replies
        self._replies.clear()
        progress = min(host.progress, host.cut.end)
        news = 1 if hurry else max(1, host.run_ahead // 2)
        if progress >= self._said_progress + news:
            self._said_progress = progress
            yield Progress(progress)
        if host.is_finished and self._said_finished != host.cut.place:
            self._said_finished = host.cut.place
            yield Finished(*host.cut.place)
        self._news_at = self._said_progress + max(1, host.run_ahead // 2)
        if self._said_finished != host.cut.place:
            self._news_at = min(self._news_at, host.cut.end)
