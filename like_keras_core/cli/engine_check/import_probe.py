"""`python -m`: imports one engine, and prints what is wrong with it, as JSON.

It runs in a process of its own, since whatever it imports is a stranger's.
"""

from __future__ import annotations

import contextlib
import io
import json
import platform
import sys
import time
from collections.abc import Iterator
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from like_keras_core.cli.engine_check.finding import Check
from like_keras_core.engine import CAPABILITIES, Engine
from like_keras_core.errors import EngineError, nearest
from like_keras_core.plugins.discovery import EngineEntry, find_engines
from like_keras_core.plugins.engine_adapter import contract_problems
from like_keras_core.plugins.engine_registry import get_engine
from like_keras_core.plugins.metadata import CORE, normalise, versions_of
from like_keras_core.testing.import_side_effects import changes_since, state

MARK = "like_keras examined: "
"""What the line with the answer begins with; an import may print others."""


def examine(name: str, distribution: str) -> Iterator[Check]:
    """Yield what there is to say about the installed engine of a name.

    Args:
        name: The engine's name.
        distribution: Whose engine it must be, where several claim the name.
    """
    record = next(
        item
        for item in find_engines()
        if item.name == name
        and (not distribution or normalise(item.distribution) == distribution)
    )
    about = f"{record.origin}: {record.entry_point}"
    if record.status != "ok":
        yield Check("FAIL", "metadata", f"{about}: {record.status}: {record.reason}")
        return
    yield Check("PASS", "metadata", about)
    if not record.requires_core:
        text = (
            "It asks for no like-keras-core, so it is used with every later one, too. "
            'Say for which it is made: dependencies = ["like-keras-core>=0.1,<0.2"]'
        )
        yield Check("WARN", "range of the core", text)
    unmet = list(_unmet(record.distribution))
    for text in unmet:
        yield Check("FAIL", "dependencies", text)
    if not unmet:
        yield from _import(record)


def _unmet(distribution: str) -> Iterator[str]:
    """Say what it needs and is not there; nothing is installed for it."""
    python = metadata.metadata(distribution)["Requires-Python"] or ""
    version = platform.python_version()
    if not SpecifierSet(python).contains(version, prereleases=True):
        yield f"It is for Python {python}, and this is {version}."
    for line in metadata.requires(distribution) or ():
        needed = Requirement(line)
        name = normalise(needed.name)
        is_asked = not needed.marker or needed.marker.evaluate({"extra": ""})
        if name == CORE or not is_asked:
            continue
        found = versions_of((name,)).get(name)
        if found is None:
            yield f"It needs {line}, which is not installed. pip install '{line}'"
        elif not needed.specifier.contains(found, prereleases=True):
            yield f"It needs {line}, and {name} {found} is installed."


def _import(record: EngineEntry) -> Iterator[Check]:
    before, printed, began = state(), io.StringIO(), time.perf_counter()
    try:
        with contextlib.redirect_stdout(printed):
            engine = get_engine(record.name)
    except EngineError as error:
        yield Check("FAIL", "import", str(error))
        return
    took = time.perf_counter() - began
    for line in changes_since(before, printed.getvalue()):
        cure = "Do such things in launch."
        yield Check("FAIL", "side effects", f"Its import changes {line}. {cure}")
    yield Check("PASS", "import", f"{record.entry_point}, in {took:.2f} s")
    yield from _examine_engine(engine)


def _examine_engine(engine: Engine) -> Iterator[Check]:
    problems = contract_problems(engine)
    for problem in problems:
        yield Check("FAIL", "methods", problem)
    if problems:
        return
    text = "validate, compile, launch and serialize_component fit the core's calls"
    yield Check("PASS", "methods", text)
    declared = sorted(map(str, engine.capabilities))
    unknown = [item for item in declared if item not in CAPABILITIES]
    for item in unknown:
        near = nearest(item, CAPABILITIES)
        known = f"It knows {', '.join(CAPABILITIES)}."
        cure = f"Did you mean {near!r}?" if near else known
        text = f"This core knows no capability {item!r}: it counts for nothing. {cure}"
        yield Check("FAIL", "capabilities", text)
    if not unknown:
        text = f"declares {', '.join(declared) or 'none'}"
        yield Check("PASS", "capabilities", text)


if __name__ == "__main__":
    print(f"\n{MARK}{json.dumps(list(examine(*sys.argv[1:])))}")
