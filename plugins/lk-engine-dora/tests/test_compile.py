"""What `compile` writes: read by people, accepted by dora, the same each time."""

import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from dora_parts import Frames, Show  # type: ignore[import-not-found]

import like_keras_core as lk
from like_keras_core import Node, System
from like_keras_core.graph.channels import channels_of
from like_keras_core.plugins.engine_registry import get_engine
from like_keras_core.spec import SystemSpec
from like_keras_core.testing.components import Count, Scale, Sum
from lk_engine_dora import DoraNode
from lk_engine_dora.checks import issues_of
from lk_engine_dora.dataflow import to_dataflow
from lk_engine_dora.edges import edges_of
from lk_engine_dora.local_paths import Places
from lk_engine_dora.yaml_writer import to_text

GOLDEN = Path(__file__).with_name("golden")


def one_node() -> System:
    return System([Count(), Scale()], name="alone")


def two_nodes() -> System:
    """One connection crosses, one does not."""
    sensors, planning = Node("sensors"), Node("planning")
    count, near, far = Count(node=sensors), Scale("near"), Scale("far")
    near.node, far.node = sensors, planning
    near(count())
    far(near())
    return System([count, near, far], name="two_nodes")


def fan_out() -> System:
    """One port has readers on two other nodes, and two on one of them."""
    count, left = Count(node=Node("hub")), Node("left")
    readers = [Scale(f"scale_{n}", node=left) for n in range(2)]
    readers.append(Scale("scale_2", node=Node("right")))
    for reader in readers:
        reader(count.outputs.output)
    return System([count, *readers], name="fan_out")


def loop() -> System:
    """Values go both ways between two nodes, one of them through a delay."""
    total, scale = Sum(node=Node("a")), Scale(node=Node("b"))
    first, second = list(total.inputs)
    count = Count(node=Node("a"))
    system = System([count, total, scale], name="loop")
    system.connect(count.outputs.output, first)
    system.connect(scale.outputs.output.delay(initial=0), second)
    system.connect(total.outputs.output, next(iter(scale.inputs)))
    return system


def machines() -> System:
    """One node here, one on a named machine, one on an address."""
    here = Node("desk", env={"MODE": "a $HOME", "LEVEL": 3}, working_dir="/")
    there = Node(
        "camera",
        machine="jetson",
        python="/opt/venv/bin/python",
        working_dir="/opt/robot",
        cpu_affinity=[2, 3],
        shared_memory_pool_size="64MB",
    )
    nuc = Node("arm", machine="192.168.1.11")
    count, near, far = Count(node=there), Scale("near"), Scale("far")
    near.node, far.node = here, nuc
    return System([count, near, far], name="machines")


def large_values() -> System:
    """Ports with `max_bytes`, one of them read by two nodes."""
    frames, near, far = Frames(node=Node("eye")), Show("near"), Show("far")
    near.node, far.node = Node("near"), Node("far")
    near(frames.outputs.image)
    far(frames.outputs.image)
    return System([frames, near, far], name="large_values")


def subsystem() -> System:
    """Addresses with dots."""
    inner = System([Count(node=Node("eye")), Scale()], name="perception")
    inner.children()[1].node = Node("brain-2")
    outer = Scale("decide", node=Node("arm_1"))
    outer(inner.children()[1].outputs.output)
    inner.connect("count.output", "scale.value")
    return System([inner, outer], name="subsystem")


def foreign() -> System:
    """dora nodes that are not ours, before and behind a component."""
    sender = DoraNode(
        "sender",
        "pyarrow-sender",
        args=["--data", "[1, 2]"],
        env={"PRICE": "$5"},
        outputs=["data"],
        build="pip install pyarrow-sender",
        ticks="count",
    )
    scale = Scale(node=Node("middle"))
    sink = DoraNode("check", "pyarrow-assert", inputs=["data"], machine="nuc")
    return System([sender, scale, sink], name="foreign")


SYSTEMS = [
    one_node,
    two_nodes,
    fan_out,
    loop,
    machines,
    large_values,
    subsystem,
    foreign,
]
EACH = pytest.mark.parametrize("make", SYSTEMS, ids=lambda make: make.__name__)


def text_of(spec: SystemSpec, places: Places) -> str:
    """Return a system's file, with a word for its digest."""
    errors = lk.issue.errors_in(issues_of(spec, places))
    # Where this machine finds code says nothing about the robot.
    assert not [issue for issue in errors if issue.code != "not-importable"]
    text = to_text(spec, to_dataflow(spec, places))
    return re.sub(r"(?<=LK_DIGEST: ).*", "DIGEST", text)


@EACH
def test_it_writes_what_is_in_the_golden_file(
    make: Callable[[], System], places: Places
) -> None:
    """`LK_GOLDEN=write pytest` writes them anew; then read what changed."""
    text = text_of(make().to_spec(), places)
    golden = GOLDEN / f"{make.__name__}.yaml"

    if os.environ.get("LK_GOLDEN") == "write":
        golden.write_text(text)
    assert golden.read_text() == text


@EACH
def test_dora_accepts_and_draws_each_file(
    make: Callable[[], System], tmp_path: Path, dora: Callable[..., str]
) -> None:
    """`dora validate --strict-types`, and every edge in `dora graph`."""
    system = make()

    path = system.compile(engine="dora", build_dir=tmp_path / "build")

    assert path is not None
    dora("validate", "--strict-types", path)
    drawn = dora("graph", "--mermaid", path)
    for edge in edges_of(system.to_spec()):
        name = edge.output
        if edge.input != name:
            name += f" as {edge.input}"
        assert f"{edge.start} -- {name} --> {edge.end}" in drawn


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    """A link in the build folder is replaced."""
    mine = tmp_path / "mine"
    mine.write_text("mine")
    build = tmp_path / "build"
    build.mkdir()
    for name in ("dataflow.yaml", "system.json"):
        (build / name).symlink_to(mine)

    get_engine("dora").compile(one_node(), build_dir=build)

    assert mine.read_text() == "mine"
    assert not any(path.is_symlink() for path in build.iterdir())


@EACH
def test_the_spec_lies_beside_it(make: Callable[[], System], tmp_path: Path) -> None:
    """Its digest stands in the file, so that the two are not mixed up."""
    spec = make().to_spec()

    path = get_engine("dora").compile(spec, build_dir=tmp_path)

    assert path == tmp_path / "dataflow.yaml"
    assert SystemSpec.from_json((tmp_path / "system.json").read_text()) == spec
    assert (
        yaml.safe_load(path.read_text())["env"]["LK_DIGEST"]
        == f"sha256:{spec.digest()}"
    )
    assert sorted(os.listdir(tmp_path)) == ["dataflow.yaml", "system.json"]


@EACH
def test_what_people_read_is_what_was_meant(
    make: Callable[[], System], places: Places
) -> None:
    """The text with its comments has exactly the data."""
    spec = make().to_spec()
    dataflow = to_dataflow(spec, places)

    assert yaml.safe_load(to_text(spec, dataflow)) == dataflow


@EACH
def test_every_channel_has_a_way_there_and_back(make: Callable[[], System]) -> None:
    """Frames of a channel have one output, and acknowledgements another."""
    spec = make().to_spec()
    edges = edges_of(spec)

    for channel in channels_of(spec):
        ways = [edge for edge in edges if channel.number in edge.channels]
        data, acks = ways
        assert (data.kind, acks.kind) == ("data", "acks")
        assert (data.producer, data.consumer) == (channel.producer, channel.consumer)
        assert (acks.producer, acks.consumer) == (channel.consumer, channel.producer)
    names = [(edge.end, edge.input) for edge in edges]
    assert len(set(names)) == len(names)


def test_values_that_stay_on_a_node_are_not_in_the_file(places: Places) -> None:
    """Only what crosses becomes an input or output."""
    text = text_of(two_nodes().to_spec(), places)

    assert "near.output.to.planning" in text
    assert "count.output" not in text


def test_ticks_can_be_given_by_taking_a_hash_away(places: Places) -> None:
    """`LK_ITERATIONS` stands in the file as a comment."""
    text = text_of(two_nodes().to_spec(), places)

    edited = yaml.safe_load(text.replace("# LK_ITERATIONS", "LK_ITERATIONS"))

    assert edited["env"]["LK_ITERATIONS"] == "100"


def test_a_run_on_this_machine_names_no_other(places: Places) -> None:
    """`dora run` refuses a file with `deploy`; what another machine has is left out."""
    dataflow = to_dataflow(machines().to_spec(), places, is_local_run=True)

    camera = next(node for node in dataflow["nodes"] if node["id"] == "camera")
    assert all("deploy" not in node for node in dataflow["nodes"])
    assert camera["path"] == places.interpreter
    assert "LK_WORKING_DIR" not in camera["env"]
    assert dataflow["env"]["PYTHONPATH"] == "/home/robot/src"


def test_a_window_sizes_queues_and_memory(places: Places) -> None:
    """At least 2 W + 16 messages a channel, and W + 4 values of the largest size."""
    dataflow = to_dataflow(large_values().to_spec(), places, window=100)

    eye, near, _ = dataflow["nodes"]
    assert near["inputs"]["frames.image"]["queue_size"] >= 2 * 100 + 16
    needed = 2 * (100 + 4) * (9 / 8) * (1 << 20)
    assert needed <= eye["shared_memory_pool_size"] <= 1.01 * needed


def test_small_values_leave_dora_its_memory(places: Places) -> None:
    """The pool is never made smaller than dora's own 8 MB."""
    frames, show = Frames(node=Node("eye")), Show(node=Node("screen"))
    frames.outputs.image.options = {"max_bytes": 100}
    show(frames.outputs.image)

    dataflow = to_dataflow(System([frames, show]).to_spec(), places)

    assert dataflow["nodes"][0]["shared_memory_pool_size"] == 8 << 20


def test_names_that_look_like_numbers_stay_names(
    tmp_path: Path, dora: Callable[..., str]
) -> None:
    """YAML's readers differ in what they take for a number."""
    nodes = [Node(name) for name in ("12", "0o17", "1_000", "true", "null", "0x1f")]
    system = System([Count(node=nodes[0]), *(Scale(node=node) for node in nodes[1:])])

    path = system.compile(engine="dora", build_dir=tmp_path)

    drawn = dora("graph", "--mermaid", path)
    assert all(f'"**{node.name}**"' in drawn for node in nodes)
    dora("validate", "--strict-types", path)


def test_values_of_the_environment_arrive_as_they_are_written(
    tmp_path: Path, dora: Callable[..., str]
) -> None:
    """dora expands variables in them, and refuses what it cannot expand."""
    values = {"A": "$HOME", "B": "$5 or ${NOT_SET}", "C": "100$", "D": "$$"}
    out = tmp_path / "seen.json"
    node = Node("main", env=values, python=str(tmp_path / "python"))
    (tmp_path / "python").write_text(
        f"#!{sys.executable}\nimport json, os, dora\n"
        f"open({str(out)!r}, 'w').write(json.dumps(dict(os.environ)))\ndora.Node()\n"
    )
    (tmp_path / "python").chmod(0o755)
    path = System([Count(node=node)]).compile(engine="dora", build_dir=tmp_path / "b")

    dora("run", path)

    seen = json.loads(out.read_text())
    assert {name: seen[name] for name in values} == values
    assert seen["LK_NODE"] == "main"
    assert seen["LK_SYSTEM"] == str(tmp_path / "b" / "system.json")


PROGRAM = """
import sys
from like_keras_core import Component, Node, System
from like_keras_core.testing.components import Count, Scale

class Double(Component):
    def forward(self, value: int) -> int:
        return 2 * value

left, right = Node("left", env={"B": "1", "A": "2"}), Node("right")
count, double, scale = Count(node=left), Double(node=right), Scale(node=left)
for reader in (double, scale):
    reader(count.outputs.output)
robot = System([count, double, scale], name="robot")

if __name__ == "__main__":
    print(robot.compile(engine="dora"))
"""


def run_program(
    folder: Path, *command: str, **env: str
) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        command,
        cwd=folder,
        env=kept | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def program(tmp_path: Path) -> Path:
    folder = tmp_path / "robot"
    folder.mkdir()
    (folder / "robot.py").write_text(textwrap.dedent(PROGRAM))
    return folder


def test_the_same_system_gives_the_same_bytes(program: Path) -> None:
    """Whatever the order of hashes in the process."""
    texts = set()
    for seed in ("1", "2", "77"):
        done = run_program(program, sys.executable, "robot.py", PYTHONHASHSEED=seed)
        assert done.stdout == ".lk_build/dora/dataflow.yaml\n", done.stderr
        folder = program / ".lk_build" / "dora"
        names = ("dataflow.yaml", "system.json")
        texts.add(tuple((folder / name).read_bytes() for name in names))

    assert len(texts) == 1


@pytest.mark.parametrize("target", ["robot.py", "robot:robot", "robot.json"])
def test_the_command_compiles(
    program: Path, target: str, dora: Callable[..., str]
) -> None:
    """`lk compile --engine dora`; the process finds the script by PYTHONPATH."""
    lk_command = str(Path(sys.executable).with_name("lk"))
    save = "import robot; robot.robot.save('robot.json')"
    run_program(program, sys.executable, "-c", save)

    done = run_program(program, lk_command, "compile", target, "--engine", "dora")

    assert done.stdout == ".lk_build/dora/dataflow.yaml\n", done.stderr
    path = program / ".lk_build" / "dora" / "dataflow.yaml"
    dora("validate", "--strict-types", path)
    found = yaml.safe_load(path.read_text())
    assert found["env"]["PYTHONPATH"] == str(program)
    assert found["env"]["LK_SYSTEM"] == str(path.with_name("system.json"))


def test_code_beside_a_saved_system_is_found(program: Path, tmp_path: Path) -> None:
    """Even from another folder, and although no entry of sys.path leads there."""
    save = "import robot; robot.robot.save('robot.json')"
    run_program(program, sys.executable, "-c", save)
    compile_it = (
        "from like_keras_core import System\n"
        f"system = System.load({str(program / 'robot.json')!r})\n"
        "print(system.compile(engine='dora'))"
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    done = run_program(elsewhere, sys.executable, "-c", compile_it)

    path = elsewhere / done.stdout.strip()
    assert path.is_file(), done.stderr
    path_entries = yaml.safe_load(path.read_text())["env"]["PYTHONPATH"].split(":")
    assert path_entries == [str(elsewhere), str(program)]


def test_importing_the_engine_is_light() -> None:
    """dora and pyarrow are imported where they are used."""
    code = (
        "import sys, lk_engine_dora; "
        "sys.exit(any(name in sys.modules for name in ('dora', 'pyarrow', 'yaml')))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
