"""A process that runs one node: its host, its channels, and the line home.

An engine starts such a process, gives it a `Transport`, and calls `serve`. Everything
else is here: building the components, the phases of their lives, the channels' frames,
the agreement on the end, and what happens when the launching process is gone.
"""

from __future__ import annotations

import queue
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, Protocol

from like_keras_core.assignments import unwatched
from like_keras_core.codecs.msgpack import from_bytes, to_bytes
from like_keras_core.errors import ComponentError
from like_keras_core.runtime.agreement import Follower
from like_keras_core.runtime.channels import ChannelSpec, channels_of
from like_keras_core.runtime.control import Line, Message
from like_keras_core.runtime.events import Closed, Value
from like_keras_core.runtime.flow import Receiver, Sender, channel_of
from like_keras_core.runtime.host import Failed, Failure, place_of
from like_keras_core.runtime.loader import build
from like_keras_core.runtime.node_host import NodeHost
from like_keras_core.spec import SystemSpec

_LONGEST_WAIT_S = 0.25


class Transport(Protocol):
    """What an engine gives: frames to the other nodes, and theirs to an inbox."""

    def start(self, arrived: Callable[[bytes | memoryview], object]) -> None:
        """Call `arrived` with each frame for this node, from any thread."""
        ...

    def send(self, node: str, frame: Sequence[bytes | bytearray | memoryview]) -> None:
        """Hand over a frame, given in parts, for another node; do not wait for it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberOptions:
    """What a launch says to every process.

    Args:
        window: Values in flight on a channel.
        run_ahead: Ticks that a process may be ahead.
        seed: Seeds every `rng`.
        record: Addresses of ports to record.
    """

    window: int = 8
    run_ahead: int = 256
    seed: int = 0
    record: Sequence[str] = ()


class _FlowLink:
    """Sends a port's values over a channel."""

    def __init__(self, sender: Sender) -> None:
        self.sender = sender

    @property
    def has_credit(self) -> bool:
        return self.sender.has_credit

    def send(self, tick: int, value: Any) -> None:
        self.sender.send(tick, to_bytes(value, "The value"), time.monotonic())

    def absent(self, tick: int) -> None:
        self.sender.watermark(tick)


class Member:
    """Runs one node for a launching process.

    Args:
        spec: The whole system.
        node: The node.
        line: The control channel home.
        transport: The ways to the other nodes.
        options: What the launch says.
        folders: Where scripts are looked for.
    """

    def __init__(
        self,
        spec: SystemSpec,
        node: str,
        line: Line,
        transport: Transport,
        options: MemberOptions,
        folders: Sequence[Path] = (),
    ) -> None:
        self.spec = spec
        self.node = node
        self.line = line
        self.transport = transport
        self.options = options
        self.folders = folders
        self.inbox: queue.SimpleQueue[Message | bytes | memoryview]
        self.inbox = queue.SimpleQueue()
        self.host: NodeHost
        self.follower: Follower
        self.senders: dict[int, tuple[ChannelSpec, Sender]] = {}
        self.receivers: dict[int, tuple[ChannelSpec, Receiver]] = {}
        self.by_source: dict[str, Receiver] = {}
        self._running = False
        self._started = False
        self._over = False
        self._down = False

    def serve(self) -> None:
        """Do what the launching process says, until it says that it is over."""
        self.line.start(self.inbox.put)
        self.transport.start(self.inbox.put)
        with unwatched():
            self.line.send("ready", self.node, self._build())
            try:
                while not self._over:
                    self._turn()
            finally:
                self._leave()
                self.line.close()

    def _build(self) -> dict[str, Any] | None:
        """Make the components and the channels; return what went wrong."""
        mine = [item for item in self.spec.components if item.node == self.node]
        components = {}
        for item in mine:
            try:
                components[item.name] = build(item, self.spec, folders=self.folders)
            except ComponentError as error:
                return _failed(item.name, "__init__", error.__cause__ or error)
            except Exception as error:  # noqa: BLE001 - said to the launching process
                return _failed(item.name, "__init__", error)
        self.host = NodeHost(
            self.spec,
            self.node,
            components,
            released=lambda source, tick: self.by_source[source].release(tick),
            window=self.options.window,
            run_ahead=self.options.run_ahead,
            seed=self.options.seed,
            record=[
                address
                for address in self.options.record
                if address.rpartition(".")[0] in components
            ],
        )
        self.follower = Follower(self.host)
        for channel in channels_of(self.spec):
            number, window = channel.number, self.options.window
            if channel.producer == self.node:
                sender = Sender(number, window, latest=channel.latest)
                self.senders[number] = (channel, sender)
                self.host.link(channel.source, _FlowLink(sender))
            elif channel.consumer == self.node:
                receiver = Receiver(number, window, latest=channel.latest)
                self.receivers[number] = (channel, receiver)
                self.by_source[channel.source] = receiver
        return None

    def _turn(self) -> None:
        """Take in what has come, run one tick if one is ready, say what is new."""
        busy = self._running and self.host.step()
        now = time.monotonic()
        if self._running:
            for message in self.follower.messages():
                self.line.send(*message)
            self._send_frames(now, idle=not busy)
        wait = 0.0 if busy else self._wait(now)
        try:
            item = self.inbox.get(timeout=wait) if wait else self.inbox.get_nowait()
            while True:
                self._take(item)
                item = self.inbox.get_nowait()
        except queue.Empty:
            pass

    def _wait(self, now: float) -> float:
        wakes = [sender.wakes_at for _, sender in self.senders.values()]
        wakes += [receiver.wakes_at for _, receiver in self.receivers.values()]
        wait = min(wakes, default=inf) - now
        return min(_LONGEST_WAIT_S, max(0.0001, wait))

    def _send_frames(self, now: float, *, idle: bool) -> None:
        for channel, sender in self.senders.values():
            for frame in sender.frames(now, idle=idle):
                self.transport.send(channel.consumer, frame)
        for channel, receiver in self.receivers.values():
            for frame in receiver.frames(now, idle=idle):
                self.transport.send(channel.producer, frame)

    def _take(self, item: Message | bytes | memoryview) -> None:
        if isinstance(item, Message):
            self._obey(item)
            return
        number, now = channel_of(item), time.monotonic()
        if number in self.senders:
            self.senders[number][1].on_frame(item, now)
        elif number in self.receivers:
            channel, receiver = self.receivers[number]
            for event in receiver.on_frame(item, now):
                if isinstance(event, Value):
                    payload = event.payload
                    if isinstance(payload, list):
                        payload = b"".join(payload)
                    self.host.push(channel.source, event.tick, from_bytes(payload))
                elif isinstance(event, Closed):
                    self.host.close(channel.source)
                else:
                    self.host.absent(channel.source, event.tick)

    def _obey(self, message: Message) -> None:
        verb = message.verb
        if verb in ("cut", "floor", "freeze", "thaw"):
            self.follower.receive((verb, *message.arguments))
        elif verb == "configure":
            self.line.send("configured", self._enter(self.host.configure))
        elif verb == "activate":
            self.line.send("activated", self._enter(self.host.activate))
        elif verb == "start":
            self._running = self._started = True
        elif verb == "deactivate":
            self._running = False
            self.line.send("deactivated", _said(self.host.deactivate()))
        elif verb == "shutdown":
            self._down = True
            self.line.send("shut down", _said(self.host.shutdown()))
        elif verb == "report":
            self._report()
        elif verb in ("lost", "over"):
            self._over = True

    def _enter(self, phase: Callable[[], None]) -> dict[str, Any] | None:
        try:
            phase()
        except Failed as failed:
            return _said(failed.failure)
        return None

    def _report(self) -> None:
        if not self._started:
            self.line.send("report", {}, {}, {}, None)
            self.line.send("reported")
            return
        components, messages = self.host.counts()
        counts = {name: [item.fired, item.absent] for name, item in components.items()}
        sent = {
            f"{channel.source} -> {channel.consumer}": sender.statistics.bytes
            for channel, sender in self.senders.values()
        }
        self.line.send("report", counts, messages, sent, _said(self.host.failure))
        for address, values in self.host.recorded().items():
            self.line.send("records", address, data=to_bytes(values, address))
        self.line.send("reported")

    def _leave(self) -> None:
        """Shut down what still lives, when the launching process is gone."""
        if hasattr(self, "host") and not self._down:
            self.host.deactivate()
            self.host.shutdown()


def _said(failure: Failure | None) -> dict[str, Any] | None:
    if failure is None:
        return None
    said = _failed(failure.name, failure.phase, failure.error)
    return {**said, "tick": failure.tick}


def _failed(name: str, phase: str, error: BaseException) -> dict[str, Any]:
    return {
        "component": name,
        "phase": phase,
        "tick": None,
        "error": f"{type(error).__name__}: {error}",
        "traceback": "".join(traceback.format_exception(error)),
        "place": place_of(error),
    }
