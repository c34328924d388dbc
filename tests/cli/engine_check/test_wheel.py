"""A wheel is looked into without being installed."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from like_keras_core.cli.engine_check.wheel import UnpackedWheel, WheelError
from tests.conftest import make_wheel

GROUP = "like_keras_core.engines"


def steam(
    folder: Path, requires: str = "like-keras-core>=0.1", more: str = ""
) -> UnpackedWheel:
    """Return a wheel of the engine steam, with one more file if there is a name."""
    files = {"lk_engine_steam.py": b"", **({more: b""} if more else {})}
    wheel = make_wheel(
        folder,
        "lk-engine-steam",
        entry_points={GROUP: "steam = lk_engine_steam:Steam"},
        files=files,
        requires=requires,
    )
    return UnpackedWheel(wheel, folder / "unpacked")


def test_a_sound_wheel_passes(tmp_path: Path) -> None:
    """One line says which it was."""
    wheel = steam(tmp_path)

    (check,) = wheel.check("steam")

    assert (wheel.distribution, wheel.engines()) == ("lk-engine-steam", ["steam"])
    assert check.outcome == "PASS"


@pytest.mark.parametrize(
    ("requires", "text"),
    [
        ("no-such-distribution>=3", "pip install 'no-such-distribution>=3'"),
        ("click>=999", "is installed"),
        ("not a requirement", "is not a valid requirement"),
    ],
)
def test_what_it_needs_must_be_there(requires: str, text: str, tmp_path: Path) -> None:
    """It is checked here, so what it needs is looked for here."""
    checks = list(steam(tmp_path, requires).check("steam"))

    (failed,) = [check for check in checks if check.outcome == "FAIL"]
    assert failed.subject == "dependencies"
    assert text in failed.text


def test_what_another_python_or_an_extra_needs_is_passed_over(tmp_path: Path) -> None:
    """Markers count."""
    requires = "no-such-distribution; extra == 'test' or python_version < '3'"

    checks = list(steam(tmp_path, requires).check("steam"))

    assert {check.outcome for check in checks} == {"PASS"}


def test_tests_at_the_top_level_are_a_warning(tmp_path: Path) -> None:
    """They would land among everybody's."""
    checks = list(steam(tmp_path, more="tests/test_steam.py").check("steam"))

    (warning,) = [check for check in checks if check.outcome == "WARN"]
    assert "'tests' at the top level" in warning.text


def test_a_wheel_of_another_engine_says_which(tmp_path: Path) -> None:
    """And where the name is written."""
    with pytest.raises(WheelError, match="has no engine 'water'; it has: 'steam'"):
        list(steam(tmp_path).check("water"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("steam.whl", "is not named as a wheel"),
        ("steam-1.0-py3-none-any.whl", "Cannot read the wheel"),
        ("steam-1.0-cp38-cp38-win32.whl", "is for cp38-cp38-win32"),
    ],
)
def test_what_is_no_wheel_for_this_python_is_refused(
    name: str, text: str, tmp_path: Path
) -> None:
    """With the reason."""
    (tmp_path / name).write_bytes(b"nothing")

    with pytest.raises(WheelError, match=text):
        UnpackedWheel(tmp_path / name, tmp_path / "unpacked")


def test_a_wheel_without_metadata_is_refused(tmp_path: Path) -> None:
    """pip would not take it, either."""
    file = tmp_path / "steam-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("steam.py", "")

    with pytest.raises(WheelError, match="has no metadata"):
        UnpackedWheel(file, tmp_path / "unpacked")
