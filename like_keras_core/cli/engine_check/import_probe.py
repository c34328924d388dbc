"""`python -m`: imports one engine, and prints what is wrong with it, as JSON.

It runs in a process of its own, since whatever it imports is a stranger's.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from collections.abc import Iterator
from importlib import import_module

from like_keras_core.cli.engine_check.finding import Check
from like_keras_core.engine import CAPABILITIES, Engine
from like_keras_core.errors import EngineError, nearest
from like_keras_core.plugins.discovery import EngineEntry, find_engines
from like_keras_core.plugins.engine_adapter import contract_problems
from like_keras_core.plugins.engine_registry import get_engine
from like_keras_core.plugins.metadata import normalise
from like_keras_core.testing.import_side_effects import changes_since, state

MARK = "like_keras examined: "
"""What the line with the answer begins with; an import may print others."""


def examine(name: str, distribution: str = "") -> Iterator[Check]:
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
    yield from _examine_metadata(record)
    if record.status != "ok":
        return
    before, printed, began = state(), io.StringIO(), time.perf_counter()
    try:
        with contextlib.redirect_stdout(printed):
            engine = get_engine(name)
    except EngineError as error:
        yield Check("FAIL", "import", str(error))
        return
    took = time.perf_counter() - began
    changed = changes_since(before, printed.getvalue())
    for line in changed:
        cure = "Do such things in launch."
        yield Check("FAIL", "side effects", f"Its import changes {line}. {cure}")
    yield Check("PASS", "import", f"{record.entry_point}, in {took:.2f} s")
    yield from _examine_engine(engine, record)


def _examine_metadata(record: EngineEntry) -> Iterator[Check]:
    about = f"{record.origin}: {record.entry_point}"
    if record.status != "ok":
        yield Check("FAIL", "metadata", f"{about}: {record.status}: {record.reason}")
        return
    yield Check("PASS", "metadata", about)
    if not record.requires_core:
        yield Check(
            "WARN",
            "range of the core",
            "It asks for no like-keras-core, so it is used with every later one, too. "
            'Say for which it is made: dependencies = ["like-keras-core>=0.1,<0.2"]',
        )
    if not record.summary:
        text = "It has no summary; `lk engines list` shows it. Add a description."
        yield Check("WARN", "summary", text)


def _examine_engine(engine: Engine, record: EngineEntry) -> Iterator[Check]:
    problems = contract_problems(engine)
    for problem in problems:
        yield Check("FAIL", "methods", problem)
    if not problems:
        text = "validate, compile, launch and serialize_component fit the core's calls"
        yield Check("PASS", "methods", text)
    own_name = type(engine).name
    if own_name and own_name != record.name:
        text = (
            f"The class calls itself {own_name!r}, the entry point {record.name!r}; "
            "users see the entry point's. Give both the same."
        )
        yield Check("WARN", "name", text)
    module = import_module(record.entry_point.partition(":")[0].partition(".")[0])
    version = getattr(module, "__version__", None)
    if isinstance(version, str) and version != record.version:
        text = f"__version__ is {version!r}, and {record.version!r} is installed."
        yield Check("WARN", "version", text)
    if problems:
        return
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


def main(*words: str) -> None:
    """Print what `examine` yields."""
    print(f"\n{MARK}{json.dumps(list(examine(*words)))}")


if __name__ == "__main__":
    main(*sys.argv[1:])
