"""A process engine in a build folder that somebody else has prepared, or works in."""

import threading
from pathlib import Path

import pytest
from reference_engine import ReferenceEngine  # type: ignore[import-not-found]

from like_keras_core import EngineError, GraphError, Node, System, SystemSpec
from like_keras_core.plugins.engine_registry import register_engine
from like_keras_core.testing.components import Count, Scale


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    register_engine("reference", ReferenceEngine)


def robot() -> System:
    count, scale = Count(node=Node("a")), Scale(node=Node("b"))
    scale(count())
    return System([count, scale])


def test_nothing_outside_the_build_folder_is_written_or_removed(tmp_path: Path) -> None:
    """Links in it are replaced; what they led to stays as it was."""
    mine, build = tmp_path / "mine", tmp_path / ".lk_build" / "reference"
    mine.mkdir()
    build.mkdir(parents=True)
    for name in ("system.json", "a.log"):
        (mine / name).write_text("mine")
    (build / "system.json").symlink_to(mine / "system.json")
    (build / "logs").symlink_to(mine)

    report = robot().launch(3, engine="reference")

    assert report.iterations == 3
    assert sorted(path.name for path in mine.iterdir()) == ["a.log", "system.json"]
    assert {path.read_text() for path in mine.iterdir()} == {"mine"}
    assert not (build / "system.json").is_symlink()
    assert (build / "logs" / "a.log").is_file()


@pytest.mark.parametrize("name", ["../x", "/etc/x", "..", "a/b"])
def test_a_name_in_a_saved_system_is_not_a_path(name: str) -> None:
    """Neither for a file nor for a folder; nothing is written."""
    data = robot().to_spec().to_dict()
    data["nodes"][1]["name"] = data["components"][1]["node"] = name
    spec = SystemSpec.from_dict(data)

    with pytest.raises(GraphError, match="cannot be a node's name"):
        ReferenceEngine().compile(spec)
    with pytest.raises(GraphError, match="cannot be a node's name"):
        ReferenceEngine().launch(spec, Path("build", "system.json"), iterations=1)

    assert not Path("build").exists()
    assert not Path(".lk_build").exists()


def test_two_launches_in_one_folder_exclude_each_other(tmp_path: Path) -> None:
    """The second is told who is there, and the first goes on."""
    system, runs = robot(), threading.Event()
    reports = []

    def launch() -> None:
        reports.append(
            system.launch(
                engine="reference", rate_hz=50, progress=lambda done: runs.set()
            )
        )

    thread = threading.Thread(target=launch)
    thread.start()
    assert runs.wait(30)
    with pytest.raises(EngineError, match=r"in use by a launch \(pid \d+, since 2"):
        robot().launch(3, engine="reference")
    system.stop()
    thread.join(30)

    assert reports[0].ended_by == "stop"
    assert sorted(path.name for path in tmp_path.glob(".lk_build/reference/*")) == [
        "logs",
        "system.json",
    ]
    assert robot().launch(3, engine="reference").iterations == 3
