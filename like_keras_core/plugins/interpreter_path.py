"""Which entries of `sys.path` every run of this interpreter has by itself."""

from __future__ import annotations

import functools
import os
import site
import sys
import sysconfig
from pathlib import Path


class InterpreterPath:
    """The interpreter's own entries: its library, its site folders, what those add."""

    def __init__(self) -> None:
        sites = [*site.getsitepackages()]
        if site.ENABLE_USER_SITE:
            sites.append(site.getusersitepackages())
        libraries = [
            sysconfig.get_path(name)
            for name in ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
        ]
        added = [line for folder in sites for line in _pth_lines(folder)]
        self._folders = {
            os.path.realpath(folder) for folder in (*sites, *libraries, *added)
        }

    def __contains__(self, entry: str) -> bool:
        real = os.path.realpath(entry or os.curdir)
        parent, name = os.path.split(real)
        return (
            real in self._folders
            or (name == "lib-dynload" and parent in self._folders)
            or (name.startswith("python3") and name.endswith(".zip"))
        )


@functools.cache
def own_path() -> InterpreterPath:
    """Return the entries of this interpreter."""
    return InterpreterPath()


def author_entries() -> list[str]:
    """Return the other entries of `sys.path`, absolute and in order."""
    entries = [os.path.abspath(entry or os.curdir) for entry in sys.path]
    return [entry for entry in dict.fromkeys(entries) if entry not in own_path()]


def _pth_lines(folder: str) -> list[str]:
    """Return the folders that the `.pth` files of a site folder add."""
    found = []
    for file in sorted(Path(folder).glob("*.pth")):
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for line in text.splitlines():
            entry = line.strip()
            if entry and not entry.startswith(("#", "import ", "import\t")):
                found.append(os.path.join(folder, entry))
    return found
