"""The page that a system is drawn on: what stands in it, and how it is written."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from like_keras_core import ComponentError, Node, RunReport, System
from like_keras_core.cli.main import main
from like_keras_core.spec import ComponentSpec, NodeSpec, SystemSpec
from like_keras_core.testing.components import Count, Fail, Scale
from like_keras_core.view.page.document import to_html
from like_keras_core.view.page.notes import Notes
from like_keras_core.view.page.scene import arrange
from like_keras_core.view.page.svg import to_svg
from tests.drawn_systems import large, run_of, small

GOLDEN = Path(__file__).parents[2] / "golden"


def test_the_drawing_is_compared() -> None:
    """Each line of it, for five components that have every mark."""
    scene = arrange(small())

    drawn = to_svg(scene, Notes(scene))

    assert drawn + "\n" == (GOLDEN / "face_follower.svg").read_text(encoding="utf-8")


def test_the_page_is_the_same_each_time() -> None:
    """Two of one system are equal, so that they can be compared and kept."""
    assert to_html(large()) == to_html(large())


def test_the_page_needs_nothing_else() -> None:
    """It loads nothing, and forbids it."""
    page = to_html(small(), run_of(small()))

    assert "default-src 'none'" in page
    assert not re.search(r"https?://|src=|@import|url\(", page)


def test_what_a_system_says_stays_text() -> None:
    """Names and types cannot end an element or begin a script."""
    evil = "</script><script>alert(1)</script>"
    spec = SystemSpec(
        name=evil,
        nodes=(NodeSpec(name=evil, machine=evil, engine=evil),),
        components=(ComponentSpec(name=evil, node=evil, entry_point=evil),),
    )

    page = to_html(spec)

    assert "<script>alert" not in page
    assert page.count("<script") == 2


class Rows(HTMLParser):
    """Gathers the cells of the tables of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._is_cell = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Begin a row or a cell."""
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        self._is_cell = tag in ("td", "th")

    def handle_endtag(self, tag: str) -> None:
        """End a cell."""
        self._is_cell = False

    def handle_data(self, data: str) -> None:
        """Read a cell."""
        if self._is_cell:
            self.rows[-1][-1] += data


def test_the_tables_say_what_the_drawing_shows() -> None:
    """Places, ports, and how each connection brings its values."""
    reader = Rows()

    reader.feed(to_html(small()))

    assert [
        "tracker",
        "robot.parts:Tracker",
        "vision",
        "jetson",
        "boxes: list, odometry: float",
        "output: float",
    ] in reader.rows
    assert [
        "motors.output",
        "planner.pose",
        "float",
        "within a process, delayed by a tick, holds the newest value",
    ] in reader.rows


def test_a_system_without_components_is_a_page() -> None:
    """An unsound system can be looked at, too."""
    assert "0 components" in to_html(SystemSpec())


def test_a_system_is_plotted(tmp_path: Path) -> None:
    """As a page, or as Mermaid text; the name says which."""
    robot = System([Count(), Scale()])

    page, text = robot.plot(tmp_path / "a.html"), robot.plot(str(tmp_path / "a.mmd"))

    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert text.read_text(encoding="utf-8") == robot.to_mermaid()


def test_other_names_are_refused(tmp_path: Path) -> None:
    """Nobody gets a page in a file that is called a picture."""
    with pytest.raises(ValueError, match=r"ends in \.html .* or \.mmd .*robot\.png"):
        System([Count()]).plot(tmp_path / "robot.png")


def test_a_report_is_plotted(tmp_path: Path) -> None:
    """With rates, latencies and shares, whatever engine ran it."""
    robot = System([Count(node=Node("here")), Scale()])

    target = robot.launch(20, engine="native").plot(tmp_path / "run.html")

    page = target.read_text(encoding="utf-8")
    assert "<dd>native</dd>" in page
    assert re.search(r"Hz · [\d.]+ \w+ · ", page)


def test_the_report_of_a_failure_is_plotted(tmp_path: Path) -> None:
    """That is when people look."""
    with pytest.raises(ComponentError) as raised:
        System([Count(), Fail(tick=3)]).launch(20)

    assert raised.value.report is not None
    assert raised.value.report.plot(tmp_path / "run.html").exists()


def test_a_report_that_knows_no_system_says_so(tmp_path: Path) -> None:
    """Such as one that an engine's author made by hand."""
    with pytest.raises(ValueError, match="does not know its system"):
        RunReport(engine="native", system="a").plot(tmp_path / "run.html")


def test_graph_writes_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`lk graph` does, where the name of the file ends in `.html`."""
    saved = System([Count(), Scale()], name="robot").save(tmp_path / "robot.json")
    target = tmp_path / "robot.html"

    main(["graph", str(saved), "-o", str(target)])

    assert capsys.readouterr().out == f"{target}\n"
    assert "<title>robot</title>" in target.read_text(encoding="utf-8")
