"""Files of the author's with the name of a module that is needed."""

from __future__ import annotations

import ast
import sys
from importlib.machinery import BuiltinImporter, FrozenImporter
from pathlib import Path

import pytest

import like_keras_core
from like_keras_core.plugins import clashing_files
from like_keras_core.plugins.clashing_files import clash_hint, clash_issues
from tests.run_python import run_python

SCRIPT = """
import like_keras_core as lk

class One(lk.Component):
    def forward(self) -> int:
        return 1

robot = lk.System([One()])
if __name__ == "__main__":
    robot.run(1)
"""


def write(folder: Path, name: str, text: str = "x = 1") -> Path:
    """Write a file, and the folder that it is in."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("file", ["json.py", "numpy.py", "signal/__init__.py"])
def test_a_process_of_a_node_would_import_the_authors_file(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever its folder is on the path: a node has it in front."""
    path = write(tmp_path, file)
    clash = path if path.parent == tmp_path else path.parent
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.path.append(sys.path.pop(0))

    (issue,) = clash_issues((), in_process=False)

    assert (issue.severity, issue.code) == ("error", "clashing-file")
    assert issue.startswith(f"{str(clash)!r} has the name of the module {clash.stem!r}")
    assert issue.endswith(f"rename {clash.name}.")
    assert not list(clash_issues((), in_process=True))


def test_an_engine_names_the_modules_that_its_processes_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that only another engine would trip over is not in the way."""
    write(tmp_path, "pytest.py")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert not list(clash_issues((), in_process=False))
    assert list(clash_issues(["pytest"], in_process=False))


@pytest.mark.parametrize("name", ["robot", "calendar", "time", "os", "dora_parts"])
def test_names_that_nobody_needs_are_the_authors(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor are modules meant that Python does not look for in folders."""
    write(tmp_path, f"{name}.py")
    (tmp_path / "logging").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    is_needed = name == "os" and sys.version_info < (3, 11)

    assert is_needed or not list(clash_issues(["dora_parts"], in_process=False))
    assert clash_hint() == ""


@pytest.mark.parametrize("name", ["json", "random", "select", "logging"])
def test_an_error_names_the_file_and_not_the_engine(name: str, tmp_path: Path) -> None:
    """Nobody needs to remove an engine for it."""
    write(tmp_path, "robot.py", SCRIPT)
    path = write(tmp_path, f"{name}.py")

    code, output = run_python(tmp_path, "robot.py")

    assert code == 1
    assert f"{str(path)!r} was imported in the place of the module {name!r}" in output
    assert f"rename {name}.py." in output
    assert "pip uninstall" not in output


@pytest.mark.parametrize("name", ["json", "random"])
def test_lk_validate_finds_the_file(name: str, tmp_path: Path) -> None:
    """As a warning where the system would run all the same, else as the error."""
    write(tmp_path, "robot.py", SCRIPT)
    path = write(tmp_path, f"{name}.py")
    lk = Path(sys.executable).with_name("lk")

    _, output = run_python(tmp_path, str(lk), "validate", "robot.py")

    assert repr(str(path)) in output
    assert f"rename {name}.py." in output


def test_all_that_the_core_imports_is_known() -> None:
    """Of Python's modules, those that are found in a folder."""
    found = set()
    for file in Path(like_keras_core.__file__).parent.rglob("*.py"):
        is_tool = {"cli", "testing", "view"} & set(file.parts)
        for node in [] if is_tool else ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                found |= {item.name.partition(".")[0] for item in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module.partition(".")[0])
    folders = {
        name
        for name in found & sys.stdlib_module_names
        if not (BuiltinImporter.find_spec(name) or FrozenImporter.find_spec(name))
    }

    # Some are loaded before any file of the author's can be found.
    early = {"abc", "io", "os"}
    assert folders - clashing_files._NEEDED - early == set()
