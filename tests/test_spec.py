"""Specs: frozen, JSON both ways, with a digest that means the same everywhere."""

import copy
import dataclasses
import json
import operator
import os
import re
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import like_keras_core as lk
from like_keras_core import Component, Node, System, SystemSpec
from like_keras_core.graph.checks import check
from like_keras_core.spec import SPEC_VERSION, DelaySpec, NodeSpec, PortSpec, as_spec
from like_keras_core.testing.components import Count, Odd, Scale, Sum

GOLDEN = Path(__file__).parent / "golden"


def make_system() -> System:
    """Return a system that has one of everything that a spec can say."""
    jetson = Node("jetson", machine="10.0.0.2", engine="dora", cpu_affinity=[0, 1])
    count, odd = Count(start=1, every=2, name="count"), Odd(node=jetson)
    scale, add = Scale(config=Scale.Config(factor=3)), Sum(node=jetson)
    odd.inputs.value.policy = "hold"
    odd(count())
    scale(add.outputs.output.delay(initial=10**40))
    add(a=scale(), b=count())
    return System([count, scale, add, System([odd], name="inner")], rate_hz=30)


def test_a_spec_survives_json() -> None:
    """Reading back what was written gives an equal spec with an equal digest."""
    spec = make_system().to_spec()

    again = SystemSpec.from_json(spec.to_json())

    assert again == spec
    assert again.digest() == spec.digest()


def test_the_spec_is_the_golden_one() -> None:
    """The file and the digest are the same on every Python version."""
    spec = make_system().to_spec()

    assert spec.to_json() + "\n" == (GOLDEN / "everything.json").read_text()
    assert spec.digest() == (GOLDEN / "everything.digest").read_text().strip()


def test_ports_are_found_by_address() -> None:
    """A component says its ports' addresses, a system finds the ports by them."""
    spec = make_system().to_spec()
    odd = spec.component("inner.odd")

    assert odd.address_of(odd.inputs[0]) == "inner.odd.value"
    assert spec.inputs()["inner.odd.value"] is odd.inputs[0]
    assert list(spec.outputs()) == [
        f"{name}.output" for name in ("count", "scale", "sum", "inner.odd")
    ]


def test_a_connection_says_its_two_components() -> None:
    """The address up to the port's name, in a subsystem too."""
    ends = {
        (item.producer, item.consumer) for item in make_system().to_spec().connections
    }

    assert ("count", "inner.odd") in ends


def test_a_connection_to_no_port_is_answered_with_the_nearest() -> None:
    """As wherever else an address is not a port's."""
    spec = System([Count(), Scale()]).to_spec()
    wrong = dataclasses.replace(spec.connections[0], target="scale.valu")

    issues = check(dataclasses.replace(spec, connections=(wrong,)))

    assert issues[0] == (
        "There is no input port 'scale.valu' for 'count.output -> scale.valu'. "
        "Did you mean 'scale.value'?"
    )


def test_the_digest_is_the_same_in_another_process() -> None:
    """Hash randomisation does not reach it."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "import test_spec; print(test_spec.make_system().to_spec().digest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.strip()
        for seed in ("1", "2")
    }

    assert digests == {make_system().to_spec().digest()}


def test_a_spec_is_frozen() -> None:
    """Nobody changes what engines compile from."""
    spec = make_system().to_spec()

    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.name = "other"  # type: ignore[misc]


def frozen_parts() -> list[Any]:
    """Return each kind of data inside a spec."""
    spec = System([Count(start=[1, {"a": [2]}])]).to_spec()  # type: ignore[arg-type]
    config: Any = spec.components[0].config
    node: Any = NodeSpec(name="jetson", options={"cpus": [0, 1]})
    port: Any = PortSpec(name="image", options={"queue": {"size": 1}})
    delay: Any = DelaySpec(initial={"$tuple": [1, 2]})
    return [
        *(config, config["start"], config["start"][1], config["start"][1]["a"]),
        *(node.options, node.options["cpus"], port.options, port.options["queue"]),
        *(delay.initial, delay.initial["$tuple"], PortSpec(name="x").options),
    ]


@pytest.mark.parametrize("part", frozen_parts(), ids=repr)
def test_a_spec_is_frozen_all_the_way_down(part: Any) -> None:
    """No method of a dict or list inside changes it; the error says what to do."""
    key: Any = "new" if isinstance(part, dict) else 0
    before = repr(part)

    changes: list[Callable[[], object]] = [
        lambda: operator.setitem(part, key, 1),
        lambda: operator.delitem(part, key),
        part.clear,
        lambda: part.pop(key),
    ]
    if isinstance(part, dict):
        changes += [
            lambda: operator.ior(part, {"new": 1}),
            lambda: part.update(new=1),
            lambda: part.setdefault("new", 1),
            part.popitem,
        ]
    else:
        changes += [
            lambda: operator.iadd(part, [1]),
            lambda: operator.imul(part, 2),
            lambda: part.append(1),
            lambda: part.extend([1]),
            lambda: part.insert(0, 1),
            lambda: part.remove(part[0]),
            part.reverse,
            part.sort,
        ]

    for change in changes:
        with pytest.raises(TypeError, match=r"SystemSpec\.from_dict\(data\)"):
            change()
    assert repr(part) == before


def test_what_a_spec_is_made_of_may_change_afterwards() -> None:
    """It keeps a copy, and gives one."""
    options: dict[str, Any] = {"cpus": [0]}
    spec = SystemSpec(nodes=(NodeSpec(name="a", options=options),))
    digest = spec.digest()

    options["cpus"].append(1)
    spec.to_dict()["nodes"][0]["options"]["cpus"].append(1)
    Node.from_spec(spec.nodes[0]).options["cpus"].append(1)

    assert spec.digest() == digest
    assert spec.nodes[0].options == {"cpus": [0]}


def test_equal_specs_are_one_key() -> None:
    """However they were made: lowered, read, copied, or with numbers that are equal."""
    spec = make_system().to_spec()
    data = spec.to_dict()
    data["components"][1]["config"] = {"factor": 3.0}
    same = SystemSpec.from_dict(data)
    data["components"][1]["config"] = {"factor": 3}

    assert len({spec, SystemSpec.from_json(spec.to_json()), copy.deepcopy(spec)}) == 1
    assert len({same, SystemSpec.from_dict(data)}) == 1
    assert len({same, spec}) == 2


def test_a_spec_survives_the_copies_of_the_standard_library() -> None:
    """`dataclasses`, `copy` and what `multiprocessing` does give an equal spec."""
    component = make_system().to_spec().components[0]

    for copied in (
        copy.copy(component),
        copy.deepcopy(component),
        ForkingPickler.loads(ForkingPickler.dumps(component)),
        dataclasses.replace(component, every=component.every),
    ):
        assert copied == component
        assert type(copied.config) is type(component.config)
    assert dataclasses.asdict(component)["config"] == component.config


def test_a_spec_that_is_too_deep_is_refused() -> None:
    """JSON can be deeper than what Python can walk."""
    data = make_system().to_spec().to_dict()
    for _ in range(5000):
        data["components"][0]["config"] = {"start": data["components"][0]["config"]}

    with pytest.raises(lk.SpecError, match="nested too deeply"):
        SystemSpec.from_dict(data)


def test_a_newer_version_says_what_to_upgrade() -> None:
    """The error names both versions and the command."""
    data = {**make_system().to_spec().to_dict(), "version": SPEC_VERSION + 1}

    with pytest.raises(lk.SpecVersionError, match="pip install --upgrade"):
        SystemSpec.from_dict(data)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"nodes": 3}, "'nodes' must be list, got 3"),
        ({"rate_hz": "fast"}, "'rate_hz' must be float"),
        ({"rate_hz": 10**400}, "'rate_hz' must be a finite number, got 1000"),
        ({"rate_hz": float("inf")}, "'rate_hz' must be a finite number, got inf"),
        ({"rate_hz": float("nan")}, "'rate_hz' must be a finite number, got nan"),
        ({"components": [{}]}, r"components\[0\]: the field 'name' is missing"),
        ({"extra": 1}, "unknown field 'extra'"),
        ({"version": True}, "'version' must be int"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place(
    change: dict[str, Any], match: str
) -> None:
    """Field, expectation and what came."""
    data = {**make_system().to_spec().to_dict(), **change}

    with pytest.raises(lk.SpecError, match=match):
        SystemSpec.from_dict(data)


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity"])
def test_a_number_that_is_not_finite_is_refused_in_a_file(number: str) -> None:
    """Wherever it stands: nothing could be written with it again."""
    text = make_system().to_spec().to_json()

    for key in ("rate_hz", "machine", "config"):
        changed = re.sub(rf'"{key}": [^,\n]*', f'"{key}": {number}', text, count=1)
        with pytest.raises(lk.SpecError, match=f"{number} is not a finite number"):
            SystemSpec.from_json(changed)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "[" * 100_000])
def test_what_is_no_spec_is_refused(text: str) -> None:
    """Whatever it is."""
    with pytest.raises(lk.SpecError):
        SystemSpec.from_json(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(data=st.data())
def test_a_mutated_spec_is_read_or_refused(data: st.DataObject) -> None:
    """Any value in any place gives a spec or a SpecError, nothing else."""
    spec = json.loads(make_system().to_spec().to_json())
    place: Any = spec
    while True:
        keys = range(len(place)) if isinstance(place, list) else sorted(place)
        key = data.draw(st.sampled_from(list(keys)))
        inside = place[key]
        if (
            not isinstance(inside, (dict, list))
            or not inside
            or data.draw(st.booleans())
        ):
            place[key] = data.draw(JSON)
            break
        place = inside

    try:
        read = SystemSpec.from_dict(spec)
    except lk.SpecError:
        return

    assert SystemSpec.from_json(read.to_json()) == read


def test_as_spec_takes_systems_and_specs() -> None:
    """And nothing else."""
    system = make_system()

    assert as_spec(system) == as_spec(as_spec(system))
    with pytest.raises(TypeError, match="Expected a System or a SystemSpec"):
        as_spec(3)  # type: ignore[arg-type]


def test_a_saved_system_launches_where_its_code_is(tmp_path: Path) -> None:
    """Loaded, it has the same spec and gives the same records."""
    count, scale, odd = Count(limit=9), Scale(config=Scale.Config(3)), Odd()
    system = System([count, scale, odd], name="robot")
    path = system.save(tmp_path / "robot.json")

    loaded = System.load(path)

    assert loaded.to_spec() == system.to_spec()
    assert loaded.run(record="all").records == system.run(record="all").records


@pytest.mark.filterwarnings("ignore::like_keras_core.LkWarning")
def test_wiring_policies_and_delays_survive_saving(tmp_path: Path) -> None:
    """Everything that a spec says comes back."""
    system = make_system()

    loaded = System.load(system.save(tmp_path / "everything.json"))

    assert loaded.to_spec() == system.to_spec()
    first, second = (item.run(9, record="all").records for item in (system, loaded))
    assert first == second


def test_an_entry_point_that_is_no_component_is_not_called(tmp_path: Path) -> None:
    """A tampered file runs nothing."""
    data = System([Count()]).to_spec().to_dict()
    marker = tmp_path / "marker"
    data["components"][0]["entry_point"] = "pathlib:Path"
    data["components"][0]["config"] = {"marker": str(marker)}
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(data))

    with pytest.raises(lk.LoadError, match="not a Component; it was not called"):
        System.load(path)


@pytest.mark.parametrize(
    ("entry_point", "match"),
    [
        ("os:system", "not a class"),
        ("no_such_module_at_all:X", "Cannot import"),
        ("like_keras_core.testing.components:Nothing", "has no 'Nothing'"),
        ("missing.py:Camera", "Cannot find the script"),
        ("nonsense", "not an entry point"),
    ],
)
def test_an_entry_point_that_cannot_be_had_is_named(
    entry_point: str, match: str, tmp_path: Path
) -> None:
    """The error says what was looked for."""
    data = System([Count()]).to_spec().to_dict()
    data["components"][0]["entry_point"] = entry_point
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(data))

    with pytest.raises(lk.LoadError, match=match):
        System.load(path)


def test_an_allow_list_is_asked_before_anything_is_imported(tmp_path: Path) -> None:
    """A module prefix that is not listed is not imported."""
    path = System([Count()]).save(tmp_path / "robot.json")

    loaded = System.load(path, allow=["like_keras_core.testing"])
    assert loaded.components
    with pytest.raises(lk.NotAllowedError, match="--allow"):
        System.load(path, allow=["like_keras"])


def test_a_dataclass_in_a_config_is_under_the_allow_list_too(tmp_path: Path) -> None:
    """Classes of values are imported code as well."""
    data = System([Scale()]).to_spec().to_dict()
    data["components"][0]["inputs"][0]["required"] = False
    data["components"][0]["config"] = {"config": {"$dataclass": ["antigravity:X", {}]}}
    path = tmp_path / "robot.json"
    path.write_text(json.dumps(data))

    with pytest.raises(lk.NotAllowedError, match="antigravity"):
        System.load(path, allow=["like_keras_core"])


def test_arguments_that_do_not_fit_the_class_are_named(tmp_path: Path) -> None:
    """A file of another version of the code gives an error, not a TypeError."""
    data = System([Count()]).to_spec().to_dict()
    data["components"][0]["config"] = {"begin": 3}
    path = tmp_path / "robot.json"
    path.write_text(json.dumps(data))

    with pytest.raises(lk.ComponentError, match="takes no argument 'begin'"):
        System.load(path)


def test_the_initial_value_of_a_delay_is_under_the_allow_list_too(
    tmp_path: Path,
) -> None:
    """It may name a class like any other value."""
    scale = Scale()
    scale(scale.outputs.output.delay(initial=1))
    data = System([scale]).to_spec().to_dict()
    data["connections"][0]["delay"]["initial"] = {"$enum": ["antigravity:E", "A"]}
    path = tmp_path / "robot.json"
    path.write_text(json.dumps(data))

    with pytest.raises(lk.NotAllowedError, match="antigravity"):
        System.load(path, allow=["like_keras_core"])


@pytest.mark.parametrize("name", ["../evil.py:E", "/tmp/evil.py:E", "a.b/../evil.py:E"])
def test_a_script_is_not_named_by_a_path(name: str, tmp_path: Path) -> None:
    """A saved system cannot reach out of its folder."""
    data = System([Count()]).to_spec().to_dict()
    data["components"][0]["entry_point"] = name
    path = tmp_path / "robot.json"
    path.write_text(json.dumps(data))

    with pytest.raises(lk.LoadError, match="by its file name alone"):
        System.load(path, allow=None)


def test_names_that_could_steer_a_terminal_are_refused(tmp_path: Path) -> None:
    """Names are checked when they are read, too."""
    data = System([Count()]).to_spec().to_dict()
    data["components"][0]["name"] = "a\n\x1b[31m"
    path = tmp_path / "robot.json"
    path.write_text(json.dumps(data))

    with pytest.raises(lk.GraphError, match="cannot be a component's name"):
        System.load(path)


class Typed(Component):
    """Sends what numpy has a name for, which is an alias or not."""

    def forward(self) -> npt.NDArray[np.uint8]:
        return np.zeros(3, np.uint8)


def test_the_version_of_numpy_does_not_change_a_digest() -> None:
    """Since 2.5 `NDArray` is an alias of another kind."""
    spec = System([Typed()]).to_spec()

    assert spec.components[0].outputs[0].type == (
        "numpy.ndarray[numpy.dtype[numpy.uint8]]"
    )
