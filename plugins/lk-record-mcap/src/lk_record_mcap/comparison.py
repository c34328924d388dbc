"""Compares what was sent in two runs, tick by tick, keeping one tick in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from like_keras_core.spec import component_of
from like_keras_core.values.semantics import same
from lk_record_mcap.difference import ABSENT, Difference
from lk_record_mcap.recording import Message, Recording

Tick = tuple[int, Mapping[str, Message]]


class Comparison:
    """What differs between a recording and a replay of it.

    Args:
        recorded: The recording.
        replayed: What the replay sent.
        ports: What is compared, in the order in which a tick's values are sent.
        ticks: The ticks of the recording that are compared.
        begin: The tick of the recording that was tick 0 of the replay.
        has_failed: Whether a component ended the replay: what it did not come to is
            then not compared.
    """

    def __init__(
        self,
        recorded: Recording,
        replayed: Recording,
        ports: Sequence[str],
        ticks: range,
        begin: int,
        *,
        has_failed: bool,
    ) -> None:
        self.recorded, self.replayed = recorded, replayed
        self.ticks = ticks
        self.messages = self.differing = 0
        self.first: Difference | None = None
        self._begin = begin
        self._until: dict[str, int] = {}
        for port in ports:
            name = component_of(port)
            self._until[port] = recorded.counted.get(name, 0)
            if has_failed:
                reached = begin + replayed.counted.get(name, 0)
                self._until[port] = min(self._until[port], reached)
        self._run()

    def _run(self) -> None:
        ports = set(self._until)
        olds = _by_tick(self.recorded.messages(ports), 0)
        news = _by_tick(self.replayed.messages(ports), self._begin)
        old, new = next(olds, None), next(news, None)
        while old is not None or new is not None:
            tick = min(item[0] for item in (old, new) if item is not None)
            if tick >= self.ticks.stop:
                return
            before: Mapping[str, Message] = {}
            after: Mapping[str, Message] = {}
            if old is not None and old[0] == tick:
                before, old = old[1], next(olds, None)
            if new is not None and new[0] == tick:
                after, new = new[1], next(news, None)
            if tick in self.ticks:
                self._compare(tick, before, after)

    def _compare(
        self, tick: int, before: Mapping[str, Message], after: Mapping[str, Message]
    ) -> None:
        for port, until in self._until.items():
            old, new = before.get(port), after.get(port)
            if tick >= until or (old is None and new is None):
                continue
            self.messages += old is not None
            if old is not None and new is not None and _is_copy(old, new):
                continue
            values = _value(self.recorded, old), _value(self.replayed, new)
            if same(*values):
                continue
            self.differing += 1
            if self.first is None:
                self.first = Difference(
                    tick=tick, port=port, recorded=values[0], replayed=values[1]
                )


def _by_tick(messages: Iterator[Message], shift: int) -> Iterator[Tick]:
    for tick, items in groupby(messages, key=lambda item: item.tick):
        yield tick + shift, {item.port: item for item in items}


def _is_copy(old: Message, new: Message) -> bool:
    """Say whether two messages are the same bytes; then so are the values."""
    return old.schema == new.schema and old.data == new.data


def _value(recording: Recording, message: Message | None) -> Any:
    return ABSENT if message is None else recording.value(message)
