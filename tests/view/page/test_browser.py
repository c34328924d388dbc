"""The page in a real browser: Debian's `chromium`, driven by playwright."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from like_keras_core.view.page.document import to_html
from tests.drawn_systems import large, run_of, small

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium"),
]

SIZES = {"phone": (390, 844), "laptop": (1280, 800), "desk": (1920, 1080)}

OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll('.component > .box')]
    .map((box) => box.getBoundingClientRect());
  let found = 0;
  boxes.forEach((a, n) => boxes.slice(n + 1).forEach((b) => {
    found += a.left < b.right && b.left < a.right
      && a.top < b.bottom && b.top < a.bottom;
  }));
  return found;
}"""
"""Counts the pairs of components that overlap."""

OVERFLOWS = """() => {
  const found = [];
  for (const text of document.querySelectorAll('.component text, text.label')) {
    const inner = text.getBBox();
    const outer = text.parentElement.querySelector('rect').getBBox();
    if (inner.x < outer.x + 2 || inner.x + inner.width > outer.x + outer.width - 2
        || inner.y < outer.y || inner.y + inner.height > outer.y + outer.height) {
      found.push(text.textContent);
    }
  }
  return found;
}"""
"""Lists the texts that do not fit into their boxes."""

CONTRASTS = """() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const page = getComputedStyle(document.body).backgroundColor;
  let least = 21;
  for (const text of document.querySelectorAll('#drawing text, #drawing tspan')) {
    const box = text.closest('g').querySelector('rect');
    const fill = getComputedStyle(box).fill;
    const [a, b] = [getComputedStyle(text).fill, fill === 'none' ? page : fill]
      .map(light).sort((one, other) => other - one);
    least = Math.min(least, (a + 0.05) / (b + 0.05));
  }
  return least;
}"""
"""The least contrast of a text in the drawing, which axe cannot work out."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser without a window."""
    with playwright.sync_playwright() as player:
        found = player.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield found
        found.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The addresses of a small and of a large page."""
    folder: Path = tmp_path_factory.mktemp("pages")
    found = {}
    for name, spec in (("small", small()), ("large", large())):
        target = folder / f"{name}.html"
        target.write_text(to_html(spec, run_of(spec)), encoding="utf-8")
        found[name] = target.as_uri()
    return found


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["small", "large"])
def test_the_page_is_sound(
    browser: Any, pages: dict[str, str], name: str, size: str, mode: str
) -> None:
    """Nothing overlaps or sticks out, no request, no complaint; axe has none either."""
    width, height = SIZES[size]
    page = browser.new_page(
        viewport={"width": width, "height": height}, color_scheme=mode
    )
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))

    page.goto(pages[name])
    overlaps, overflows = page.evaluate(OVERLAPS), page.evaluate(OVERFLOWS)
    is_too_wide = page.evaluate(
        "document.documentElement.scrollWidth > window.innerWidth"
    )
    contrast = page.evaluate(CONTRASTS)
    faults = axe.Axe().run(page).response["violations"] if name == "small" else []
    page.close()

    assert (overlaps, overflows, is_too_wide) == (0, [], False)
    assert (said, asked) == ([], [pages[name]])
    assert contrast >= 4.5
    assert faults == []


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_axe_finds_no_fault_in_a_large_page(
    browser: Any, pages: dict[str, str], mode: str
) -> None:
    """Two hundred components take it a minute, so only when asked for."""
    page = browser.new_page(color_scheme=mode)
    page.goto(pages["large"])

    faults = axe.Axe().run(page).response["violations"]
    page.close()

    assert faults == []


def test_keys_go_from_component_to_component(
    browser: Any, pages: dict[str, str]
) -> None:
    """One stop for Tab; arrows move, a tip follows, Enter marks, Escape lets go."""
    page = browser.new_page()
    page.goto(pages["small"])
    page.focus("[data-component='0']")

    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    tip = page.inner_text("#tip")
    page.keyboard.press("Enter")
    pressed = page.get_attribute("[data-component='3']", "aria-pressed")
    page.keyboard.press("Escape")
    is_hidden = page.is_hidden("#tip")
    stops = page.evaluate(
        "document.querySelectorAll('[tabindex=\"0\"].component').length"
    )
    page.close()

    assert "planner" in tip
    assert "float, from motors.output, delayed, hold" in tip
    assert (pressed, is_hidden, stops) == ("true", True, 1)


def test_a_connection_says_what_it_is(browser: Any, pages: dict[str, str]) -> None:
    """Pointing at its line is enough."""
    page = browser.new_page()
    page.goto(pages["small"])

    page.hover("[data-wire='0'] > .reach")
    tip = page.inner_text("#tip")
    page.close()

    assert "camera.output" in tip
    assert "between machines" in tip
    assert "3000" in tip


def test_finding_a_component_brings_it_into_view(
    browser: Any, pages: dict[str, str]
) -> None:
    """Also one of two hundred."""
    page = browser.new_page()
    page.goto(pages["large"])

    page.fill("#find", "_199")
    found = page.inner_text("#found")
    box = page.locator(".component.hit").bounding_box()
    stage = page.locator("#stage").bounding_box()
    page.close()

    assert found == "1 found"
    assert stage["x"] <= box["x"] <= stage["x"] + stage["width"] - box["width"]
    assert stage["y"] <= box["y"] <= stage["y"] + stage["height"] - box["height"]
