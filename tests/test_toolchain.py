"""The tools say what the documentation says they say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def output_of(*command: str) -> str:
    return subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def tox_names(tmp_path: Path) -> set[str]:
    listed = output_of(
        *(sys.executable, "-m", "tox", "list", "--no-desc", "-q"),
        *("--workdir", str(tmp_path)),
    )
    return set(re.findall(r"^[\w.-]+$", listed, re.MULTILINE))


def nox_names() -> set[str]:
    listed = output_of(sys.executable, "-m", "nox", "--list", "--json")
    return {session["name"] for session in json.loads(listed)}


def test_tox_and_nox_share_no_name(tmp_path: Path) -> None:
    """Whoever knows a name knows the tool: tox checks, nox produces."""
    checks, products = tox_names(tmp_path), nox_names()

    assert {"lint", "types", "imports", "examples", "py312-native"} <= checks
    assert {"demo", "build", "smoke", "docs", "matrix", "bench", "release"} <= products
    assert not checks & products


def test_each_distribution_is_checked_on_each_python_that_it_names(
    tmp_path: Path,
) -> None:
    """Against this tree's core; plug-ins against the released core, too."""
    checks = tox_names(tmp_path)

    for project in ROOT, *(path.parent for path in ROOT.glob("plugins/*/src")):
        classifiers = (project / "pyproject.toml").read_text()
        pythons = re.findall(
            r'"Programming Language :: Python :: 3\.(\d+)"', classifiers
        )
        factor = re.sub(r"^lk-(engine-)?", "", project.name).replace("-", "_")
        name = "core" if project == ROOT else factor
        wanted = {f"py3{minor}-{name}" for minor in pythons}
        assert wanted
        assert wanted <= checks
        assert project == ROOT or {f"{env}-released" for env in wanted} <= checks


def test_ci_runs_the_test_command_of_the_readme() -> None:
    """What .ci/run runs first is the fence under "Run the tests", word for word."""
    section = (ROOT / "README.md").read_text().partition("\n## Run the tests\n")[2]
    fence = re.search(r"^```bash\n(.+?)^```$", section, re.MULTILINE | re.DOTALL)

    assert fence is not None
    assert output_of("bash", ".ci/run", "--show") == fence.group(1)
    assert fence.group(1).count("\n") == 1
