"""A run is recorded alike on every engine, and replays on every one."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from robots import robot  # type: ignore[import-not-found]

from like_keras_core import Node, System, SystemSpec
from like_keras_core.testing import same
from lk_record_mcap import Difference, Recording, replay

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

GOLDEN = Path(__file__).with_name("golden")
NEEDS = {
    "native": ("lk_engine_native",),
    "dora": ("lk_engine_dora",),
    "ros2": ("lk_engine_ros2_stub", "rclpy"),
}
ENGINES = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            not all(map(find_spec, modules)), reason=f"needs {' and '.join(modules)}"
        ),
    )
    for name, modules in NEEDS.items()
]


@pytest.fixture(scope="module")
def recorded(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], Recording]]:
    """A run of a hundred ticks on an engine, recorded when it is first asked for."""
    folder: Path = tmp_path_factory.mktemp("recorded")
    found: dict[str, Recording] = {}

    def record(engine: str) -> Recording:
        if engine not in found:
            path = folder / f"{engine}.mcap"
            robot().launch(100, engine=engine, record_to=path, **patience(engine))
            found[engine] = Recording(path)
        return found[engine]

    with pytest.MonkeyPatch.context() as patch:
        # Engines keep things there, and dora asks uv for a Python.
        patch.setenv("HOME", str(folder))
        patch.setenv("UV_NO_CACHE", "1")
        yield record


def patience(engine: str) -> dict[str, Any]:
    """Return the options of a launch that should not wait for ever."""
    return {} if engine == "native" else {"timeout_s": 60}


@pytest.mark.parametrize("engine", ENGINES[1:])
def test_an_engine_records_what_native_does(
    engine: str, recorded: Callable[[str], Recording]
) -> None:
    """The recordings differ in the times alone."""
    one, two = recorded("native"), recorded(engine)

    assert (two.absent, two.counted, two.spec) == (one.absent, one.counted, one.spec)
    assert two.ports == one.ports
    assert [(x.tick, x.port) for x in two.messages()] == [
        (x.tick, x.port) for x in one.messages()
    ]
    for port in one.ports:
        assert same(one.values(port), two.values(port))


@pytest.mark.parametrize("replayed_on", ENGINES)
@pytest.mark.parametrize("recorded_on", ENGINES)
def test_a_recording_replays_on_every_engine(
    recorded_on: str, replayed_on: str, recorded: Callable[[str], Recording]
) -> None:
    """What comes out is what was recorded, wherever that was."""
    recording = recorded(recorded_on)

    found = replay(recording, robot(), engine=replayed_on, **patience(replayed_on))

    assert found.is_equal, found


@pytest.mark.parametrize("replayed_on", ENGINES)
@pytest.mark.parametrize("recorded_on", ENGINES)
def test_a_changed_output_is_found(
    recorded_on: str, replayed_on: str, recorded: Callable[[str], Recording]
) -> None:
    """By its tick and its port, with both values."""
    recording, changed = recorded(recorded_on), robot(wrong_at=57)
    value = dict(recording.values("mean.output"))[57]

    found = replay(recording, changed, engine=replayed_on, **patience(replayed_on))

    assert found.difference == Difference(
        tick=57, port="mean.output", recorded=value, replayed=value + 1
    )


@pytest.mark.skipif(
    not all(map(find_spec, ("lk_engine_dora", "lk_engine_ros2_stub"))),
    reason="needs lk_engine_dora and lk_engine_ros2_stub",
)
def test_a_system_saved_long_ago_loads() -> None:
    """What a file names is found where the file says, wherever it stands now."""
    path = GOLDEN / "foreign_nodes.json"

    system = System.load(path)

    components = {component.name: component for component in system.components}
    kinds = {name: type(item).__name__ for name, item in components.items()}
    assert kinds == {
        "state": "RosTopic",
        "camera": "DoraNode",
        "scale": "Scale",
        "sink": "DoraNode",
        "placed": "Placed",
    }
    assert vars(components["placed"])["home"] == Node("arm", "jetson", env={"A": "1"})
    assert [port.name for port in components["camera"].outputs] == ["data"]
    assert system.to_spec().name == "foreign_nodes"


def test_a_spec_saved_long_ago_is_unchanged() -> None:
    """Its text and its digest stay the same."""
    text = (GOLDEN / "foreign_nodes.json").read_text()

    spec = SystemSpec.from_json(text)

    assert spec.to_json() + "\n" == text
    assert spec.digest() == (GOLDEN / "foreign_nodes.digest").read_text().strip()
