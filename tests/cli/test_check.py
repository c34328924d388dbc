"""`lk engines check`: an engine that keeps its promises, and several that do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from like_keras_core.cli.engine_scaffold.names import Names
from like_keras_core.cli.engine_scaffold.templates import distribution_files
from like_keras_core.cli.main import main
from tests.conftest import make_wheel

Output = pytest.CaptureFixture[str]

STEAM = Names("steam")
DECLARED = '"late", "record"}'


def wheel_of(folder: Path, old: str = "", new: str = "", *, requires: str = "") -> Path:
    """Return a wheel of a new engine, with something in its code replaced."""
    texts = distribution_files(STEAM)
    path = f"src/{STEAM.package}/engine.py"
    assert old in texts[path]
    texts[path] = texts[path].replace(old, new) if old else texts[path]
    return make_wheel(
        folder,
        STEAM.distribution,
        entry_points={
            "like_keras_core.engines": f"steam = {STEAM.package}:{STEAM.engine_class}"
        },
        files={
            path.removeprefix("src/"): text.encode()
            for path, text in texts.items()
            if path.startswith("src/")
        },
        requires=requires or "like-keras-core>=0.1",
    )


def check(capsys: Output, wheel: Path, *words: str) -> tuple[int, list[dict[str, Any]]]:
    """Check the wheel; return the exit code, and the lines."""
    code = main(["engines", "check", "steam", "--wheel", str(wheel), "--json", *words])
    data = json.loads(capsys.readouterr().out)
    assert data["ok"] is (code == 0)
    return code, data["checks"]


def failures(checks: list[dict[str, Any]]) -> dict[str, str]:
    return {
        item["subject"]: item["text"] for item in checks if item["outcome"] == "FAIL"
    }


@pytest.mark.slow
def test_an_engine_that_keeps_its_promises(tmp_path: Path, capsys: Output) -> None:
    """It is imported, compared, and run, from its wheel alone; nothing is left."""
    wheel = wheel_of(tmp_path)

    code, checks = check(capsys, wheel)

    assert code == 0
    assert {item["outcome"] for item in checks} == {"PASS"}
    assert [item["subject"] for item in checks] == [
        "wheel",
        "metadata",
        "import",
        "methods",
        "capabilities",
        "kit",
    ]
    assert "suites: contract, basic, capabilities" in checks[-1]["text"]
    assert main(["engines", "info", "steam"]) == 3


@pytest.mark.slow
def test_a_failing_test_of_the_kit_is_named(tmp_path: Path, capsys: Output) -> None:
    """With how to see it alone."""
    wheel = wheel_of(
        tmp_path,
        "        return run_in_process(",
        '        options["iterations"] = options["iterations"] or 1\n'
        "        return run_in_process(",
    )

    code, checks = check(capsys, wheel)

    found = failures(checks)
    assert code == 1
    assert "test_iterations_bound_the_run[0]" in found
    text = found["test_iterations_bound_the_run[0]"]
    assert "--lk-engine steam -k 'test_iterations_bound_the_run'" in text


@pytest.mark.parametrize(
    ("old", "new", "subject", "text"),
    [
        (DECLARED, '"late", "recrod"}', "capabilities", "Did you mean 'record'?"),
        ("build_dir: Path | None = None", "", "methods", "found compile("),
        ("class SteamEngine(Engine)", "class SteamEngine", "import", "a subclass of"),
        ("class SteamEngine", "import os\nos._exit(7)\nclass S", "import", "code 7"),
        ("class Steam", "print('hi')\nclass Steam", "side effects", "printed: 'hi"),
    ],
)
def test_what_is_declared_and_not_there_fails(
    old: str, new: str, subject: str, text: str, tmp_path: Path, capsys: Output
) -> None:
    """Before the kit runs, which says that it did not."""
    wheel = wheel_of(tmp_path, old, new)

    code, checks = check(capsys, wheel)

    found = failures(checks)
    assert code == 1
    assert list(found) == [subject]
    assert text in found[subject]
    assert checks[-1]["subject"] == "kit"
    assert "not run" in checks[-1]["text"]


@pytest.mark.parametrize(
    ("requires", "text"),
    [
        ("no-such-distribution>=3", "pip install 'no-such-distribution>=3'"),
        ("click>=999", "is installed"),
    ],
)
def test_what_it_needs_must_be_there(
    requires: str, text: str, tmp_path: Path, capsys: Output
) -> None:
    """It is checked here, so what it needs is looked for here."""
    wheel = wheel_of(tmp_path, requires=requires)

    code, checks = check(capsys, wheel)

    assert code == 1
    assert text in failures(checks)["dependencies"]


@pytest.mark.slow
def test_what_another_python_or_an_extra_needs_is_passed_over(
    tmp_path: Path, capsys: Output
) -> None:
    """Markers count."""
    requires = "no-such-distribution; extra == 'test' or python_version < '3'"

    code, _ = check(capsys, wheel_of(tmp_path, requires=requires))

    assert code == 0


@pytest.mark.slow
def test_an_import_that_does_not_end_is_ended(tmp_path: Path, capsys: Output) -> None:
    """What waits belongs into `launch`."""
    wheel = wheel_of(tmp_path, "class SteamEngine", "while True: pass\nclass S")

    code, checks = check(capsys, wheel, "--timeout-s", "3")

    assert code == 1
    assert "not imported within 3 s" in failures(checks)["import"]


def test_people_read_lines(tmp_path: Path, capsys: Output) -> None:
    """One a check, and a last one that sums up."""
    wheel = wheel_of(tmp_path, DECLARED, '"recrod"}')

    code = main(["engines", "check", "steam", "--wheel", str(wheel)])

    lines = capsys.readouterr().out.splitlines()
    assert code == 1
    assert lines[0] == f"PASS  wheel: {wheel.name}"
    assert lines[-1] == "steam: 1 of 6 checks failed."


def test_an_engine_that_is_not_there_exits_with_3(capsys: Output) -> None:
    """With those that are."""
    code = main(["engines", "check", "steem"])

    captured = capsys.readouterr()
    assert (code, captured.out) == (3, "")
    assert "No engine named 'steem'" in captured.err
