"""`--set`, `--params`, `--arg` and `lk params`, as a user types them."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from every_type import FILE, TYPED, WANTED, make  # type: ignore[import-not-found]
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from like_keras_core.cli.main import main
from like_keras_core.cli.param_file import read_params

pytest.importorskip("yaml")

ROBOT = """
from every_type import Mode, make  # type: ignore[import-not-found]
from like_keras_core import System

robot = make()

def indoor(mode: Mode, count: int = 1, *, path: str = "") -> System:
    return make().with_params({"every.mode": mode, "every.count": count})

class Own(System):
    def __init__(self, size: tuple[int, ...] = ()) -> None:
        super().__init__(make().children())
        self.size = size
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
    (tmp_path / "robot.yaml").write_text(FILE)

    def run(*arguments: str) -> Result:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(list(arguments))
            except SystemExit as error:
                code = int(error.code or 0)
        return Result(code, out.getvalue(), err.getvalue())

    return run


def sets(*texts: str) -> list[str]:
    return [word for text in texts for word in ("--set", text)]


def spec_of(lk: Lk, *words: str) -> str:
    result = lk("graph", "robot.py:robot", "--json", *words)
    assert result.code == 0, result.err
    return result.out


def test_flags_files_and_python_say_the_same(lk: Lk) -> None:
    """Of every type; so does what `lk params --yaml` writes."""
    wanted = json.loads(make().with_params(WANTED).to_spec().to_json())

    typed = spec_of(lk, *sets(*TYPED))
    filed = spec_of(lk, "--params", "robot.yaml")
    Path("whole.yaml").write_text(
        lk("params", "robot.py:robot", "--yaml", *sets(*TYPED)).out
    )
    whole = spec_of(lk, "--params", "whole.yaml")

    assert typed == filed
    assert (
        json.loads(typed)["components"][0]["config"]
        == wanted["components"][0]["config"]
    )
    report = json.loads(
        lk("launch", "robot.py:robot", "--iterations=1", "--json", "--record=all",
           "--params=whole.yaml").out
    )  # fmt: skip
    again = json.loads(
        lk("launch", "robot.py:robot", "--iterations=1", "--json", "--record=all",
           *sets(*TYPED)).out
    )  # fmt: skip
    assert report["records"] == again["records"]
    assert report["params"]["every.mode"] == again["params"]["every.mode"] == "SLOW"
    assert json.loads(whole)["name"] == "system"


def test_flags_count_more_than_files_and_later_ones_more(lk: Lk) -> None:
    """A file counts more than the script."""
    Path("a.yaml").write_text("every: {count: 2, label: a}\n")
    Path("b.json").write_text('{"every.count": 3}')
    words = ["--set=every.config.gain=1", "--params=a.yaml", "--params=b.json"]

    found = lk(
        "params", "robot.py:robot", "--json", *words, *sets("every.config.gain=2")
    )

    values = {x["address"]: x["value"] for x in json.loads(found.out)["parameters"]}
    assert values["every.count"] == 3
    assert values["every.label"] == "a"
    assert values["every.config.gain"] == 2.0


def test_parameters_are_listed(lk: Lk) -> None:
    """With type, default, value, unit and meaning."""
    result = lk("params", "robot.py:robot", *sets("every.gain=5"))

    line = next(x for x in result.out.splitlines() if x.startswith("every.gain "))
    assert line.split()[:5] == ["every.gain", "float", "0.5", "5.0", "m/s"]
    assert line.endswith("How much [m/s], at most 9.")
    found = json.loads(lk("params", "robot.py:robot", "--json").out)
    assert found["parameters"][-3] == {
        "address": "every.config.lens.focal",
        "type": "float",
        "default": 1.0,
        "needed": False,
        "value": 1.0,
        "unit": "",
        "doc": "",
    }
    assert lk("params", "robot.py:robot", "--json", "--yaml").code == 2


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--set", "gain"], "--set takes ADDRESS=VALUE"),
        (["--set", "=5"], "--set takes ADDRESS=VALUE"),
        (["--set", "evry.gain=5"], "Did you mean 'every.gain'?"),
        (["--set", "every.gian=5"], "Did you mean 'every.gain'?"),
        (["--set", "every=5"], "'every' is not an argument"),
        (["--set", "every.gain.x=5"], "'every.gain' has no fields"),
        (["--set", 'every.limits={"a":1,"a":2}'], "'a' comes twice"),
        (["--set", "every.gain=1e999"], "takes float; got '1e999' (str)"),
        (["--set", "every.count=" + "9" * 5000], "'every.count' takes int"),
        (["--set", "every.limits=" + "[" * 90000], "every.limits"),
        (["--set", "every" + ".x" * 5000 + "=1"], "every"),
        (["--params", "none.yaml"], "No such file"),
        (["--params", "."], "Is a directory"),
        (["--arg", "mode=SLOW"], "is a system, and not a function"),
    ],
    ids=lambda item: str(item)[:30],
)
def test_bad_input_has_one_clear_line(lk: Lk, words: list[str], text: str) -> None:
    """And the exit code of wrong usage."""
    result = lk("validate", "robot.py:robot", *words)

    assert result.code == 2
    assert text in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            b"every:\n  gain: 1\n  gain: 2\n",
            "line 3: the key 'gain' stands",
        ),
        (b"every:\n  gain: high\n", "file.yaml, line 2: 'every.gain' takes float"),
        (
            b"every:\n  config:\n    gain: no\n",
            "line 3: 'every.config.gain'",
        ),
        (b"every: {gain: 1}\nevery.gain: 2\n", "line 2: 'every.gain' is set twice"),
        (b"every: [\n", "line 2, column 1"),
        (b"- 1\n", "expected a mapping"),
        (b"every: {gain: !!python/object:os.system 1}", "is not plain data"),
        (b"every: &a {limits: *a}", "nested too deeply"),
        (b"? [1]\n: 2\n", "a key is one word"),
        (b"1: 2\n", "is a string; got 1"),
        (b"\xff\xfe\x00", "is not text in UTF-8"),
        (b"a: \x00", "it is not YAML"),
        (b"[" * 100000, "nested too deeply"),
        (b"every: {count: " + b"9" * 5000 + b"}", "cannot be read as int"),
        (b"every: {gain: 1e999}", "cannot be read as float"),
        (b"a: 1\n---\nb: 2\n", "file.yaml"),
        (b"#" * (2**24 + 1), "more than 16 MiB"),
    ],
    ids=lambda item: str(item)[:30],
)
def test_bad_files_have_one_clear_line(lk: Lk, text: bytes, said: str) -> None:
    """With the line of the file, where it is one."""
    Path("file.yaml").write_bytes(text)

    result = lk("validate", "robot.py:robot", "--params", "file.yaml")

    assert result.code == 2
    assert said in result.err
    assert "Traceback" not in result.err


def test_anchors_do_not_explode(lk: Lk) -> None:
    """A thousand million values in ten lines are refused."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]" for n in range(9)]
    Path("file.yaml").write_text("\n".join(lines))

    result = lk("validate", "robot.py:robot", "--params", "file.yaml")

    assert (result.code, "too many values" in result.err) == (2, True)


def test_an_empty_file_sets_nothing(lk: Lk) -> None:
    """Nor does one with comments alone."""
    Path("file.yaml").write_text("# nothing\n")

    assert lk("validate", "robot.py:robot", "--params", "file.yaml").code == 0


def test_scalars_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    """No word becomes a boolean, no zero an octal, no colon a minute."""
    path = tmp_path / "file.yaml"
    path.write_text(
        "on: on\nno: 1:30\noct: 010\nexp: 1e3\nday: 2026-01-01\nhex: 0x10\n"
        "inf: -.inf\nnull_: ~\nstr: !!str 5\nmerge: {<<: 1}\n"
    )

    values = read_params(str(path)).values

    assert dict(values) == {
        "on": "on", "no": "1:30", "oct": 10, "exp": 1000.0, "day": "2026-01-01",
        "hex": 16, "inf": float("-inf"), "null_": None, "str": "5", "merge": {"<<": 1},
    }  # fmt: skip
    assert values.lines["exp"] == 4  # type: ignore[attr-defined]


def test_a_factory_takes_arguments(lk: Lk) -> None:
    """Checked by its annotations, before it is called."""
    words = ["--arg", "mode=SLOW", "--arg", "count=7"]

    found = json.loads(lk("params", "robot.py:indoor", "--json", *words).out)

    values = {x["address"]: x["value"] for x in found["parameters"]}
    assert (values["every.mode"], values["every.count"]) == ("SLOW", 7)
    assert lk("validate", "robot.py:Own", "--arg", "size=[1,2]").code == 0


@pytest.mark.parametrize(
    ("target", "words", "text"),
    [
        ("robot.py:indoor", [], "needs mode. Write: --arg mode=VALUE, where VALUE is"),
        ("robot.py:indoor", ["--arg", "mode"], "--arg takes NAME=VALUE"),
        ("robot.py:indoor", ["--arg", "mode=UP"], "takes Mode, one of 'FAST', 'SLOW'"),
        ("robot.py:indoor", ["--arg", "mod=SLOW"], "Did you mean 'mode'?"),
        ("robot.py:Own", ["--arg", "size=x"], "takes tuple[int, ...]; got 'x' (str)"),
        ('robot.py:indoor("x")', [], "robot.py:indoor --arg mode=x"),
        ("robot.py:indoor(count=3)", [], "robot.py:indoor --arg count=3"),
    ],
)
def test_a_factory_refuses_others(
    lk: Lk, target: str, words: list[str], text: str
) -> None:
    """By name, with what to write."""
    result = lk("validate", target, *words)

    assert result.code == 2
    assert text in result.err


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=10,
)
NAMES = st.sampled_from([*WANTED, "every", "every.config", "x", "every.config.x"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NAMES, JSON | st.text(max_size=30))
def test_no_value_gives_a_traceback(lk: Lk, address: str, value: object) -> None:
    """Whatever is set, and whether it is JSON."""
    text = value if isinstance(value, str) else json.dumps(value)

    result = lk("validate", "robot.py:robot", "--set", f"{address}={text}")

    assert result.code in (0, 2)
    assert "Traceback" not in result.err
    assert "Where: lk --debug" not in result.err


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
@example(None)
def test_no_damaged_file_gives_a_traceback(lk: Lk, data: st.DataObject | None) -> None:
    """Bytes that are cut, changed, put in or taken out; or any at all."""
    good = FILE.encode()
    if data is not None:
        start = data.draw(st.integers(0, len(good)))
        length = data.draw(st.integers(0, 40))
        noise = st.binary(max_size=20) | st.sampled_from(
            [
                b"{",
                b"[",
                b"*a",
                b"&a",
                b"!!",
                b"\t",
                b"%",
                b"|",
                b"---\n",
                b"? ",
                b"\x00",
            ]
        )
        good = good[:start] + data.draw(noise) + good[start + length :]
    Path("file.yaml").write_bytes(good)

    result = lk("validate", "robot.py:robot", "--params", "file.yaml")

    assert result.code in (0, 2)
    assert "Traceback" not in result.err
    assert "Where: lk --debug" not in result.err
