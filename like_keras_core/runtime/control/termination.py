"""How the hosts of a run agree on where it ends: pure state, no I/O.

Each host tells the leader what it raised, how far it is, and that it has finished; the
leader keeps the smallest cut and tells everybody whenever it falls. The messages
between one host and the leader keep their order; between hosts nothing is assumed.

A stop takes two phases: every host answers the highest tick that it has started and
starts none above; then the cut goes out, one above the highest of all, and thaws.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from like_keras_core.runtime.host.node_host import NodeHost
from like_keras_core.runtime.stop_point import FOREVER, StopPoint

Message = tuple[Any, ...]
"""A verb and its JSON arguments."""


class StopCoordinator:
    """The launching process's part.

    Args:
        nodes: The hosts' nodes.
        iterations: How many ticks; None until stopped.
    """

    def __init__(self, nodes: Iterable[str], iterations: int | None) -> None:
        self.nodes = tuple(nodes)
        self.cut = FOREVER if iterations is None else StopPoint(iterations, 0)
        self.outbox: list[tuple[str, Message]] = []
        self._progress = dict.fromkeys(self.nodes, 0)
        self._finished: dict[str, tuple[int, int]] = {}
        self._frozen: dict[str, int] | None = None
        self._floor = 0
        self._tell("cut", *self.cut)

    @property
    def is_done(self) -> bool:
        """Whether every host has finished all that counts."""
        return all(
            self._finished.get(node, (-1, 0)) >= self.cut.place for node in self.nodes
        )

    @property
    def floor(self) -> int:
        """The smallest tick that not every host is known to have finished."""
        return self._floor

    def progress_of(self, node: str) -> int:
        """Return the smallest tick that a host is not known to have finished."""
        return self._progress[node]

    def stop(self) -> None:
        """Begin a stop: ask how far everybody is."""
        if self._frozen is None:
            self._frozen = {}
            self._tell("freeze")

    def receive(self, node: str, message: Message) -> None:
        """Take in what a host says."""
        verb, *arguments = message
        if verb == "event":
            self._lower(StopPoint(*arguments))
        elif verb == "progress":
            self._progress[node] = arguments[0]
            floor = min(self._progress.values())
            if floor > self._floor:
                self._floor = floor
                self._tell("floor", floor)
        elif verb == "finished":
            self._finished[node] = (arguments[0], arguments[1])
        elif verb == "frozen" and self._frozen is not None:
            self._frozen[node] = arguments[0]
            if len(self._frozen) == len(self.nodes):
                stop = StopPoint(max(self._frozen.values()) + 1, 0, "stop")
                self.cut = min(self.cut, stop, key=lambda cut: cut.place)
                self._tell("thaw", *self.cut)
        else:
            raise ValueError(f"Unknown message {message!r:.80} from host {node!r}.")

    def _lower(self, cut: StopPoint) -> None:
        if cut.place < self.cut.place:
            self.cut = cut
            self._tell("cut", *cut)

    def _tell(self, *message: Any) -> None:
        self.outbox += [(node, message) for node in self.nodes]


class StopParticipant:
    """A host's part.

    Args:
        host: The host.
    """

    def __init__(self, host: NodeHost) -> None:
        self.host = host
        self._told_cut: tuple[int, int] = FOREVER.place
        self._told_progress = 0
        self._told_finished: tuple[int, int] | None = None
        self._answers: list[Message] = []
        self._seen: StopPoint | None = None
        self._news_at = 0

    def receive(self, message: Message) -> None:
        """Take in what the leader says."""
        verb, *arguments = message
        if verb == "cut":
            self._on_cut(StopPoint(*arguments))
        elif verb == "floor":
            self.host.set_floor(arguments[0])
        elif verb == "freeze":
            self._answers.append(("frozen", self.host.freeze()))
        elif verb == "thaw":
            self._on_cut(StopPoint(*arguments))
            self.host.thaw()
        else:
            raise ValueError(f"Unknown message {message!r:.80} from the leader.")

    def _on_cut(self, cut: StopPoint) -> None:
        self.host.set_cut(cut)
        self._told_cut = min(self._told_cut, cut.place)

    @property
    def has_news(self) -> bool:
        """Whether there is something that cannot wait."""
        host = self.host
        return (
            host.cut is not self._seen
            or bool(self._answers)
            or host.progress >= self._news_at
        )

    def messages(self, *, hurry: bool = False) -> Iterator[Message]:
        """Say what is new; an event goes before the end that it leads to.

        Args:
            hurry: Say how far this host is, even if that is little.
        """
        host = self.host
        self._seen = host.cut
        if host.cut.place < self._told_cut:
            self._told_cut = host.cut.place
            yield ("event", *host.cut)
        yield from self._answers
        self._answers.clear()
        progress = min(host.progress, host.cut.tick + 1)
        news = 1 if hurry else max(1, host.run_ahead // 2)
        if progress >= self._told_progress + news:
            self._told_progress = progress
            yield ("progress", progress)
        if host.is_finished and self._told_finished != host.cut.place:
            self._told_finished = host.cut.place
            yield ("finished", *host.cut.place)
        self._news_at = self._told_progress + max(1, host.run_ahead // 2)
        if self._told_finished != host.cut.place:
            self._news_at = min(self._news_at, host.cut.tick + 1)
