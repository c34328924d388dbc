"""Classes by name: modules, scripts, and what has no name."""

from pathlib import Path

import pytest

import like_keras_core as lk
from like_keras_core.testing.components import Count
from like_keras_core.values.class_refs import entry_point_of, resolve
from tests.run_python import run_python

SCRIPT = """
from like_keras_core import Component, System

class Camera(Component):
    def forward(self) -> int:
        return 1

class Show(Component):
    def forward(self, value: int) -> None:
        print("shown", value)

system = System([Camera(), Show()], name="robot")
print("before")
{call}
print("after")
"""


def run(folder: Path, *arguments: str, code: int = 0) -> str:
    """Run Python in a folder and return its output."""
    found, said = run_python(folder, *arguments)
    assert found == code, said
    return said


def write(folder: Path, call: str, name: str = "robot.py") -> Path:
    """Write a script."""
    path = folder / name
    path.write_text(SCRIPT.format(call=call))
    return path


def test_a_class_of_a_module_is_named_by_it() -> None:
    """And found again."""
    name = entry_point_of(Count)

    assert name == "like_keras_core.testing.components:Count"
    assert resolve(name) is Count


def test_a_class_inside_a_function_has_no_name() -> None:
    """The error says where to put it."""

    class Local:
        pass

    with pytest.raises(lk.NotSerializableError, match="inside a function"):
        entry_point_of(Local)


def test_a_script_is_named_by_its_file(tmp_path: Path) -> None:
    """Not by its folder, so that a saved system moves with its script."""
    write(tmp_path, "system.save('robot.json')")
    run(tmp_path, "robot.py")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    (tmp_path / "robot.json").rename(elsewhere / "robot.json")
    (tmp_path / "robot.py").rename(elsewhere / "robot.py")
    loading = "import like_keras_core as lk; s = lk.System.load('elsewhere/robot.json')"
    output = run(tmp_path, "-c", f"{loading}; s.run(1)")

    assert '"robot.py:Camera"' in (elsewhere / "robot.json").read_text()
    assert "shown 1" in output


@pytest.mark.parametrize(
    "call", ["system.launch(3)", "system.compile()", "system.save('x.json')"]
)
def test_an_unguarded_script_is_loaded_up_to_its_first_launch(
    call: str, tmp_path: Path
) -> None:
    """Loading does not launch, compile or save again."""
    path = write(tmp_path, call)
    code = (
        "import sys; from pathlib import Path;"
        "from like_keras_core.values.class_refs import load_script;"
        f"module, system = load_script(Path({str(path)!r}));"
        "print(system.name, hasattr(module, 'Camera'))"
    )

    output = run(tmp_path, "-c", code)

    assert "before" in output
    assert "after" not in output
    assert "shown" not in output
    assert "robot True" in output
    assert not (tmp_path / "x.json").exists()


def test_a_script_that_raises_is_named(tmp_path: Path) -> None:
    """With what it raised."""
    path = write(tmp_path, "raise RuntimeError('no camera')", "failing.py")

    with pytest.raises(lk.LoadError, match="raised RuntimeError: no camera"):
        resolve("failing.py:Camera", folders=[path.parent])


def test_the_same_spec_however_the_script_is_read(tmp_path: Path) -> None:
    """Run, or loaded by `lk`, its spec has one digest."""
    write(tmp_path, "print('digest', system.to_spec().digest())")
    code = (
        "from like_keras_core.cli.target import load_target;"
        "print('digest', load_target('robot.py').to_spec().digest())"
    )

    outputs = [run(tmp_path, "robot.py"), run(tmp_path, "-c", code)]

    digests = {
        line
        for output in outputs
        for line in output.splitlines()
        if line.startswith("digest")
    }
    assert len(digests) == 1


def test_a_class_typed_at_a_prompt_has_no_name(tmp_path: Path) -> None:
    """The reason and the way out are in the text."""
    code = SCRIPT.format(call="system.save('x.json')")

    output = run(tmp_path, "-c", code, code=1)

    assert "notebook cell or at a prompt" in output
    assert "Put it into a file and import it" in output
