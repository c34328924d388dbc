"""The whole examination of one engine: as a wheel, by import, and by the kit."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from like_keras_core.cli.engine_check.finding import Check
from like_keras_core.cli.engine_check.import_probe import MARK
from like_keras_core.cli.engine_check.isolated_process import environment, run_module
from like_keras_core.cli.engine_check.run_kit import run_kit
from like_keras_core.cli.engine_check.wheel import UnpackedWheel
from like_keras_core.errors import EngineNotFoundError
from like_keras_core.plugins.discovery import find_engines

IMPORT_S = 60.0
"""How long an import may take [s]."""


def check_engine(
    name: str,
    *,
    wheel: Path | None = None,
    suites: Sequence[str] = (),
    timeout_s: float = 600.0,
) -> Iterator[Check]:
    """Yield what there is to say about an engine, as it is found.

    Nothing of the engine is imported into this process.

    Args:
        name: The engine's name.
        wheel: Look at the engine in this file instead of the installed one.
        suites: The suites of the kit to run; all where none is named.
        timeout_s: How long the kit may take [s].

    Raises:
        EngineNotFoundError: There is none of that name.
        WheelError: The file is not a wheel of that engine.
    """
    with tempfile.TemporaryDirectory(prefix="lk-check-") as made:
        place = Path(made)
        first: list[Path] = []
        words = [name]
        if wheel is not None:
            unpacked = UnpackedWheel(wheel, place / "wheel")
            first = unpacked.paths
            words.append(unpacked.distribution)
            checks = list(unpacked.check(name))
            yield from checks
            if _has_failed(checks):
                return
        elif all(record.name != name for record in find_engines()):
            raise EngineNotFoundError(name, {x.name for x in find_engines()})
        env = environment(first)
        work = place / "work"
        work.mkdir()
        checks = examined(words, work, env, min(IMPORT_S, timeout_s))
        yield from checks
        if _has_failed(checks):
            yield Check("WARN", "kit", "not run; mend what failed first")
            return
        yield from run_kit(
            name, suites=suites, folder=work, env=env, timeout_s=timeout_s
        )


def examined(
    words: Sequence[str], work: Path, env: Mapping[str, str], timeout_s: float
) -> list[Check]:
    """Import an engine in another process, and return what was found there.

    Args:
        words: The engine's name and, where several claim it, the distribution.
        work: An empty folder to work in.
        env: The environment that the engine is installed in.
        timeout_s: How long it may take [s].
    """
    module = "like_keras_core.cli.engine_check.import_probe"
    done = run_module(module, *words, cwd=work, env=env, timeout_s=timeout_s)
    for line in reversed(done.out.splitlines()):
        if line.startswith(MARK) and done.code == 0:
            return [Check(*item) for item in json.loads(line[len(MARK) :])]
    if done.code is None:
        text = (
            f"It was not imported within {timeout_s:g} s, and was ended. Move what "
            "takes so long, or waits, into launch."
        )
    else:
        text = (
            f"The process that imported it ended with exit code {done.code}"
            f"{': ' if done.last_line else '.'}{done.last_line}"
        )
    return [Check("FAIL", "import", text)]


def _has_failed(checks: Sequence[Check]) -> bool:
    return any(check.outcome == "FAIL" for check in checks)
