"""What a plug-in needs for a command of its own in `lk`.

A command is a click command, named in the entry-point group `like_keras_core.commands`.
With these it takes a TARGET and prints as the commands of `lk` do. Errors that derive
from `LkError` print as one sentence; what a command returns is the exit code.
"""

from __future__ import annotations

from like_keras_core.cli.engine_table import complete_engine
from like_keras_core.cli.exit_codes import code_of
from like_keras_core.cli.launch_flags import launch_flags
from like_keras_core.cli.output import write, write_json, write_table
from like_keras_core.cli.target import load_target, target_argument

__all__ = [
    "code_of",
    "complete_engine",
    "launch_flags",
    "load_target",
    "target_argument",
    "write",
    "write_json",
    "write_table",
]
