"""`lk validate|compile|launch|graph TARGET`, as a user types them."""

import contextlib
import io
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from like_keras_core import System
from like_keras_core.cli.main import main
from like_keras_core.launch_options import OPTIONS, Option
from like_keras_core.testing.components import Count, Scale

ROBOT = """
from like_keras_core import System
from like_keras_core.testing.components import Count, Fail, Scale, Sum

robot = System([Count(), Scale()], name="robot")

def make():
    return System([Count(), Fail(tick=7)], name="failing")

class Robot(System):
    def __init__(self):
        super().__init__([Count(), Sum()])

number = 3
"""


class Result(NamedTuple):
    code: int
    out: str
    err: str


Lk = Callable[..., Result]


@pytest.fixture
def lk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lk:
    """Run `lk` in a folder with a robot in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "robot.py").write_text(ROBOT)

    def run(*arguments: str) -> Result:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(list(arguments))
            except SystemExit as error:
                code = int(error.code or 0)
        return Result(code, out.getvalue(), err.getvalue())

    return run


def test_launch_prints_the_report(lk: Lk) -> None:
    """The only system of the file, for three ticks."""
    result = lk("launch", "robot.py", "--iterations", "3")

    assert result.code == 0
    assert result.out.startswith("robot on native: 3 ticks in")
    assert "count.output -> scale.value" in result.out


@pytest.mark.parametrize(
    ("flags", "ticks"),
    [
        (["--seconds=100", "--speed=max"], "100 ticks"),
        (["--seconds=2", "--speed", "100"], "2 ticks"),
        (["--seconds=0.1", "--rate-hz=50"], "1 ticks"),
    ],
)
def test_a_run_is_so_long_by_the_systems_clock(
    lk: Lk, tmp_path: Path, flags: list[str], ticks: str
) -> None:
    """Whatever its speed."""
    System([Count()], name="slow", rate_hz=1).save(tmp_path / "slow.json")

    assert f"slow on native: {ticks}" in lk("launch", "slow.json", *flags).out


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--seconds=1"], "seconds=1 goes by the system's clock"),
        (["--seconds=1", "--iterations=3"], "both say how long the run is"),
        (["--speed=2", "--rate-hz=5"], "both say how fast the run is"),
        (["--speed=quick"], "'quick' is neither a number nor 'max'"),
        (["--speed=-1"], "speed must be a number greater than 0"),
    ],
)
def test_a_run_that_cannot_be_is_answered_in_a_line(
    lk: Lk, flags: list[str], text: str
) -> None:
    """As input that is wrong, not as a crash."""
    result = lk("launch", "robot.py", *flags)

    assert result.code == 2
    assert text in result.err


@pytest.mark.parametrize("option", OPTIONS.values(), ids=list(OPTIONS))
def test_every_option_that_a_string_can_say_is_a_flag(option: Option, lk: Lk) -> None:
    """The others can only be given in Python."""
    shown = lk("launch", "--help").out

    assert ("--" + option.name.replace("_", "-") in shown) is (
        option.name not in ("taps", "choices", "progress", "trace_to")
    )
    assert option.flag is None or option.flag.name in shown


def test_options_between_processes_fit_every_engine(lk: Lk) -> None:
    """One process does not use them."""
    words = ("--window=2", "--run-ahead=3", "--heartbeat-s=0")

    assert lk("launch", "robot.py", "--iterations=2", *words).code == 0


def test_launch_as_json_has_the_recorded_values(lk: Lk) -> None:
    """A program can read what was recorded."""
    result = lk(
        "launch", "robot.py", "--iterations=2", "--record", "scale.output", "--json"
    )

    report = json.loads(result.out)
    assert report["iterations"] == 2
    assert report["records"] == {"scale.output": [[0, 0], [1, 2]]}


def test_launch_says_what_was_recorded(lk: Lk) -> None:
    """The count and the last value of each port."""
    result = lk("launch", "robot.py", "--iterations=5", "--record=all")

    assert "scale.output: 5 values, the last at tick 4: 8" in result.out


@pytest.mark.parametrize(
    "target", ["robot.py:robot", "robot:robot", "robot.py", "./robot.py"]
)
def test_targets(lk: Lk, target: str) -> None:
    """A file or a module, with an attribute or without."""
    result = lk("validate", target)

    assert (result.code, result.out) == (0, "robot: nothing is wrong (2 components)\n")


def test_a_folder_that_was_removed_is_said(
    lk: Lk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not as a file of nobody's that does not exist."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    result = lk("validate", "robot.py")

    assert result.code == 2
    assert "The current directory was removed." in result.err


def test_a_saved_system_is_a_target(lk: Lk, tmp_path: Path) -> None:
    """From any folder."""
    System([Count(), Scale()], name="saved").save(tmp_path / "saved.json")

    assert lk("graph", "saved.json").out.startswith("flowchart LR")
    assert "saved on native" in lk("launch", "saved.json", "--iterations=1").out


def test_a_component_that_fails_is_exit_code_4(lk: Lk) -> None:
    """One line that names it; a factory is a target."""
    result = lk("launch", "robot.py:make", "--iterations", "20")

    assert result.code == 4
    assert re.fullmatch(
        "error: Component 'fail' on node 'main' failed in forward at tick 7: "
        r"ValueError: asked to fail at 7 \(components\.py:\d+\)\n",
        result.err,
    )


def test_a_failure_as_json_has_the_report(lk: Lk) -> None:
    """What was done before it; what components print stays out of it."""
    result = lk("launch", "robot.py:make", "--iterations", "20", "--json")

    found = json.loads(result.out)
    assert result.code == 4
    assert "asked to fail at 7" in found["error"]
    assert found["components"]["count"]["fired"] == 8


def test_a_module_that_exits_is_named(lk: Lk, tmp_path: Path) -> None:
    """Its exit code is not ours."""
    (tmp_path / "leaver.py").write_text("import sys; sys.exit(3)")

    for target in ("leaver:robot", "leaver.py"):
        result = lk("validate", target)
        assert result.code == 2
        assert "leaver" in result.err


def test_debug_shows_where(lk: Lk) -> None:
    """The component's own traceback comes with it."""
    result = lk("--debug", "launch", "robot.py:make", "--iterations", "20")

    assert result.code == 4
    assert "in forward" in result.err
    assert "Traceback" in result.err


def test_a_system_with_errors_is_exit_code_1(lk: Lk) -> None:
    """Validate prints every issue; a class is a target."""
    result = lk("validate", "robot.py:Robot")

    assert result.code == 1
    assert result.out.count("unfed-input") == 2
    issues = json.loads(lk("validate", "robot.py:Robot", "--json").out)["issues"]
    assert [issue["address"] for issue in issues] == ["sum.a", "sum.b"]


def test_compile_without_files_says_so(lk: Lk) -> None:
    """The native engine compiles to nothing."""
    assert lk("compile", "robot.py", "--engine", "native").out == "nothing to compile\n"
    assert json.loads(lk("compile", "robot.py", "--json").out)["path"] is None


def test_graph_writes_a_file(lk: Lk, tmp_path: Path) -> None:
    """And prints its name."""
    assert lk("graph", "robot.py", "-o", "robot.mmd").out == "robot.mmd\n"
    assert (tmp_path / "robot.mmd").read_text().startswith("flowchart LR")
    assert "scale.value" in lk("graph", "robot.py", "--summary").out
    assert json.loads(lk("graph", "robot.py", "--json").out)["name"] == "robot"


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["launch", "missing.py"], 2, "There is no file 'missing.py'"),
        (["launch", "missing.json"], 2, "There is no file 'missing.json'"),
        (["launch", "missing"], 2, "There is no module 'missing'"),
        (["launch", "robot.py:robto"], 2, "Did you mean 'robot'?"),
        (["launch", "robot.py:number"], 2, "expected a System"),
        (["launch", "robot.py", "--engine", "natvie"], 3, "Did you mean 'native'?"),
        (["launch", "robot.py", "--engine", "dora"], 3, "pip install lk-engine-dora"),
        (["launch", "robot.py", "--iterations", "-1"], 2, "0 or more; got -1"),
        (["launch", "robot.py", "--iterations", "x"], 2, "'x' is not a valid integer"),
        (["launch", "robot.py", "--rate-hz", "0"], 2, "a number greater than 0"),
        (["launch", "robot.py", "--run-ahead", "0"], 2, "1 or more; got 0"),
        (["launch", "robot.py", "--opt", "seed=3"], 2, "every engine's"),
        (["launch", "robot.py", "--opt", "run_ahead=1"], 2, "the flag --run-ahead"),
        (["launch", "robot.py", "--opt", "trace_to=x"], 2, "use the flag --trace"),
        (["launch", "robot.py", "--opt", "engine=x"], 2, "use the flag --engine"),
        (["launch", "robot.py", "--opt", "taps=1"], 2, "only be given in Python"),
        (["launch", "robot.py", "--opt", "windw=1"], 2, "Did you mean 'window'?"),
        (["graph", "robot.py", "--engine", "natvie"], 3, "Did you mean 'native'?"),
        (["launch", "robot.py", "--opt", "haste=3"], 2, "the option 'haste'"),
        (["launch", "robot.py", "--opt", "speed"], 2, "--opt takes KEY=VALUE"),
        (["launch", "robot.py", "--record", "scale.outptu"], 1, "Did you mean"),
        (["launch", "robot.py", "--allow", "other"], 2, "--allow robot.py"),
        (["launch", "robot.py", "--timeout-s", "0.05"], 1, "timeout_s=0.05"),
    ],
)
def test_bad_input_has_one_clear_line(
    lk: Lk, arguments: list[str], code: int, text: str
) -> None:
    """No traceback; a documented exit code."""
    result = lk(*arguments)

    assert result.code == code
    assert text in result.err
    assert "Traceback" not in result.err


def test_a_file_with_two_systems_asks_which(lk: Lk, tmp_path: Path) -> None:
    """Both are named as they can be typed."""
    two = ROBOT + "\nother = System([Count()])\n"
    (tmp_path / "two.py").write_text(two)

    result = lk("launch", "two.py", "--iterations", "1")

    assert result.code == 2
    assert "two.py:robot, two.py:other" in result.err


def test_a_script_that_launches_a_nameless_system_is_a_target(
    lk: Lk, tmp_path: Path
) -> None:
    """The system that it was about to launch is the one."""
    (tmp_path / "bare.py").write_text(
        "from like_keras_core import System\n"
        "from like_keras_core.testing.components import Count\n"
        "System([Count()], name='bare').launch(iterations=10**9)\n"
    )

    assert "bare on native: 2 ticks" in lk("launch", "bare.py", "--iterations=2").out


FUZZ = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@FUZZ
@given(content=st.binary(max_size=300), suffix=st.sampled_from(["", ".json", ".py"]))
def test_random_bytes_never_show_a_traceback(
    lk: Lk, content: bytes, suffix: str
) -> None:
    """Whatever a file holds, the answer is an error and a code."""
    name = f"fuzz{abs(hash(content))}{suffix}"
    Path(name).write_bytes(content)

    result = lk("launch", name, "--iterations", "1")

    assert result.code in (1, 2)
    assert "Traceback" not in result.err
    assert result.err.startswith("error: ")
    os.unlink(name)


@FUZZ
@given(target=st.text(max_size=30))
def test_random_targets_never_show_a_traceback(lk: Lk, target: str) -> None:
    """Whatever is typed."""
    result = lk("validate", "--", target)

    assert "Traceback" not in result.err
    assert result.code in (0, 1, 2)


@FUZZ
@given(data=st.data())
def test_mutated_specs_never_show_a_traceback(lk: Lk, data: st.DataObject) -> None:
    """A saved system with any one value replaced runs, or is refused in words."""
    spec = System([Count(), Scale()]).to_spec().to_dict()
    spec = json.loads(json.dumps(spec))
    place = spec
    while True:
        keys = list(range(len(place))) if isinstance(place, list) else sorted(place)
        key = data.draw(st.sampled_from(keys))
        inside = place[key]
        if not isinstance(inside, (dict, list)) or not inside:
            values = (
                st.none() | st.integers() | st.text(max_size=9) | st.lists(st.none())
            )
            place[key] = data.draw(values)
            break
        place = inside
    Path("mutated.json").write_text(json.dumps(spec))

    result = lk("launch", "mutated.json", "--iterations", "1")

    assert "Traceback" not in result.err
    assert result.code in (0, 1, 2, 3, 4)
