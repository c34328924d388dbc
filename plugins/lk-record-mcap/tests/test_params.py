"""Parameters: of every type on every engine, recorded and set again by a replay."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from every_type import TYPED, WANTED, Every, make  # type: ignore[import-not-found]

from like_keras_core import Node, System
from like_keras_core.cli.main import main
from like_keras_core.errors import LkWarning
from like_keras_core.testing import same
from like_keras_core.testing.components import Count, Scale
from lk_record_mcap import Recording, replay

TARGET = "every_type:every"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:ROS cannot hold")
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("engine", "needs"),
    [
        ("native", "lk_engine_native"),
        ("dora", "lk_engine_dora"),
        ("ros2", "rclpy"),
    ],
)
def test_every_type_is_set_on_every_engine(engine: str, needs: str) -> None:
    """The component is made alike, and the recording can be replayed anywhere."""
    if find_spec(needs) is None:
        pytest.skip(f"needs {needs}")
    wanted = make().launch(2, params=WANTED, record="every.output")

    words = [word for text in TYPED for word in ("--set", text)]
    command = ["record", TARGET, "-o", "run.mcap", "--iterations", "2"]
    assert main([*command, "--engine", engine, "--timeout-s", "60", *words]) == 0

    recording = Recording("run.mcap")
    sent = recording.values("every.output")
    assert [str(x) for _, x in sent] == [
        str(x) for _, x in wanted.records["every.output"]
    ]
    assert recording.spec == make().with_params(WANTED).to_spec()
    assert recording.params["every.mode"] == "SLOW"
    assert replay(recording, make(), only=["every"]).is_equal
    assert same(dict(make().with_params(recording.params).launch(1).params), WANTED)


@pytest.mark.filterwarnings("ignore::like_keras_core.errors.LkWarning")
def test_the_addresses_are_those_of_ros(tmp_path: Path) -> None:
    """What is in the package's params.yaml can be set by the same address."""
    yaml = pytest.importorskip("yaml")
    pytest.importorskip("lk_engine_ros2_stub")
    system = make().with_params(WANTED)
    system.compile(engine="ros2", build_dir=tmp_path)

    (path,) = tmp_path.rglob("params.yaml")
    (found,) = yaml.safe_load(path.read_text()).values()

    assert found["ros__parameters"]["every"]["config"]["gain"] == 7.0
    assert system.with_params(found["ros__parameters"]).to_spec() == system.to_spec()


def robot() -> System:
    return System([Count(), Scale()])


def test_a_replay_sets_what_was_set(capsys: pytest.CaptureFixture[str]) -> None:
    """Once; and what is set for the replay counts more."""
    robot().launch(5, params={"scale.config.factor": 5}, record_to="run.mcap")
    recording = Recording("run.mcap")

    assert recording.params == {"scale.config.factor": 5}
    assert replay(recording, robot()).is_equal
    assert replay(recording, robot().with_params(recording.params)).is_equal
    other = robot().with_params({"scale.config.factor": 3})
    assert not replay(recording, other).is_equal


def test_what_does_not_fit_any_more_is_warned_of() -> None:
    """The code has changed since."""
    params = {"scale.config.factor": 2, "count.start": 0}
    robot().launch(5, params=params, record_to="run.mcap")
    recording = Recording("run.mcap")
    recording.params["scale.config.gone"] = 3

    with pytest.warns(LkWarning, match="Not set again.*has no field 'gone'"):
        found = replay(recording, robot())

    assert found.is_equal


def test_damaged_parameters_are_refused(tmp_path: Path) -> None:
    """A run without any has none in its recording."""
    robot().launch(2, record_to="run.mcap")

    assert Recording("run.mcap").params == {}
    assert "params" not in Recording("run.mcap").metadata["options"]


def test_a_node_of_its_own_keeps_what_is_set(reference: str) -> None:
    """The process of a node makes the component with it."""
    system = make(Node("far")).with_params({"every.count": 4})

    report = system.launch(1, engine=reference, record="every.output")

    ((_, sent),) = report.records["every.output"]
    assert ("count", "int", "4") in sent[0]
    assert isinstance(system.components[0], Every)
