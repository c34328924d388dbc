"""The whole examination of one engine: from a wheel, by import, and by the kit."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

from like_keras_core.cli.engine_check.finding import Check
from like_keras_core.cli.engine_check.import_probe import MARK
from like_keras_core.cli.engine_check.isolated_process import run_module
from like_keras_core.cli.engine_check.wheel import unpack
from like_keras_core.errors import EngineNotFoundError
from like_keras_core.plugins.discovery import find_engines

SUITES = ("contract", "basic", "capabilities")
"""The suites of a check; all engines must pass them, whatever they declare."""

IMPORT_S = 60.0
"""How long an import may take [s]."""

_LINES = 12
"""How much of a failure is shown."""


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
    with TemporaryDirectory(prefix="lk-check-") as folder:
        distribution = ""
        first: Sequence[Path] = ()
        if wheel is not None:
            distribution, first = unpack(wheel, name, Path(folder))
            yield Check("PASS", "wheel", wheel.name)
        elif name not in (names := {record.name for record in find_engines()}):
            raise EngineNotFoundError(name, names)
        checks = examined(
            name, distribution, first=first, timeout_s=min(IMPORT_S, timeout_s)
        )
        yield from checks
        if any(check.outcome == "FAIL" for check in checks):
            yield Check("WARN", "kit", "not run; mend what failed first")
        else:
            yield from _run_kit(name, suites, first, timeout_s)


def examined(
    name: str,
    distribution: str = "",
    *,
    first: Sequence[Path] = (),
    timeout_s: float = IMPORT_S,
) -> list[Check]:
    """Import an engine in another process, and return what was found there.

    Args:
        name: The engine's name.
        distribution: Whose engine it must be, where several claim the name.
        first: Folders that come first on that process's path.
        timeout_s: How long it may take [s].
    """
    module = "like_keras_core.cli.engine_check.import_probe"
    with TemporaryDirectory(prefix="lk-check-") as work:
        code, lines = run_module(
            module, name, distribution, cwd=work, first=first, timeout_s=timeout_s
        )
    answers = [line for line in lines if line.startswith(MARK)]
    if code == 0 and answers:
        return [Check(*item) for item in json.loads(answers[-1][len(MARK) :])]
    text = (
        f"It was not imported within {timeout_s:g} s, and was ended. Move what "
        "takes so long, or waits, into launch."
    )
    if code is not None:
        text = f"The process that imported it ended with exit code {code}"
        text = ": ".join([text, *lines[-1:]])
    return [Check("FAIL", "import", text)]


def _run_kit(
    name: str, suites: Sequence[str], first: Sequence[Path], timeout_s: float
) -> Iterator[Check]:
    """Run suites of the kit, and yield what came of them."""
    missing = [x for x in ("pytest", "hypothesis") if find_spec(x) is None]
    if missing:
        cure = "pip install 'like-keras-core[testing]'"
        text = f"not run: it needs {' and '.join(missing)}. {cure}"
        yield Check("FAIL", "kit", text)
        return
    again = f"pytest --pyargs like_keras_core.testing --lk-engine {name}"
    began = time.perf_counter()
    with TemporaryDirectory(prefix="lk-check-") as work:
        Path(work, "pytest.ini").write_text("[pytest]\n")
        code, lines = run_module(
            *("pytest", "-q", "--tb=short", "-p", "no:cacheprovider"),
            *("-c", "pytest.ini", "-p", "like_keras_core.testing.pytest_plugin"),
            *("--junit-xml=junit.xml", *again.split()[1:]),
            *(word for suite in suites for word in ("--lk-suite", suite)),
            cwd=work,
            first=first,
            timeout_s=timeout_s,
        )
        found = Path(work, "junit.xml")
        cases = [*ElementTree.parse(found).iter("testcase")] if found.exists() else []
    checks = [check for case in cases for check in _judge(case, again)]
    yield from checks
    if code is None:
        text = (
            f"It was not done within {timeout_s:g} s, and was ended. Look for the "
            f"launch that does not end: {again} -x -v"
        )
        yield Check("FAIL", "kit", text)
    elif code not in (0, 1) or not cases:
        text = ": ".join([f"pytest ended with exit code {code}", *lines[-1:]])
        yield Check("FAIL", "kit", text)
    elif code == 0:
        took, which = time.perf_counter() - began, ", ".join(suites) or "all"
        text = f"{len(cases)} tests passed in {took:.1f} s; suites: {which}"
        yield Check("PASS", "kit", text)


def _judge(case: ElementTree.Element, again: str) -> Iterator[Check]:
    """Yield the check of one test; nothing if it passed."""
    name = case.get("name", "")
    for problem in [*case.findall("failure"), *case.findall("error")]:
        lines = (problem.get("message") or problem.text or "").strip().splitlines()
        see = f"See it: {again} -k '{name.partition('[')[0]}'"
        yield Check("FAIL", name, "\n".join([*lines[:_LINES], see]))
    for skipped in case.findall("skipped"):
        yield Check("WARN", name, f"not run: {skipped.get('message') or 'skipped'}")
