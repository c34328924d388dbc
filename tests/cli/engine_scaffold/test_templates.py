"""What a new distribution holds; that it works is shown by installing one."""

from __future__ import annotations

import ast
import configparser
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from like_keras_core.cli.engine_scaffold.names import Names, ScaffoldError
from like_keras_core.cli.engine_scaffold.templates import (
    LICENCES,
    distribution_files,
    write_distribution,
)

LONG = Names("a-name-as-long-as-a-name-may-be")


def test_every_file_can_be_read_by_who_reads_it() -> None:
    """Python, TOML, INI and YAML; no placeholder is left."""
    texts = distribution_files(Names("steam"), author='A "quoted"\n  Ångström')

    for path, text in texts.items():
        if path.endswith(".py"):
            ast.parse(text)
        left = text.replace("${{ matrix.python }}", "")
        assert "${" not in left, path
    tox = configparser.ConfigParser(interpolation=None)
    tox.read_string(texts["tox.ini"])
    assert "lk engines matrix" in tox["testenv"]["commands"]
    assert yaml.safe_load(texts[".github/workflows/test.yml"])["name"] == "test"
    project = texts["pyproject.toml"]
    assert 'authors = [{ name = "A \\"quoted\\" Ångström" }]' in project
    assert 'steam = "lk_engine_steam:SteamEngine"' in project
    if sys.version_info >= (3, 11):
        import tomllib

        groups = tomllib.loads(project)["project"]["entry-points"]
        assert groups == {
            "like_keras_core.engines": {"steam": "lk_engine_steam:SteamEngine"}
        }


@pytest.mark.parametrize("licence", LICENCES)
def test_the_licence_is_a_choice(licence: str) -> None:
    """Its text is there, and named in the metadata; without one nothing claims one."""
    texts = distribution_files(Names("steam"), licence=licence, author="Ada")

    has_one = licence != "none"
    assert ("LICENSE" in texts) is has_one
    assert (f'license = "{licence}"' in texts["pyproject.toml"]) is has_one
    assert ("Private :: Do Not Upload" in texts["pyproject.toml"]) is not has_one
    if licence in ("MIT", "BSD-3-Clause"):
        assert "Ada" in texts["LICENSE"]


def test_an_unknown_licence_is_refused() -> None:
    """Those that there are, are named."""
    with pytest.raises(ScaffoldError, match=r"one of Apache-2\.0, MIT"):
        distribution_files(Names("steam"), licence="GPL")


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    """Not even beside it."""
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(ScaffoldError, match=r"not empty: it has 'mine\.txt'"):
        write_distribution(tmp_path, {"a": ""})

    assert [item.name for item in tmp_path.iterdir()] == ["mine.txt"]


def test_a_fresh_repository_counts_as_empty(tmp_path: Path) -> None:
    """As a clone of a repository with nothing in it is."""
    (tmp_path / ".git").mkdir()

    (path,) = write_distribution(tmp_path, {"src/a.py": "x = 1\n"})

    assert path.read_text() == "x = 1\n"


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    """There can be no folder in its place."""
    file = tmp_path / "file"
    file.write_text("")

    with pytest.raises(ScaffoldError, match="Cannot write to"):
        write_distribution(file, {"a": ""})


@pytest.mark.skipif(find_spec("ruff") is None, reason="ruff is not installed")
@pytest.mark.parametrize("names", [Names("steam"), Names("hydraulic-press")])
def test_its_style_is_sound(names: Names, tmp_path: Path) -> None:
    """ruff finds nothing, by the settings in it."""
    write_distribution(tmp_path, distribution_files(names))

    for words in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "."],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_the_longest_name_makes_a_distribution() -> None:
    """Its package and class are names that Python takes."""
    texts = distribution_files(LONG)

    assert f"src/{LONG.package}/engine.py" in texts
    ast.parse(texts[f"src/{LONG.package}/__init__.py"])
