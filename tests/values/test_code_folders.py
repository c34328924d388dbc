"""With an allow-list a folder gives what the list has, and hides nothing installed."""

import subprocess
import sys
from pathlib import Path

import pytest

BAD = """
with open({log!r}, "a") as file:
    file.write(__name__ + " ")
"""
ROBOT = """
import numpy as np

import helper
import like_keras_core as lk


class Camera(lk.Component):
    def __init__(self, image: np.ndarray, node: lk.Node | None = None) -> None:
        super().__init__(node=node)
        self.image = image

    def forward(self) -> float:
        return float(self.image.sum()) + helper.BIAS


class Look(lk.Component):
    def forward(self, value: float) -> float:
        import late

        return value + late.BIAS
"""
SAVE = """
import sys
import numpy as np
import like_keras_core as lk

sys.path.append(".")
from robot import Camera, Look

camera, look = Camera(np.arange(3), node=lk.Node("a")), Look(node=lk.Node("b"))
look(camera())
lk.System([camera, look]).save("robot.json")
"""
LOADED = """
import os
import sys
os.chdir({folder!r})
sys.path.remove("")
sys.path += {path!r}
from reference_engine import ReferenceEngine
from like_keras_core import System
from like_keras_core.plugins.engine_registry import register_engine

register_engine("reference", ReferenceEngine)
report = System.load("robot.json", allow=["robot"]).launch(
    2, engine="reference", record="look.output"
)
print(report.records["look.output"])
"""
SCRIPT = """
from robot import *

camera = Camera(np.arange(3), node=lk.Node("a"))
look = Look(node=lk.Node("b"))
look(camera())
robot = lk.System([camera, look])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of somebody else, with a robot and with what would do harm."""
    (tmp_path / "robot.py").write_text(ROBOT)
    (tmp_path / "helper.py").write_text("BIAS = 1.0")
    (tmp_path / "late.py").write_text("BIAS = 0.5")
    (tmp_path / "script.py").write_text(SCRIPT)
    run(tmp_path, "-P" if sys.version_info >= (3, 11) else "-B", "-c", SAVE)
    log = str(tmp_path / "imported")
    for name in ("numpy", "logging", "json", "msgspec", "evil", "pyarrow"):
        (tmp_path / f"{name}.py").write_text(BAD.format(log=log))
    info = tmp_path / "evil-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n"
        "Requires-Dist: like-keras-core>=0.1,<0.2\n"
    )
    (info / "entry_points.txt").write_text("[like_keras_core.plugins]\nevil = evil\n")
    return tmp_path


def run(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("target", ["robot.json", "script.py"])
def test_nothing_of_a_folder_is_imported_that_is_not_allowed(
    target: str, folder: Path
) -> None:
    """Neither a module in the place of an installed one, nor a plug-in."""
    lk = ("-m", "like_keras_core")

    out = run(
        folder,
        *(*lk, "launch", target, "--iterations", "2", "--record", "look.output"),
        *("--allow", "robot", "--allow", "script.py"),
    )

    assert not (folder / "imported").exists()
    assert "the last at tick 1: 4.5" in out


def test_other_processes_import_as_this_one_does(folder: Path) -> None:
    """What is beside allowed code is found there, behind all that is installed."""
    tests = Path(__file__).parents[1]
    path = [str(tests), str(tests.parent / "docs" / "examples")]

    out = run(Path("/"), "-c", LOADED.format(path=path, folder=str(folder)))

    assert not (folder / "imported").exists()
    assert out.strip() == "[(0, 4.5), (1, 4.5)]"


def test_a_module_that_is_not_allowed_is_not_found(folder: Path) -> None:
    """The folder gives nothing before it gave what is allowed."""
    code = (
        "from like_keras_core.values.code_folders import add_folder\n"
        "import sys; sys.path.remove('')\n"
        f"folder = add_folder({str(folder)!r}, ['robot.sub', 'numpyx'])\n"
        "assert folder.find_spec('helper') is None\n"
        "assert folder.find_spec('evil') is None\n"
        "import robot, helper, numpy\n"
        "assert folder.is_open and robot.helper is helper\n"
        "assert 'site-packages' in numpy.__file__\n"
    )

    run(Path("/"), "-c", code)
