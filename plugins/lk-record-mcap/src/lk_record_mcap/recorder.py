"""Records one launch: makes the taps, and the recording of what they wrote."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from like_keras_core.errors import (
    ComponentError,
    LaunchTimeoutError,
    LkError,
    LkWarning,
    nearest,
)
from like_keras_core.report import RunReport
from like_keras_core.spec import SystemSpec, component_of
from like_keras_core.tap import Tap
from lk_record_mcap.errors import PartMissingError, RecordingError
from lk_record_mcap.merge import check_free, merge, parts_of, publish
from lk_record_mcap.run_metadata import RunEnd, RunMetadata, write_facts
from lk_record_mcap.shard import COMPRESSIONS, hold_part
from lk_record_mcap.shard_reader import PartFile


class Recorder:
    """Records what ports send in one launch.

    Args:
        path: The recording.
        spec: The system.
        ports: The addresses of what is recorded.
        engine: The engine's name.
        seed: The launch's seed.
        rate_hz: Ticks per second of the launch.
        options: The options of the launch that are not at their defaults; JSON data.
        compression: `"none"`, `"lz4"` or `"zstd"`.

    Raises:
        RecordingError: There is such a recording, or what a killed run left of one.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        spec: SystemSpec,
        ports: Sequence[str],
        *,
        engine: str,
        seed: int = 0,
        rate_hz: float | None = None,
        options: Mapping[str, Any] | None = None,
        compression: str = "none",
    ) -> None:
        self.path = Path(path).absolute()
        self._folder = parts_of(self.path)
        if compression not in COMPRESSIONS:
            near = nearest(str(compression), COMPRESSIONS)
            hint = f" Did you mean {near!r}?" if near else ""
            raise RecordingError(
                f"record_compression is {', '.join(map(repr, COMPRESSIONS))}; got "
                f"{compression!r}.{hint}"
            )
        check_free(self.path)
        self._facts = RunMetadata.now(
            spec,
            ports,
            engine=engine,
            seed=seed,
            rate_hz=rate_hz,
            options=options or {},
            compression=compression,
        )
        self._make_folder()
        self._part = hold_part(str(self._folder), self._facts.compression)

    def _make_folder(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._folder.mkdir()
        except FileExistsError:
            raise RecordingError(
                f"{str(self._folder)!r} is there already: another run is being "
                "recorded into it, or one was killed and left it. To finish such a "
                f"recording: lk recover {self.path}"
            ) from None
        except OSError as error:
            raise RecordingError(
                f"The recording {str(self.path)!r} cannot be written: "
                f"{error.strerror}. Choose another file: record_to=, or lk record -o."
            ) from None
        self._facts.save(self._folder)

    def taps(self) -> list[Tap]:
        """Return the taps that record, for the launch."""
        return [
            Tap(
                port,
                "lk_record_mcap.tap:PortTap",
                {
                    "folder": str(self._folder),
                    "port": port,
                    "order": self._facts.order_of(port),
                },
            )
            for port in self._facts.ports
        ]

    def finish(self, report: RunReport, error: BaseException | None = None) -> None:
        """Make the recording, now that the run is over.

        Args:
            report: What the run gave back.
            error: What it raised.

        Raises:
            RecordingError: The recording cannot be made; the parts stay.
        """
        end = RunEnd.of(report, error)
        if not self._is_all(end):
            self._close_part()
            merge(self.path, self._facts, end)
            return
        self._part.drain()
        write_facts(self._part.writer, self._facts, end, self._part.silence)
        self._part.release()
        publish(self._part.path, self.path)

    def finish_or_warn(self, report: RunReport) -> None:
        """Make the recording; where parts are on other machines, say what to do.

        Raises:
            RecordingError: The recording cannot be made.
        """
        try:
            self.finish(report)
        except PartMissingError as missing:
            warnings.warn(str(missing), LkWarning, stacklevel=2)
        except OSError as error:
            raise RecordingError(
                f"The recording {str(self.path)!r} cannot be finished: "
                f"{error.strerror}. Its parts are in {str(self._folder)!r}; where "
                f"there is room: lk recover {self.path}"
            ) from error

    def give_up(self, error: BaseException) -> None:
        """Make the recording of a run that raised, and let that be what is raised.

        A run that ended before anything was sent leaves none.
        """
        reported = isinstance(error, (ComponentError, LaunchTimeoutError))
        report: RunReport | None = getattr(error, "report", None) if reported else None
        try:
            if report is not None and any(RunEnd.of(report, error).counted.values()):
                self.finish(report, error)
                return
            self._close_part()
            if any(PartFile(part).last for part in self._folder.glob("*.mcap")):
                merge(self.path, self._facts, None, error)
            else:
                shutil.rmtree(self._folder)
        except (LkError, OSError) as unfinished:
            text = f"The recording of this run is not finished: {unfinished}"
            warnings.warn(text, LkWarning, stacklevel=2)

    def _close_part(self) -> None:
        """Close this process's part, and remove it where no component ran here."""
        self._part.release()
        if not self._part.silence:
            self._part.path.unlink()

    def _is_all(self, end: RunEnd) -> bool:
        """Say whether this process's part is the recording, but for the facts."""
        part = self._part
        return (
            part.is_sorted
            and part.silence.keys() == set(self._facts.ports)
            and all(
                tick < end.counted.get(component_of(port), 0)
                for port, tick in part.last.items()
            )
        )
