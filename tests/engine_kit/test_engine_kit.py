"""The one module from which authors of engines, recorders and viewers import."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from like_keras_core import engine_kit

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "engine-kit.md"
DATA = {"Arrived", "FrameParts", "HEADER_SIZE", "LAUNCHED", "Resolver"}
"""Names that are neither functions nor classes."""


def test_its_names_are_there_sorted_and_few() -> None:
    """What type checkers see, what is fetched, and what is listed are the same."""
    tree = ast.parse(Path(engine_kit.__file__).read_text("utf-8"))
    seen = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and str(node.module).startswith("like_keras_core.")
        for alias in node.names
    }

    assert engine_kit.__all__ == sorted(engine_kit.__all__, key=_isort)
    assert set(engine_kit.__all__) == set(engine_kit._HOMES) == seen - {"nearest"}
    assert set(engine_kit.__all__) <= set(dir(engine_kit))
    assert len(engine_kit.__all__) <= 61


def _isort(name: str) -> tuple[bool, bool, str]:
    return (not name.isupper(), not name[0].isupper(), name)


@pytest.mark.parametrize("name", engine_kit.__all__)
def test_a_stranger_finds_out_what_a_name_is(name: str) -> None:
    """Its docstring says it, each parameter and result has a type, and it is typed."""
    found = getattr(engine_kit, name)
    if name in DATA:
        return
    text = inspect.getdoc(found)
    assert text
    function = found.__init__ if inspect.isclass(found) else inspect.unwrap(found)
    parameters = [
        x
        for x in inspect.signature(function).parameters.values()
        if x.name != "self" and x.kind not in (x.VAR_KEYWORD, x.VAR_POSITIONAL)
    ]
    assert all(x.annotation is not x.empty for x in parameters)
    if len(parameters) >= 3:
        assert "Args:" in text
        section = text.partition("Args:")[2]
        missing = [x.name for x in parameters if f"{x.name}: " not in section]
        assert missing == []


def test_the_reference_has_every_name_once() -> None:
    """The page is by topic, so it is written by hand."""
    pattern = r"^::: like_keras_core\.engine_kit\.(\w+)$"
    named = re.findall(pattern, PAGE.read_text("utf-8"), re.MULTILINE)

    assert sorted(named) == sorted(engine_kit.__all__)


def test_a_misspelt_name_is_answered() -> None:
    """As at the root."""
    with pytest.raises(AttributeError, match="Did you mean 'author_path'"):
        _ = engine_kit.auhtor_path


def test_importing_it_imports_nothing_of_it() -> None:
    """A node's process takes one function and pays for no other."""
    code = (
        "import sys, like_keras_core.engine_kit; before = set(sys.modules)\n"
        "assert not [x for x in before if x.startswith('like_keras_core.runtime')]\n"
        "from like_keras_core.engine_kit import StopSignal\n"
        "more = {x for x in sys.modules if x.startswith('like_keras_core.runtime')}\n"
        "assert more == {'like_keras_core.runtime', 'like_keras_core.runtime.stop'}\n"
    )

    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)

    assert done.returncode == 0
