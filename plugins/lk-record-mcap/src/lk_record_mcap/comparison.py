"""What differs between two runs, tick by tick, keeping one tick in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from like_keras_core.engine_kit import same
from like_keras_core.spec import component_of
from lk_record_mcap.recording import Message, Recording

Tick = tuple[int, Mapping[str, Message]]


class _Absent:
    """What stands for no value; there is one."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()
"""Stands for the value of a port that sent nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where a replay first differs from its recording.

    Args:
        tick: The tick of the recorded run.
        port: The address of the port.
        recorded: What was sent then; `ABSENT` for nothing.
        replayed: What was sent now; `ABSENT` for nothing.
    """

    tick: int
    port: str
    recorded: Any
    replayed: Any

    @property
    def where(self) -> str:
        """Where in the values they differ, and by how much; empty where it is plain."""
        return "; ".join(_differences(self.recorded, self.replayed, ""))

    def __str__(self) -> str:
        text = (
            f"At tick {self.tick}, {self.port!r} sent {_short(self.replayed)}; "
            f"recorded is {_short(self.recorded)}."
        )
        return f"{text} They differ {self.where}." if self.where else text


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
        self.messages = self.compared = self.differing = 0
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
            self.compared += 1
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


def _differences(old: Any, new: Any, place: str) -> list[str]:
    """Say where two values differ: the first place, or for arrays a summary."""
    if type(old) is not type(new):
        if not place and ABSENT in (old, new):
            return []
        return [f"in type{_at(place)}: {_kind(new)}, recorded {_kind(old)}"]
    if hasattr(old, "dtype") and hasattr(old, "shape"):
        return [_array_difference(old, new, place)]
    for key, before, after in _parts(old, new):
        if not same(before, after):
            return _differences(before, after, place + key)
    if isinstance(old, (list, tuple)) and len(old) != len(new):
        return [f"in length{_at(place)}: {len(new)}, recorded {len(old)}"]
    if isinstance(old, Mapping) and list(old) != list(new):
        return [f"in keys{_at(place)}: {list(new)!r:.200}, recorded {list(old)!r:.200}"]
    return [f"at {place}: {new!r:.200}, recorded {old!r:.200}"] if place else []


def _parts(old: Any, new: Any) -> list[tuple[str, Any, Any]]:
    """Return the parts that two values of one type both have, with their names."""
    if isinstance(old, Mapping):
        return [(f"[{key!r}]", old[key], new[key]) for key in old if key in new]
    fields = getattr(old, "_fields", None)
    if isinstance(old, (list, tuple)):
        names = fields or range(len(old))
        keys = [f".{name}" if fields else f"[{name}]" for name in names]
        return list(zip(keys, old, new, strict=False))
    if dataclasses.is_dataclass(old):
        names = [field.name for field in dataclasses.fields(old)]
        return [(f".{name}", getattr(old, name), getattr(new, name)) for name in names]
    return []


def _array_difference(old: Any, new: Any, place: str) -> str:
    import numpy as np

    from like_keras_core.engine_kit.value_bytes import content_bytes

    if (old.dtype, old.shape) != (new.dtype, new.shape):
        return f"in form{_at(place)}: {_form(new)}, recorded {_form(old)}"
    # The bits decide, as in `same`: -0.0 is not 0.0; only NaN is NaN whatever its bits.
    width = old.dtype.itemsize
    bits = [
        np.frombuffer(content_bytes(item), np.uint8).reshape(-1, width)
        for item in (old, new)
    ]
    differ = (bits[0] != bits[1]).any(axis=1).reshape(old.shape)
    if old.dtype.kind in "fc":
        differ &= ~(np.isnan(old) & np.isnan(new))
    first = tuple(int(n) for n in np.argwhere(differ)[0]) if old.shape else ()
    spot = f"{place}[{', '.join(map(str, first))}]" if first else place
    pair = new[first].item(), old[first].item()
    text = f"at {spot}: {pair[0]!r}, recorded {pair[1]!r}" if spot else ""
    if old.shape:
        text += f"; {int(differ.sum())} of {old.size} elements differ"
        if old.dtype.kind in "biuf":
            with np.errstate(all="ignore"):
                gap = np.abs(new[differ].astype(float) - old[differ].astype(float))
            text += f", by at most {float(gap.max()):g}"
    return text or f"by {float(new) - float(old):g}"


def _at(place: str) -> str:
    return f" at {place}" if place else ""


def _kind(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _form(array: Any) -> str:
    return f"{array.dtype} of shape {tuple(array.shape)}"


def _short(value: Any) -> str:
    """Return a value for a sentence."""
    if getattr(value, "shape", ()) and hasattr(value, "dtype"):
        return f"an array, {_form(value)}"
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
