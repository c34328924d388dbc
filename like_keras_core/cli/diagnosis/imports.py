"""`python -m`: imports modules one after the other, and says what became of each.

They are strangers': one may end the process, or hang. So it has a process of its own,
and each module is named before it is imported.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import PurePosixPath

from like_keras_core.cli.engine_check.isolated_process import run_module

_BEGINS, _ENDS = "like_keras imports: ", "like_keras imported: "
_PATIENCE_S = 60.0


def broken_modules(modules: Sequence[str], folder: str) -> dict[str, str]:
    """Return what is wrong with modules, by name; those that can be imported are not.

    Args:
        modules: Their names.
        folder: Where the process works: an empty folder.
    """
    left, broken = list(dict.fromkeys(modules)), dict[str, str]()
    while left:
        code, lines = run_module(__name__, *left, cwd=folder, timeout_s=_PATIENCE_S)
        begun = [x.removeprefix(_BEGINS) for x in lines if x.startswith(_BEGINS)]
        ended = [x.removeprefix(_ENDS) for x in lines if x.startswith(_ENDS)]
        broken |= {name: why for name, why in map(json.loads, ended) if why}
        if len(ended) == len(left):
            break
        name = begun[-1] if begun else left[0]
        how = f"did not end within {_PATIENCE_S:.0f} s"
        if code is not None:
            how = f"ended the process with {code}: {' '.join(lines[-1:]):.200}"
        broken[name] = how
        left = left[left.index(name) + 1 :]
    return broken


def modules_of(distribution: str) -> list[str]:
    """Return the modules at the top of a distribution, without private ones."""
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        return []
    found: dict[str, None] = {}
    for file in files:
        first, *rest = file.parts
        if rest and rest[-1] == "__init__.py" and len(rest) == 1:
            found[first] = None
        elif not rest and file.suffix in (".py", ".so", ".pyd"):
            found[first.partition(".")[0]] = None
    return [name for name in found if name.isidentifier() and name[0] != "_"]


def missing_files(distribution: str) -> list[str]:
    """Return the commands of a distribution that are no longer there."""
    try:
        found = metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return []
    # Newer Pythons leave out of `files` what is not there.
    lines = (found.read_text("RECORD") or "").splitlines()
    files = [PurePosixPath(line.split(",")[0]) for line in lines if line]
    return [
        file.name
        for file in files
        if file.parts[:1] == ("..",)
        and file.parts[-2] in ("bin", "Scripts")
        and not os.path.exists(str(found.locate_file(file)))
    ]


def _main(names: Sequence[str]) -> None:
    for name in names:
        print(f"\n{_BEGINS}{name}", flush=True)
        why = ""
        try:
            importlib.import_module(name)
        except BaseException as error:  # noqa: BLE001 - a stranger's code
            why = f"{type(error).__name__}: {error}"
        print(f"\n{_ENDS}{json.dumps([name, why])}", flush=True)


if __name__ == "__main__":
    _main(sys.argv[1:])
