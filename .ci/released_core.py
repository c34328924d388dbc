"""Builds the core of the last release into a folder that installers read as an index.

The release is the newest tag `like-keras-core-v*`, or the commit in `LK_RELEASED_REF`.
Before the first release the last commit stands in for it: no plug-in can have been made
for less. A copy of the sources without their history stands in for itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def output_of(*command: str) -> str:
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout.strip()


def released() -> str:
    """Name the commit that was released last; empty where there is no history."""
    if not (ROOT / ".git").exists():
        return ""
    tags = output_of(
        *("git", "tag", "--list", "like-keras-core-v*", "--sort=-version:refname")
    )
    return os.environ.get("LK_RELEASED_REF") or (tags.split() or ["HEAD"])[0]


def build(ref: str, index: Path) -> None:
    """Put the wheel of a commit, and nothing else, into the index."""
    index.mkdir(parents=True, exist_ok=True)
    for old in index.glob("*.whl"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        source = f"{folder}/core" if ref else str(ROOT)
        packed = Path(folder) / "core.tar"
        if ref:
            output_of("git", "archive", f"--output={packed}", ref)
            with tarfile.open(packed) as archive:
                archive.extractall(source, filter="data")
        output_of("uv", "build", "-q", "--wheel", f"--out-dir={index}", source)


def main(index: Path) -> None:
    ref = released()
    build(ref, index)
    (wheel,) = index.glob("*.whl")
    origin = f"{ref}, {output_of('git', 'rev-parse', '--short', ref)}" if ref else ROOT
    why = "" if ref.startswith("like-keras-core-v") else "; it stands in for a release"
    print(f"The released core: {wheel.name} of {origin}{why}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
