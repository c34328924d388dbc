"""Runs the documentation: the python fences of a page, in order, as one program."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import MutableMapping
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sybil import Document, Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

ROOT = Path(__file__).resolve().parent.parent

PLUGINS = {
    "dora-engine.md": "lk_engine_dora",
    "how-to/record-and-replay.md": "lk_record_mcap",
    "ros2-engine.md": "lk_engine_ros2_stub",
}
collect_ignore = [page for page, name in PLUGINS.items() if find_spec(name) is None]
"""A page about a plug-in runs where that plug-in is tested."""


class Page(Document):
    """A page whose fences share one module, so that its classes have a home."""

    def __init__(self, text: str, path: str) -> None:
        super().__init__(text, path)
        place = Path(path).resolve().relative_to(ROOT).with_suffix("")
        self.module = ModuleType("page_" + re.sub(r"\W", "_", str(place)).lower())
        self.module.__file__ = path
        self.module.__dict__["__page__"] = self
        self.namespace = self.module.__dict__


def open_page(namespace: MutableMapping[str, Any]) -> None:
    """Run what follows in an empty folder, in a module that can be imported."""
    page = namespace["__page__"]
    page.home, page.folder = Path.cwd(), tempfile.mkdtemp(prefix="page-")
    sys.modules[page.module.__name__] = page.module
    os.chdir(page.folder)


def close_page(namespace: MutableMapping[str, Any]) -> None:
    """Go back, and leave nothing behind."""
    page = namespace["__page__"]
    os.chdir(page.home)
    shutil.rmtree(page.folder)
    del sys.modules[page.module.__name__]


class Pages:
    """Collects every Markdown page that has python fences.

    A plug-in of its own, because a conftest hears only of the files beside it and the
    READMEs are elsewhere.
    """

    pytest_collect_file = staticmethod(
        Sybil(
            [PythonCodeBlockParser()],
            path=str(ROOT),
            patterns=["README.md", "docs/*.md", "docs/*/*.md", "plugins/*/README.md"],
            setup=open_page,
            teardown=close_page,
            document_types={".md": Page},
        ).pytest()
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Pages(), "pages")
