"""A wheel is looked into without being installed."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from like_keras_core.cli.engine_check.wheel import WheelError, unpack
from tests.conftest import make_wheel

GROUP = "like_keras_core.engines"


def steam(folder: Path) -> Path:
    """Return a wheel of the engine steam."""
    return make_wheel(
        folder,
        "lk-engine-steam",
        entry_points={GROUP: "steam = lk_engine_steam:Steam"},
        files={
            "lk_engine_steam.py": b"",
            "lk_engine_steam-1.0.data/purelib/more.py": b"",
        },
    )


def test_a_wheel_is_unpacked(tmp_path: Path) -> None:
    """What pip would put in two places is found in both."""
    place = tmp_path / "unpacked"

    distribution, path = unpack(steam(tmp_path), "steam", place)

    assert distribution == "lk-engine-steam"
    assert path == [place, place / "lk_engine_steam-1.0.data" / "purelib"]
    assert (place / "lk_engine_steam.py").is_file()


def test_a_wheel_of_another_engine_says_which(tmp_path: Path) -> None:
    """And where the name is written."""
    with pytest.raises(WheelError, match="has no engine 'water'; it has: 'steam'"):
        unpack(steam(tmp_path), "water", tmp_path / "unpacked")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("steam.whl", "Cannot read the wheel .* Invalid wheel filename"),
        ("steam-1.0-py3-none-any.whl", "Cannot read the wheel .* not a zip file"),
    ],
)
def test_what_is_not_a_wheel_is_refused(name: str, text: str, tmp_path: Path) -> None:
    """With the reason."""
    (tmp_path / name).write_bytes(b"nothing")

    with pytest.raises(WheelError, match=text):
        unpack(tmp_path / name, "steam", tmp_path / "unpacked")


def test_a_wheel_for_another_python_is_refused(tmp_path: Path) -> None:
    """pip would refuse it, too."""
    file = steam(tmp_path).rename(tmp_path / "lk_engine_steam-1.0-cp38-cp38-win32.whl")

    with pytest.raises(WheelError, match="is for cp38-cp38-win32"):
        unpack(file, "steam", tmp_path / "unpacked")


def test_a_wheel_without_metadata_is_refused(tmp_path: Path) -> None:
    """There is no engine in it."""
    file = tmp_path / "steam-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("steam.py", "")

    with pytest.raises(WheelError, match="it has: none"):
        unpack(file, "steam", tmp_path / "unpacked")
