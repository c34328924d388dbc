"""The words of strings and docstrings, and what docstrings must have."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "like_keras_core"
SOURCES = [CORE, *ROOT.glob("plugins/*/src")]

INSTEAD = {
    r"(?<!here) is no (?!longer|more|less|fewer|better|worse)": "is not a",
    r" texts\b": "strings",
    r"\btruth value": "boolean",
    r"\banew\b": "again, rewritten",
}
"""What no string says, as a pattern, and what it says instead."""


def modules(*folders: Path) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            yield name, ast.parse(path.read_text("utf-8"))


def strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Give each string, with the line that it begins in.

    An f-string is one, with `{}` for what it formats, so that a word is seen where it
    stands beside one.
    """
    pieces: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            pieces.update(map(id, node.values))
            parts = (
                str(item.value) if isinstance(item, ast.Constant) else "{}"
                for item in node.values
            )
            yield node.lineno, "".join(parts)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in pieces
        ):
            yield node.lineno, node.value


def odd_words(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Give the line and the cure of each phrase that engineers would not write."""
    for line, text in strings(tree):
        plain = re.sub(r"\s+", " ", text)
        for pattern, instead in INSTEAD.items():
            for match in re.finditer(pattern, plain):
                near = plain[max(0, match.start() - 20) : match.end() + 20]
                yield line, f"{near!r}: say {instead!r}"


def public_functions(
    body: list[ast.stmt], prefix: str = ""
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Give the functions, and methods of public classes, that users may call."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node.body, f"{prefix}{node.name}.")
        elif isinstance(
            node, (ast.FunctionDef, ast.AsyncFunctionDef)
        ) and not node.name.startswith("_"):
            yield prefix + node.name, node


def is_described_elsewhere(
    name: str, function: ast.FunctionDef | ast.AsyncFunctionDef
) -> bool:
    """Say whether something else describes the parameters.

    Click prints a command's options and the docstring as its help; a hookspec has what
    its implementations need not repeat; ports are in `Inputs:` of a component's class.
    """
    called = {ast.unparse(item).partition("(")[0] for item in function.decorator_list}
    is_hook_or_command = called & {"click.command", "hookimpl", "overload"}
    is_forward = name.endswith(".forward")
    return bool(is_hook_or_command) or is_forward or function.name.startswith("test_")


def undescribed(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Give the line and name of each function of many parameters without `Args:`."""
    for name, function in public_functions(tree.body):
        given = function.args
        count = len([*given.posonlyargs, *given.args, *given.kwonlyargs])
        count += (given.vararg is not None) + (given.kwarg is not None)
        decorators = {ast.unparse(item) for item in function.decorator_list}
        count -= "." in name and "staticmethod" not in decorators
        text = ast.get_docstring(function) or ""
        is_described = re.search(r"^Args:$", text, re.MULTILINE)
        if count < 3 or is_described or is_described_elsewhere(name, function):
            continue
        yield function.lineno, name


def test_strings_say_it_as_an_english_engineer_would() -> None:
    """Errors, help and docstrings; `there is no` and `is no longer` are English."""
    found = [
        f"{module}:{line}: {problem}"
        for module, tree in modules(*SOURCES)
        for line, problem in odd_words(tree)
    ]

    assert not found, "\n" + "\n".join(found)


def test_three_parameters_are_described() -> None:
    """Types are in the signature; meaning, unit and shape are in `Args:`."""
    found = [
        f"{module}:{line}: {name} has no `Args:`"
        for module, tree in modules(CORE)
        for line, name in undescribed(tree)
    ]

    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ('raise E(f"{name!r} is no enum.")', 1),
        ('"It is\\n    no class."', 1),
        ('"a dict " "of texts and truth values, made anew"', 3),
        ('"There is no file; it is no longer here. The text says why."', 0),
    ],
)
def test_phrases_are_found_in_any_string(code: str, count: int) -> None:
    """Over line breaks and beside what is formatted, each once."""
    assert len(list(odd_words(ast.parse(code)))) == count


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("def f(a, b, c): 'No.'", ["f"]),
        ("def f(a, *, b, **c):\n  '''Do.\n\n  Args:\n    a: It.\n  '''", []),
        ("def f(a, b): 'Two.'", []),
        ("class A:\n  def f(self, a, b, c): ...\n  def g(self, a, b): ...", ["A.f"]),
        ("class _A:\n  def f(self, a, b, c): ...", []),
        ("@hookimpl\ndef f(a, b, c): 'See the hookspec.'", []),
    ],
)
def test_functions_without_args_are_found(code: str, names: list[str]) -> None:
    """Public ones only, of three parameters or more without `self`."""
    assert [name for _, name in undescribed(ast.parse(code))] == names
