"""The system of a replay: some components, and playbacks in the place of the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from like_keras_core.engine_kit import encode_json
from like_keras_core.errors import nearest
from like_keras_core.report import Choices
from like_keras_core.spec import (
    ComponentSpec,
    ConnectionSpec,
    DelaySpec,
    PortSpec,
    SystemSpec,
)
from lk_record_mcap.errors import RecordingError
from lk_record_mcap.recording import Recording

PREFIX = "recorded"
"""What the names of playbacks begin with."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """From where, and how, a recording is played back.

    Args:
        recording: The recording.
        start: The tick of the recording that is tick 0.
    """

    recording: Recording
    start: int

    def playback(
        self,
        name: str,
        node: str,
        item: ConnectionSpec,
        *,
        is_held: bool,
        period: int | Fraction,
    ) -> ComponentSpec:
        """Return the component that sends what a port sent.

        Args:
            name: Its name.
            node: Where it runs.
            item: The connection that it is for.
            is_held: Whether the newest value before the first tick is sent at it.
            period: How many ticks lay between the firings of the port's component.
        """
        config: dict[str, Any] = {
            "path": str(self.recording.path),
            "port": item.source,
            "start": self.start,
            "is_held": is_held,
        }
        if self.took(item):
            known = (self.recording.choices or Choices()).to_dict()
            config["took"] = known["took"][item.target]
            config["is_delayed"] = item.delay is not None
        if self.recording.allow is not None:
            config["allow"] = self.recording.allow
        return ComponentSpec(
            name=name,
            node=node,
            entry_point="lk_record_mcap.playback:Playback",
            config=config,
            period=None if period == 1 else period,
            outputs=(PortSpec(name="output"),),
        )

    def took(self, item: ConnectionSpec) -> bool:
        """Say whether the input of a connection took what the rules do not say."""
        choices = self.recording.choices
        return choices is not None and item.target in choices.took

    def delay(self, item: ConnectionSpec) -> DelaySpec | None:
        """Return a connection's register with what it held when its tick came."""
        if self.start == 0 or item.delay is None:
            return item.delay
        if item.source not in self.recording.absent:
            return item.delay
        choices = self.recording.choices or Choices()
        newest, last = None, choices.taken_by(item.target)(self.start)
        for message in self.recording.messages([item.source]):
            if message.tick >= self.start or (last is not None and message.tick > last):
                break
            newest = message
        if newest is None:
            return item.delay
        value = self.recording.value(newest)
        return DelaySpec(initial=encode_json(value, f"value of {item.source!r}"))


def chosen(spec: SystemSpec, only: Iterable[str]) -> list[str]:
    """Return the components to run: those named, else all that others feed.

    Raises:
        RecordingError: There is no such component, or none that others feed.
    """
    names = [component.name for component in spec.components]
    wanted = list(only)
    if not wanted:
        fed = {item.consumer for item in spec.connections}
        found = [name for name in names if name in fed]
        if not found:
            raise RecordingError(
                f"No component of {spec.name!r} is fed by another, so that nothing "
                "recorded could feed it. Name what to run: --only COMPONENT, or "
                "only=['...']."
            )
        return found
    picked: set[str] = set()
    for name in wanted:
        below = [x for x in names if x == name or x.startswith(f"{name}.")]
        if not below:
            near = nearest(name, names)
            hint = f" Did you mean {near!r}?" if near else ""
            raise RecordingError(
                f"There is no component {name!r} to replay; there are: "
                f"{', '.join(names)}.{hint}"
            )
        picked.update(below)
    return [name for name in names if name in picked]


def replay_spec(
    spec: SystemSpec,
    names: Collection[str],
    excerpt: Excerpt,
    periods: Mapping[str, int | Fraction],
) -> SystemSpec:
    """Return the system in which recorded values feed the components of some names.

    Values between those of them that feed each other are live.

    Args:
        spec: The system.
        names: What is to run.
        excerpt: What is played back.
        periods: By component, how many ticks lie between its firings.

    Raises:
        RecordingError: What feeds one was not recorded, or `every` does not fit.
    """
    fed = [x for x in spec.connections if x.consumer in names]
    outside = [x for x in fed if x.producer not in names]
    excerpt.recording.check_ports(dict.fromkeys(item.source for item in outside))
    _check_every(spec, names, excerpt.start)
    kept = [item for item in spec.components if item.name in names]
    nodes = {item.name: item.node for item in kept}
    inputs = spec.inputs()
    playbacks: dict[str, ComponentSpec] = {}
    connections = []
    for item in fed:
        source = item.source
        if item in outside:
            is_held = item.delay is None and inputs[item.target].policy != "sync"
            name = f"{PREFIX}.{source}" + (".held" if is_held else "")
            if excerpt.took(item):
                name = f"{PREFIX}.{source}.{item.target}"
            if name not in playbacks:
                node = nodes[item.consumer]
                playbacks[name] = excerpt.playback(
                    name,
                    node,
                    item,
                    is_held=is_held,
                    period=periods.get(item.producer, 1),
                )
            source = f"{name}.output"
        connections.append(
            replace(item, source=source, delay=excerpt.delay(item), inferred=False)
        )
    used = {item.node for item in kept}
    return replace(
        spec,
        name=f"{spec.name}_replay",
        late="wait",
        nodes=tuple(node for node in spec.nodes if node.name in used),
        components=(*playbacks.values(), *kept),
        connections=tuple(connections),
    )


def replay_choices(
    spec: SystemSpec, names: Collection[str], excerpt: Excerpt
) -> Choices | None:
    """Return what the components of some names decided by clocks in a recorded run.

    What is played back to them decides nothing any more.

    Args:
        spec: The whole system.
        names: The components that run.
        excerpt: What they are run on.
    """
    known = excerpt.recording.choices
    if known is None:
        return None
    live = {x.target for x in spec.connections if x.producer in names}
    took = {target: pairs for target, pairs in known.took.items() if target in live}
    return replace(known, took=took).moved(excerpt.start, names)


def _check_every(spec: SystemSpec, names: Collection[str], start: int) -> None:
    for component in spec.components:
        if component.name in names and start % component.every:
            # Its firings repeat after the numerator: 20 ticks for 20/3.
            ticks = component.every.numerator
            raise RecordingError(
                f"{component.name!r} fires every {component.every} ticks, so that a "
                f"replay of it begins at a multiple of {ticks}; got {start}. With a "
                f"warm-up of {start % ticks} ticks it does."
            )
