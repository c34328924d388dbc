"""Records what a system sends to MCAP files, and replays it on any engine.

`launch(record_to="run.mcap")` records; `replay("run.mcap", system)` runs components on
what was recorded and compares what they send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lk_record_mcap.comparison import ABSENT, Difference
    from lk_record_mcap.errors import RecordingError
    from lk_record_mcap.merge import recover
    from lk_record_mcap.recording import Message, Recording
    from lk_record_mcap.replaying import Replay, replay

__all__ = [
    "ABSENT",
    "Difference",
    "Message",
    "Recording",
    "RecordingError",
    "Replay",
    "recover",
    "replay",
]

_HOMES = {
    "ABSENT": "comparison",
    "Difference": "comparison",
    "Message": "recording",
    "Recording": "recording",
    "RecordingError": "errors",
    "Replay": "replaying",
    "recover": "merge",
    "replay": "replaying",
}


# The plug-in is imported at every launch, recorded or not: what is heavy waits.
def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
