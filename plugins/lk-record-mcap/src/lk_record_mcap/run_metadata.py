"""What a recording says about its run, beside the messages."""

from __future__ import annotations

import json
import platform
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import like_keras_core as lk
from like_keras_core.engine_kit import execution_order, versions_of, write_text
from like_keras_core.errors import ComponentError
from like_keras_core.report import Choices, RunReport
from like_keras_core.spec import SystemSpec, component_of
from lk_record_mcap.absent_ticks import AbsentTicks
from lk_record_mcap.errors import RecordingError
from lk_record_mcap.shard import COMPRESSIONS, ChannelWriter

NAME = "like_keras"
"""The name of the metadata record."""

SPEC, TICKS, CHOICES = "system.json", "ticks.json", "choices.json"
"""The names of the attachments."""

FORMAT = "1"
_FILE, _END = "run.json", "end.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMetadata:
    """What is known of a run when it begins.

    Args:
        spec: The system.
        ports: The addresses of what is recorded.
        metadata: Names and strings, as the file will have them.
        compression: `"none"`, `"lz4"` or `"zstd"`.
    """

    spec: SystemSpec
    ports: Sequence[str]
    metadata: Mapping[str, str]
    compression: str = "none"

    @classmethod
    def now(
        cls,
        spec: SystemSpec,
        ports: Sequence[str],
        *,
        engine: str,
        seed: int,
        rate_hz: float | None,
        options: Mapping[str, Any],
        compression: str,
    ) -> RunMetadata:
        """Return the facts of a run that begins."""
        versions = versions_of(("lk-record-mcap",))
        metadata = {
            "format": FORMAT,
            "system": spec.name,
            "digest": spec.digest(),
            "engine": engine,
            "seed": str(seed),
            "rate_hz": "" if rate_hz is None else repr(rate_hz),
            "options": json.dumps(options),
            "started_ns": str(time.time_ns()),
            "machine": platform.node(),
            "python": platform.python_version(),
            "like_keras_core": lk.__version__,
            "lk_record_mcap": versions.get("lk-record-mcap", "0+unknown"),
        }
        return cls(
            spec=spec, ports=list(ports), metadata=metadata, compression=compression
        )

    def order_of(self, port: str) -> int:
        """Return the place of a port's component in the execution order."""
        order = execution_order(self.spec)
        name = component_of(port)
        return [self.spec.components[n].name for n in order].index(name)

    def save(self, folder: Path) -> None:
        """Write them beside the parts, for those who find these."""
        data = {
            "metadata": dict(self.metadata),
            "ports": list(self.ports),
            "compression": self.compression,
            "spec": self.spec.to_dict(),
        }
        write_text(folder / _FILE, json.dumps(data))

    @classmethod
    def load(cls, folder: Path) -> RunMetadata:
        """Read what `save` wrote.

        Raises:
            RecordingError: It is not there, or damaged.
        """
        try:
            data = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            metadata = {
                str(key): str(data["metadata"][key]) for key in data["metadata"]
            }
            int(metadata["started_ns"]), int(metadata["seed"])
            found = cls(
                spec=SystemSpec.from_dict(data["spec"]),
                ports=list(data["ports"]),
                metadata=metadata,
                compression=data["compression"],
            )
            if found.compression not in COMPRESSIONS:
                raise ValueError(f"the compression is {found.compression!r:.40}")
            for port in found.ports:
                found.order_of(port)
            if found.spec.digest() != metadata["digest"]:
                raise ValueError("the system is not the one that ran")
            return found
        except Exception as error:
            raise RecordingError(
                f"{str(folder)!r} holds no recording that was begun: {error}"
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """How a run ended, and how far each component came.

    Args:
        iterations: Ticks that count.
        ended_by: As in the report; `"lost"` where it is not known.
        counted: By component, the ticks that count for it.
        failed: What ended it, if something did.
        choices: What clocks decided; None where it is not known.
        duration_s: How long the ticks took [s]; 0 where it is not known.
    """

    iterations: int
    ended_by: str
    counted: Mapping[str, int]
    failed: str = ""
    choices: Choices | None = None
    duration_s: float = 0.0

    @classmethod
    def of(cls, report: RunReport, error: BaseException | None) -> RunEnd:
        """Return how a run ended, of its report and what it raised."""
        counted = {
            name: item.fired + item.absent for name, item in report.components.items()
        }
        return cls(
            iterations=report.iterations,
            ended_by=report.ended_by,
            counted=counted,
            failed=_said(error),
            choices=report.choices,
            duration_s=report.duration_s,
        )

    def save(self, folder: Path) -> None:
        """Write it beside the parts, for when they are complete."""
        choices = None if self.choices is None else self.choices.to_dict()
        data = {item.name: getattr(self, item.name) for item in fields(self)}
        write_text(folder / _END, json.dumps({**data, "choices": choices}))

    @classmethod
    def load(cls, folder: Path) -> RunEnd | None:
        """Read what `save` wrote; None where the end of the run is not known.

        Raises:
            RecordingError: It is damaged.
        """
        path = folder / _END
        if not path.is_file():
            return None
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if (choices := data.get("choices")) is not None:
                data["choices"] = Choices.from_dict(choices)
            found = cls(**data)
            if not _is_counts([found.iterations, *found.counted.values()]):
                raise ValueError("the ticks are not whole numbers")
            return replace(
                found, ended_by=str(found.ended_by), failed=str(found.failed)
            )
        except Exception as error:
            raise RecordingError(
                f"Cannot read {str(path)!r}: {error!r:.200}."
            ) from error

    @classmethod
    def seen(cls, last: Mapping[str, int], error: BaseException | None) -> RunEnd:
        """Return the end of a run that was not reported.

        Args:
            last: By port, the last tick of which there is a message.
            error: What the launch raised, if it could.
        """
        counted: dict[str, int] = {}
        for port, tick in last.items():
            name = component_of(port)
            counted[name] = max(counted.get(name, 0), tick + 1)
        iterations = max(counted.values(), default=0)
        return cls(
            iterations=iterations,
            ended_by="lost",
            counted=counted,
            failed=_said(error),
        )


def write_facts(
    writer: ChannelWriter,
    facts: RunMetadata,
    end: RunEnd,
    silence: Mapping[str, AbsentTicks],
) -> None:
    """Write what a recording says about its run, behind the messages."""
    absent: dict[str, Any] = {}
    for port in facts.ports:
        counted = end.counted.get(component_of(port), 0)
        absent[port] = silence.get(port, AbsentTicks()).until(counted)
    metadata = {
        **facts.metadata,
        "iterations": str(end.iterations),
        "ended_by": end.ended_by,
        "failed": end.failed,
        "duration_s": repr(end.duration_s),
    }
    ticks = {
        "schema": 1,
        "counted": dict(end.counted),
        "absent": absent,
        "metadata_crc32": _checksum(metadata),
    }
    started_ns = int(facts.metadata["started_ns"])
    texts = [
        (SPEC, facts.spec.to_json()),
        (TICKS, json.dumps(ticks, separators=(",", ":"))),
    ]
    if end.choices is not None and (end.choices or may_choose(facts.spec)):
        known = json.dumps(end.choices.to_dict(), separators=(",", ":"))
        texts.append((CHOICES, known))
    for name, text in texts:
        writer.mcap.add_attachment(
            started_ns, started_ns, name, "application/json", text.encode()
        )
    writer.mcap.add_metadata(NAME, metadata)


def may_choose(spec: SystemSpec) -> bool:
    """Say whether a run of a system may depend on what a clock decides."""
    inputs = spec.inputs().values()
    return spec.late == "skip" or any(port.policy == "latest" for port in inputs)


def check_ticks(ticks: Any, metadata: Mapping[str, str]) -> None:
    """Refuse an attachment with other ticks than numbers, or of other metadata.

    Raises:
        ValueError: It is damaged, or the metadata is.
    """
    counts = _is_counts(ticks["counted"].values())
    if not (counts and all(map(_are_runs, ticks["absent"].values()))):
        raise ValueError(f"its {TICKS!r} is damaged")
    known = ticks.get("metadata_crc32")
    if known is not None and known != _checksum(metadata):
        raise ValueError(f"its metadata {NAME!r} is damaged")


def _are_runs(runs: Any) -> bool:
    return all(len(run) == 3 and _is_counts(run) for run in runs)


def _is_counts(items: Iterable[Any]) -> bool:
    return all(type(item) is int and item >= 0 for item in items)


def _checksum(metadata: Mapping[str, str]) -> int:
    """Return the checksum of metadata; MCAP has none for it."""
    return zlib.crc32(json.dumps(dict(metadata), sort_keys=True).encode())


def _said(error: BaseException | None) -> str:
    """Return an error in one line."""
    if isinstance(error, ComponentError):
        text = f"{error.component} at tick {error.tick}: {error.error}"
    else:
        text = "" if error is None else f"{type(error).__name__}: {error}"
    return text.partition("\n")[0]
