"""Where `lk` begins: what can be answered without click is answered here.

`lk --version` and `lk engines list` are asked by scripts and by people whose
installation is broken, so they import as little as they can. Keep it so.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `lk` and return its exit code.

    Args:
        arguments: What follows `lk`; this process's own arguments when omitted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _answer(given)
        sys.stdout.flush()
    except OSError as error:
        from like_keras_core.cli.app import is_reader_gone

        if not is_reader_gone(error):
            raise
        is_pipe = isinstance(error, BrokenPipeError)
        _say_nothing_more(*([1] if is_pipe else [1, 2]))
        return 1 if is_pipe else 129
    except KeyboardInterrupt:
        # While `lk` is imported; a command answers by itself.
        return 130
    if code == 129:
        # All is said, and the terminal is gone; the live table may not know it yet.
        _say_nothing_more(1, 2)
    return code


def _say_nothing_more(*descriptors: int) -> None:
    """Let the interpreter's own flush at exit have nothing to complain about."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)


def _answer(arguments: list[str]) -> int:
    if arguments == ["--version"]:
        from like_keras_core.plugins.metadata import core_version

        print(f"lk {core_version()}")
        return 0
    if arguments[:2] == ["engines", "list"] and arguments[2:] in ([], ["--json"]):
        from like_keras_core.cli.engine_table import print_engines

        print_engines(as_json=bool(arguments[2:]))
        return 0
    from like_keras_core.cli.app import run

    return run(arguments)
