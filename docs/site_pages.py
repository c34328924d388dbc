"""What the documentation's site has beside the pages in docs/, and the order of all.

A hook of mkdocs. What stands outside docs/ becomes a page too, and so does each
example; the Python reference has a page for each module that holds public names. A new
page needs no entry anywhere.
"""

from __future__ import annotations

import ast
import os
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import like_keras_core

ROOT = Path(__file__).resolve().parent.parent
ELSEWHERE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "docs/examples": "examples/index.md",
    **{
        f"plugins/{readme.parent.name}/README.md": f"plugins/{readme.parent.name}.md"
        for readme in ROOT.glob("plugins/*/README.md")
    },
    **{
        f"docs/examples/{program.name}": f"examples/{program.stem}.md"
        for program in ROOT.glob("docs/examples/*.py")
    },
}
"""Where the site has what is no page in docs/, by paths from the repository's root."""

FIRST = ("index.md", "tutorial/first-robot.md", "components.md", "engines.md")
SECTIONS = {
    "How to": ("how-to/",),
    "Examples": ("examples/",),
    "Each engine": ("dora-engine.md", "ros2-engine.md", "plugins/"),
    "Reference": ("reference/",),
    "Python reference": ("python/",),
    "Explanation": ("explanation/",),
    "Decisions": ("decisions/",),
}
"""What stands in which section, by how its path begins."""

LINK = re.compile(r"(?ms:^```.*?^```)|`[^`\n]*`|(?<=\]\()(?!\w+:|#)([^)#\s]+)")
"""A relative link's path; code is matched only so that it is left alone."""


def on_config(config: MkDocsConfig) -> None:
    """Order the pages that are there; the titles are the pages' own."""
    docs = Path(config.docs_dir)
    pages = sorted(path.relative_to(docs).as_posix() for path in docs.rglob("*.md"))
    pages += [*sorted(ELSEWHERE.values()), *sorted(f"python/{x}.md" for x in homes())]
    nav: list[Any] = list(FIRST)
    for title, starts in SECTIONS.items():
        nav.append({title: [page for page in pages if page.startswith(starts)]})
    listed = str(nav)
    config.nav = nav + [page for page in pages if repr(page) not in listed]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made from other files."""
    for source, page in ELSEWHERE.items():
        files.append(File.generated(config, page, content=text_of(ROOT / source)))
    for home, names in homes().items():
        parts = [f"# {home}", *(f"::: like_keras_core.{home}.{name}" for name in names)]
        text = "\n\n".join(parts) + "\n"
        files.append(File.generated(config, f"python/{home}.md", content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Let links between the repository's files lead to the pages made from them."""
    made_from = {page: source for source, page in ELSEWHERE.items()}
    here = made_from.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    folder = here if (ROOT / here).is_dir() else os.path.dirname(here)

    def to_page(link: re.Match[str]) -> str:
        if link[1] is None:
            return link[0]
        path = os.path.normpath(os.path.join(folder, link[1]))
        target = ELSEWHERE.get(path, path.removeprefix("docs/"))
        return os.path.relpath(target, os.path.dirname(page.file.src_uri) or ".")

    return LINK.sub(to_page, markdown)


def text_of(source: Path) -> str:
    """Return a page made from a page, a program or the folder of the programs."""
    if source.suffix == ".md":
        return source.read_text()
    if source.is_dir():
        programs = sorted(source.glob("*.py"))
        lines = [f"- [{x.stem}]({x.name}): {summary(x)}" for x in programs]
        return "# Examples\n\n" + "\n".join(lines) + "\n"
    return f"# {source.stem}\n\n```python\n{source.read_text()}```\n"


def summary(program: Path) -> str:
    """Return the first line of a program's docstring."""
    said = ast.get_docstring(ast.parse(program.read_text())) or ""
    return said.partition("\n")[0]


def homes() -> dict[str, list[str]]:
    """Return the public names, by the module that defines them."""
    found = defaultdict(list)
    for name in like_keras_core.__all__:
        module = getattr(getattr(like_keras_core, name), "__module__", "")
        if module.startswith("like_keras_core."):
            found[module.removeprefix("like_keras_core.")].append(name)
    return found
