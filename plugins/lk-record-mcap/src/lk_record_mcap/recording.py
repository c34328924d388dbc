"""Reads a recording: what is known of its run, and its messages by tick."""

from __future__ import annotations

import functools
import json
import os
import statistics
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from like_keras_core.engine_kit import resolve_class
from like_keras_core.errors import LkError, nearest
from like_keras_core.report import Choices
from like_keras_core.spec import SystemSpec
from lk_record_mcap.errors import DamagedRecordingError, RecordingError
from lk_record_mcap.format import decode
from lk_record_mcap.mcap_file import McapFile
from lk_record_mcap.merge import parts_of
from lk_record_mcap.run_metadata import (
    CHOICES,
    FORMAT,
    NAME,
    SPEC,
    TICKS,
    check_ticks,
    may_choose,
)
from lk_record_mcap.shard import BEYOND_END
from lk_record_mcap.shard_reader import tick_of


@dataclass(frozen=True, slots=True)
class Message:
    """What a port sent at a tick.

    Args:
        tick: The tick.
        port: The port's address.
        stamp_ns: When it was sent, since the epoch [ns], by its own machine's clock.
        encoding: MCAP's name for how it is written.
        schema: The name of its schema.
        data: Its content.
    """

    tick: int
    port: str
    stamp_ns: int
    encoding: str
    schema: str
    data: bytes


class Recording:
    """A recording of one launch.

    Args:
        path: The MCAP file.
        allow: Module prefixes that may be imported for the classes of values; None
            allows all. A recording names them: set this for files of others.

    Attributes:
        path: The MCAP file.
        allow: Module prefixes that may be imported; None is all.
        spec: The system that ran.
        metadata: What else is known of the run: engine, seed, versions, and more.
        ports: The addresses of the recorded ports.
        params: What was set of components before the run, by address, as plain data.
        iterations: How many ticks count.
        counted: By component, the ticks that count for it.
        absent: By port, the ticks at which it sent nothing, as `[first, count, step]`.
        choices: What clocks decided in the run, for `launch(choices=...)`; None where
            it is not known, because the run was killed.

    Raises:
        RecordingError: It is not a recording, or is damaged, or is not finished.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, allow: Iterable[str] | None = None
    ) -> None:
        self.path = Path(path).absolute()
        self.allow = None if allow is None else list(allow)
        self._resolve = functools.partial(resolve_class, allow=self.allow)
        self._file = self._opened()
        self.metadata = self._metadata()
        self.spec, ticks = self._attachments()
        self.counted: Mapping[str, int] = ticks["counted"]
        self.absent: Mapping[str, list[list[int]]] = ticks["absent"]
        self.choices = self._choices()
        self.params = self._params()
        self.iterations = int(self.metadata["iterations"])
        self.ports = list(self.absent)

    def _opened(self) -> McapFile:
        if not self.path.exists() and parts_of(self.path).is_dir():
            raise RecordingError(
                f"The run that {str(self.path)!r} is of was killed, or is not over. "
                f"To finish the recording of a killed run: lk recover {self.path}"
            )
        try:
            return McapFile(self.path)
        except DamagedRecordingError:
            raise
        except RecordingError as error:
            raise self._no_recording(str(error)) from error
        except OSError as error:
            raise RecordingError(f"Cannot read the recording: {error}") from error

    def _metadata(self) -> dict[str, str]:
        """Return what is known of the run, with all that this module reads."""
        found = self._file.metadata(NAME)
        if found is None:
            raise self._no_recording("launch(record_to=...) did not write it")
        if found.get("format") != FORMAT:
            raise self._no_recording(
                f"its format is {found.get('format')!r}; install a newer lk-record-mcap"
            )
        for name in ("iterations", "seed", "engine", "ended_by"):
            value = found.get(name, "")
            if not value or (name in ("iterations", "seed") and not _is_whole(value)):
                raise self._no_recording(f"its {name} is {value!r:.80}")
        return found

    def _attachments(self) -> tuple[SystemSpec, dict[str, Any]]:
        """Return the system that ran, and which ticks count."""
        try:
            spec = SystemSpec.from_json((self._file.attachment(SPEC) or b"").decode())
            ticks = json.loads(self._file.attachment(TICKS) or b"")
            check_ticks(ticks, self.metadata)
        except RecordingError:
            raise
        except Exception as error:
            raise self._no_recording(str(error) or repr(error)) from error
        return spec, ticks

    def _params(self) -> dict[str, Any]:
        """Return what was set of components; nothing in recordings that lack it."""
        try:
            found = json.loads(self.metadata.get("options") or "{}").get("params", {})
            return dict(found)
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise self._no_recording("its options are damaged") from None

    def _choices(self) -> Choices | None:
        """Return what clocks decided, as far as the end of the run is known."""
        try:
            text = self._file.attachment(CHOICES)
            if text is not None:
                return Choices.from_dict(json.loads(text))
        except RecordingError:
            raise
        except Exception as error:
            raise self._no_recording(str(error) or repr(error)) from error
        return None if self.ended_by == "lost" else Choices()

    @property
    def has_choices(self) -> bool:
        """Whether the run may have depended on what clocks decided."""
        options = json.loads(self.metadata.get("options") or "{}")
        is_skipping = isinstance(options, dict) and options.get("late") == "skip"
        return bool(self.choices) or is_skipping or may_choose(self.spec)

    def _no_recording(self, why: str) -> RecordingError:
        return RecordingError(f"{str(self.path)!r} is not a recording of a run: {why}.")

    @property
    def engine(self) -> str:
        """The name of the engine that ran it."""
        return self.metadata["engine"]

    @property
    def seed(self) -> int:
        """The seed of the launch."""
        return int(self.metadata["seed"])

    @property
    def ended_by(self) -> str:
        """What ended the run, as in its report; `"lost"` where it is not known."""
        return self.metadata["ended_by"]

    @property
    def ticks_per_s(self) -> float | None:
        """How fast the run was, by a clock that nobody sets; None if not known.

        A run that was paced and kept up has the rate that was asked for.
        """
        rate_hz = float(self.metadata["rate_hz"] or 0)
        duration_s = float(self.metadata.get("duration_s", 0))
        mean_hz = self.iterations / duration_s if duration_s else 0
        rates = [rate for rate in (rate_hz, mean_hz) if rate]
        return min(rates) if rates else self._stamped_rate()

    def _stamped_rate(self) -> float | None:
        """Return how fast ticks follow one another by their stamps, mostly.

        A clock that is set during the run makes one tick long or short.
        """
        steps = []
        last: Message | None = None
        for message in self.messages():
            if last is None or message.tick > last.tick:
                if last is not None:
                    passed_ns = message.stamp_ns - last.stamp_ns
                    steps.append(passed_ns / (message.tick - last.tick))
                last = message
        step_ns = statistics.median(steps) if steps else 0
        return 1e9 / step_ns if step_ns > 0 else None

    def messages(self, ports: Collection[str] | None = None) -> Iterator[Message]:
        """Yield what was sent, by tick and execution order.

        Args:
            ports: Addresses; None is all.

        Raises:
            RecordingError: The file is damaged; what came before is as it was written.
        """
        if ports is None or ports:
            yield from self._messages(ports, is_beyond=False)

    def messages_beyond_end(self) -> Iterator[Message]:
        """Yield what was sent beyond the end of the run, and does not count.

        Such are the values of a fast source that was ahead when the run was stopped.

        Raises:
            RecordingError: The file is damaged; what came before is as it was written.
        """
        return self._messages(None, is_beyond=True)

    def _messages(
        self, topics: Collection[str] | None, *, is_beyond: bool
    ) -> Iterator[Message]:
        last: dict[str, int] = {}
        for schema, channel, item in self._file.messages(topics):
            port = channel.metadata.get(BEYOND_END, "")
            if bool(port) is not is_beyond:
                continue
            port = port or channel.topic
            tick = last[port] = tick_of(item.sequence, last.get(port, 0))
            encoding = channel.message_encoding
            yield Message(tick, port, item.log_time, encoding, schema.name, item.data)

    def value(self, message: Message) -> Any:
        """Return the value that a message stands for; arrays are read-only.

        Raises:
            LkError: A class in it cannot be had.
            RecordingError: It is damaged.
        """
        try:
            return decode(message.encoding, message.schema, message.data, self._resolve)
        except LkError:
            raise
        except Exception as error:
            raise RecordingError(
                f"Cannot read what {message.port!r} sent at tick {message.tick} in "
                f"{str(self.path)!r}: {error!r:.200}."
            ) from error

    def values(self, port: str) -> list[tuple[int, Any]]:
        """Return all that a port sent, as `report.records` would have it.

        Raises:
            RecordingError: The port was not recorded.
        """
        self.check_ports([port])
        return [(item.tick, self.value(item)) for item in self.messages([port])]

    def check_ports(self, ports: Iterable[str]) -> None:
        """Refuse ports that were not recorded.

        Raises:
            RecordingError: There are some; the message names them.
        """
        missing = [port for port in ports if port not in self.absent]
        if missing:
            near = nearest(missing[0], self.ports)
            hint = f" Did you mean {near!r}?" if near else ""
            raise RecordingError(
                f"{str(self.path)!r} does not have what these ports sent: "
                f"{', '.join(missing)}. It has: {', '.join(self.ports) or 'none'}."
                f"{hint}"
            )


def _is_whole(text: str) -> bool:
    return len(text) <= 40 and text.lstrip("-").isdecimal() and text.isascii()
