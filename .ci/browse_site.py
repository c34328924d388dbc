"""Opens every page of a built site in a real browser, with the network cut off.

    python .ci/browse_site.py build/site [FOLDER_FOR_SCREENSHOTS]

Wants playwright, and a Chromium: the one in `LK_CHROMIUM`, else `chromium` on the path.
Complains about errors on a page's console, requests that leave this machine or fail,
links that lead nowhere, and a search that finds nothing.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

from playwright.sync_api import sync_playwright

PATIENCE_MS = 120_000
"""For one step in the browser; a machine may be busy with something else."""

LOOKS = {"light": (1280, 900), "dark": (390, 844)}
"""The colour schemes of the pictures, and their windows: a desk's, a telephone's."""

SHOWN = (
    "index.html",
    "engines.html",
    "python/system.html",
    "how-to/test-an-engine.html",
)

FACTS = """() => ({
    ids: [...document.querySelectorAll('[id], a[name]')].map(e => e.id || e.name),
    links: [...document.querySelectorAll('a[href]')].map(a => a.href),
})"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing of each request."""


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve the site on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def browse(site: Path, pictures: Path | None) -> list[str]:
    """Return what is wrong with the site."""
    wrong: list[str] = []
    facts: dict[str, Any] = {}
    chromium = os.environ.get("LK_CHROMIUM") or shutil.which("chromium")
    with served(site) as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)

        def route(routed: Any) -> None:
            if routed.request.url.startswith((home, "data:", "blob:")):
                routed.continue_()
            else:
                wrong.append(f"{page.url}: asks the network for {routed.request.url}")
                routed.abort()

        page.route("**/*", route)
        page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda said: (
                said.type in {"error", "warning"}
                and wrong.append(f"{page.url}: the console says {said.text!r}")
            ),
        )
        page.on(
            "response",
            lambda got: (
                got.status >= 400
                and wrong.append(f"{page.url}: {got.status} for {got.url}")
            ),
        )
        for file in sorted(site.rglob("*.html")):
            path = file.relative_to(site).as_posix()
            if path != "404.html":
                page.goto(home + path, wait_until="load")
                facts[home + path] = page.evaluate(FACTS)
        wrong += dead_links(facts, home, site)
        if not finds(page, home, "CapabilityError"):
            wrong.append("The search finds no page about CapabilityError.")
        if pictures:
            take_pictures(browser, home, pictures)
        browser.close()
    print(f"{len(facts)} pages, {sum(len(x['links']) for x in facts.values())} links")
    return wrong


def dead_links(facts: dict[str, Any], home: str, site: Path) -> list[str]:
    """Name the links within the site that lead to no file, or to no place in a page."""
    wrong = []
    places = {url: set(page["ids"]) for url, page in facts.items()}
    for url, page in facts.items():
        for link in sorted({link for link in page["links"] if link.startswith(home)}):
            target, fragment = urldefrag(unquote(link))
            target += "index.html" if target.endswith("/") else ""
            if not (site / target.removeprefix(home)).is_file():
                wrong.append(f"{url}: {link} is no file")
            elif fragment and target in facts and fragment not in places[target]:
                wrong.append(f"{url}: {link} is no place in that page")
    return wrong


def finds(page: Any, home: str, words: str) -> bool:
    """Search as a reader does."""
    page.goto(home + "index.html")
    page.locator("input.md-search__input").click()
    page.keyboard.type(words)
    found = page.locator(".md-search-result__link").first
    found.wait_for(state="visible")
    return bool(found.count())


def take_pictures(browser: Any, home: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for look, (width, height) in LOOKS.items():
        size = {"width": width, "height": height}
        page = browser.new_page(color_scheme=look, viewport=size)
        for path in SHOWN:
            page.goto(home + path, wait_until="load")
            name = path.removesuffix(".html").replace("/", "-")
            page.screenshot(path=folder / f"{name}-{look}.png")
        page.close()


def main(site: str, pictures: str | None = None) -> bool:
    if not (Path(site) / "index.html").is_file():
        sys.exit(f"{site!r} has no index.html; build the site first: nox -s docs")
    wrong = browse(Path(site).resolve(), Path(pictures) if pictures else None)
    print(*wrong, sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
