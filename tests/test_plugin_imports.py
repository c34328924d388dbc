"""What may import what, where import-linter does not look: plug-ins, and circles."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
TEMPLATE = ROOT / "like_keras_core" / "cli" / "engine_scaffold" / "template"

PUBLIC = frozenset(
    {
        "",
        *("component", "engine", "errors", "hookspecs", "issue", "launch_options"),
        *("lifecycle", "node", "params", "port", "report", "spec", "system", "tap"),
        *("engine_kit", "engine_kit.value_bytes", "testing", "testing.components"),
        "cli.public",
    }
)
"""Modules of the core that a plug-in may import; the empty name is the core itself."""


def imports_in(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Return what a file imports: each module, and the name that is taken from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "Import by the whole name."
            yield from ((node.module or "", alias.name) for alias in node.names)


def inside(source: str) -> list[str]:
    """Return what a plug-in's file imports of the core that is not public."""
    found = []
    for module, name in imports_in(ast.parse(source)):
        package, _, path = module.partition(".")
        is_module = name and (ROOT / module.replace(".", "/") / f"{name}.py").is_file()
        path = f"{path}.{name}".strip(".") if is_module else path
        if package == "like_keras_core" and path not in PUBLIC:
            found.append(f"{module}: {name}" if name else module)
    return found


def files_of_plugins() -> dict[str, str]:
    """Return the sources of all plug-ins, of the scaffold and of the tutorial."""
    files = {
        path.relative_to(plugin / "src").as_posix(): path.read_text("utf-8")
        for plugin in PLUGINS
        for path in plugin.glob("src/**/*.py")
    }
    for path in TEMPLATE.glob("*.py.in"):
        filled = re.sub(r"\$\{(\w+)\}", r"\1", path.read_text("utf-8"))
        files[f"template/{path.name}"] = filled
    tutorial = ROOT / "docs" / "examples" / "pipes_engine.py"
    return {**files, "docs/examples/pipes_engine.py": tutorial.read_text("utf-8")}


def test_a_plugin_imports_what_is_public() -> None:
    """The inside of the core may move; no plug-in hears of it."""
    files = files_of_plugins().items()

    assert {name: what for name, source in files if (what := inside(source))} == {}


def test_no_plugin_touches_what_the_core_keeps_in_a_component() -> None:
    """`component._lk` is the core's own."""
    touching = {
        name
        for name, source in files_of_plugins().items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr == "_lk"
    }

    assert touching == set()


@pytest.mark.slow
@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_a_wheel_imports_what_is_public(plugin: Path, tmp_path: Path) -> None:
    """What users get is what the tree has."""
    command = [sys.executable, "-m", "uv", "build", "-q", "--wheel", "-o"]
    subprocess.run([*command, str(tmp_path), str(plugin)], check=True, timeout=110)
    (wheel,) = tmp_path.glob("*.whl")

    with zipfile.ZipFile(wheel) as archive:
        files = {
            name: archive.read(name).decode()
            for name in archive.namelist()
            if name.endswith(".py")
        }

    assert files
    assert {x: what for x, text in files.items() if (what := inside(text))} == {}


def test_no_file_imports_itself_by_way_of_others() -> None:
    """Of the core and of plug-ins, also where an import sits inside a function.

    What only type checkers import is left out: it cannot fail, and says who is spoken
    of rather than who is needed.
    """
    sources = {
        path.relative_to(folder).with_suffix("").as_posix().replace("/", "."): path
        for folder in (ROOT, *(plugin / "src" for plugin in PLUGINS))
        for package in folder.glob("l*k*_*/")
        for path in package.rglob("*.py")
    }
    modules = {name.removesuffix(".__init__"): path for name, path in sources.items()}
    graph = {name: needed_by(path, modules) for name, path in modules.items()}

    assert circles(graph) == []


def needed_by(path: Path, modules: dict[str, Path]) -> set[str]:
    """Return the modules of ours that a file imports when it runs."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = [ast.Pass()]
    found = set()
    for module, name in imports_in(tree):
        inner = f"{module}.{name}"
        found.add(inner if inner in modules else module)
    return found & modules.keys()


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that all need each other; Tarjan's algorithm.

    References:
        Tarjan, *Depth-first search and linear graph algorithms*, SIAM J. Comput. 1(2),
        1972.
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        path.append(name)
        for other in sorted(graph[name]):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in path:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            group = path[path.index(name) :]
            del path[path.index(name) :]
            if len(group) > 1 or name in graph[name]:
                found.append(group)

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return found
