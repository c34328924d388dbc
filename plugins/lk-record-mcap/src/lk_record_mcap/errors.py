"""What can be wrong with a recording."""

from __future__ import annotations

from collections.abc import Sequence

from like_keras_core.errors import LkError


class RecordingError(LkError, ValueError):
    """A recording cannot be written, read or replayed; the message says why."""


class RecordingOptionError(RecordingError, TypeError):
    """An option of a recorded launch is of a wrong type."""


class DamagedRecordingError(RecordingError):
    """A recording is not what was written.

    Args:
        path: The file.
        offset: The byte where it is damaged.
        why: What is wrong there.
    """

    def __init__(self, path: str, offset: int, why: str) -> None:
        self.path, self.offset, self.why = path, offset, why
        super().__init__(
            f"{path!r} is damaged at byte {offset}: {why}. What is whole can be had "
            f"with the command mcap recover {path} -o recovered.mcap"
        )


class PartMissingError(RecordingError):
    """What some ports sent was written on another machine.

    Args:
        ports: Which.
        folder: Where it is there, and where it is looked for here.
    """

    def __init__(self, ports: Sequence[str], folder: str) -> None:
        self.ports, self.folder = tuple(ports), folder
        super().__init__(
            f"What these ports sent was recorded on another machine: "
            f"{', '.join(self.ports)}. Copy what is in {folder!r} there into that "
            f"folder here, and run: lk recover {folder}"
        )
