"""`DoraNode`: a component that stands for a dora node which is not ours."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import yaml

import like_keras_core as lk
from like_keras_core import Node, System
from like_keras_core.spec import SystemSpec
from like_keras_core.testing.components import Count, Scale
from lk_engine_dora import DoraNode
from lk_engine_dora.dataflow import to_dataflow
from lk_engine_dora.external_nodes import Foreign, foreign_nodes, shows_numpy
from lk_engine_dora.local_paths import Places


def robot() -> System:
    camera = DoraNode(
        "camera",
        "opencv-video-capture",
        args=["--size", "640 480"],
        env={"CAPTURE_PATH": 0, "NAME": "$cam"},
        outputs=["image", "pose"],
        machine="192.168.1.4",
        build="pip install opencv-video-capture",
        ticks="count",
    )
    scale = Scale(node=Node("ours"))
    sink = DoraNode("sink", "dora-echo", args="--quiet", inputs=["data", "again"])
    scale(camera.outputs.image)
    system = System([camera, scale, sink])
    system.connect("scale.output", "sink.data")
    system.connect("camera.pose", "sink.again")
    return system


def test_its_ports_are_what_it_was_given() -> None:
    """Each instance has its own."""
    one = DoraNode("one", "a", inputs=["x", "y"], outputs=["z"])
    other = DoraNode("other", "b", inputs=["u"])

    assert [port.address for port in one.inputs] == ["one.x", "one.y"]
    assert [port.address for port in one.outputs] == ["one.z"]
    assert [port.name for port in other.inputs] == ["u"]
    assert len(other.outputs) == 0


def test_it_is_a_node_of_its_own() -> None:
    """With its own name, on its machine, for dora."""
    camera = DoraNode("camera", "a", machine="jetson")

    assert camera.node == Node("camera", machine="jetson", engine="dora")
    assert robot().validate() == []


def test_it_is_wired_to_the_process_beside_it(places: Places) -> None:
    """Its ports are inputs and outputs of the file under their own names."""
    dataflow = to_dataflow(robot().to_spec(), places)

    nodes = {node["id"]: node for node in dataflow["nodes"]}
    assert list(nodes) == ["camera", "camera.host", "ours", "sink", "sink.host"]
    assert nodes["camera"] == {
        "id": "camera",
        "path": "opencv-video-capture",
        "args": "--size '640 480'",
        "build": "pip install opencv-video-capture",
        "env": {"CAPTURE_PATH": 0, "NAME": "$$cam"},
        "deploy": {"machine": "camera"},
        "inputs": {"lk-ended": {"source": "camera.host/lk-ended", "queue_size": 1}},
        "outputs": ["image", "pose"],
    }
    host = nodes["camera.host"]
    assert host["deploy"] == {"machine": "camera"}
    assert host["env"]["LK_NODE"] == "camera"
    assert host["inputs"]["camera.image"]["source"] == "camera/image"
    assert nodes["sink"]["args"] == "--quiet"
    sources = {name: item["source"] for name, item in nodes["sink"]["inputs"].items()}
    assert sources == {"data": "sink.host/sink.data", "again": "sink.host/sink.again"}
    assert nodes["sink"]["outputs"] == ["lk-ended"]


def test_the_process_beside_it_has_its_channels(places: Places) -> None:
    """Everything else is between processes of ours."""
    dataflow = to_dataflow(robot().to_spec(), places)

    nodes = {node["id"]: node for node in dataflow["nodes"]}
    source = nodes["ours"]["inputs"]["camera.image"]["source"]
    assert source == "camera.host/camera.image.to.ours"
    assert nodes["ours"]["outputs"] == [
        "scale.output.to.sink",
        "acks-to-camera",
        "lk-wake",
    ]
    assert nodes["sink.host"]["inputs"]["scale.output"]["source"] == (
        "ours/scale.output.to.sink"
    )
    assert nodes["sink.host"]["inputs"]["camera.pose"]["source"] == (
        "camera.host/camera.pose.to.sink"
    )


def test_names_may_be_those_of_its_inputs_and_outputs(places: Places) -> None:
    """As `dora-echo` has them."""
    count, last = Count(node=Node("a")), Scale(node=Node("b"))
    echo = DoraNode(
        "echo", "dora-echo", inputs=["data"], outputs=["data"], ticks="count"
    )
    echo(count())
    last(echo.outputs.data)

    dataflow = to_dataflow(System([count, echo, last]).to_spec(), places)

    node, host = dataflow["nodes"][1:3]
    assert (node["id"], host["id"]) == ("echo", "echo.host")
    assert node["inputs"]["data"]["source"] == "echo.host/echo.data"
    assert host["inputs"]["echo.data"]["source"] == "echo/data"
    assert "echo.data" in host["outputs"]


def test_only_the_newest_is_a_queue_of_one(places: Places) -> None:
    """policy="latest" on an input says what dora calls queue_size: 1."""
    sink = DoraNode("sink", "dora-echo", inputs=["data"])
    sink.inputs.data.policy = "latest"

    dataflow = to_dataflow(System([Count(), sink]).to_spec(), places)

    assert dataflow["nodes"][1]["inputs"]["data"]["queue_size"] == 1


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ([np.ndarray], True),
        ([np.ndarray | None], True),
        ([np.ndarray, Any], True),
        ([pa.Array], False),
        ([pa.Int64Array], False),
        ([Any], False),
        ([int], False),
        ([], False),
    ],
    ids=str,
)
def test_who_reads_it_says_what_its_values_are(
    annotations: list[Any], expected: bool
) -> None:
    """Arrow arrays, unless somebody is annotated as numpy.ndarray."""
    camera = DoraNode("camera", "x", outputs=["image"], ticks="count")
    readers = [Scale(f"scale_{n}") for n in range(len(annotations))]
    for reader, annotation in zip(readers, annotations, strict=True):
        (port,) = reader.inputs
        port.type = annotation
        reader(camera.outputs.image)
    spec = System([camera, *readers, Count()]).to_spec()

    assert shows_numpy(spec, "camera.image") is expected


def test_it_survives_saving_and_loading(tmp_path: Path) -> None:
    """It is its arguments, as every component."""
    spec = robot().to_spec()
    robot().save(tmp_path / "robot.json")

    loaded = System.load(tmp_path / "robot.json")

    assert loaded.to_spec() == spec == SystemSpec.from_json(spec.to_json())
    assert isinstance(loaded.components[0], DoraNode)


def test_a_spec_says_all_of_it() -> None:
    """Its engine needs no object to compile it."""
    found = foreign_nodes(robot().to_spec())

    assert found["camera"] == Foreign(
        "camera",
        "opencv-video-capture",
        "--size '640 480'",
        {"CAPTURE_PATH": 0, "NAME": "$cam"},
        "pip install opencv-video-capture",
        "count",
    )
    assert found["sink"].args == "--quiet"
    assert "ours" not in found


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"path": ""}, "The path of DoraNode 'x' must be a string such as 'dora-echo'"),
        ({"path": Path("x.py")}, "The path of DoraNode 'x' must be a string"),
        (
            {"args": 5},
            "of DoraNode 'x' must be a string, or a list of strings",
        ),
        ({"args": ["--n", 5]}, "The args of DoraNode 'x' must be a string, or a list"),
        ({"env": {"A": None}}, "The env of DoraNode 'x' must be a dict of strings"),
        ({"inputs": "data"}, "The inputs of DoraNode 'x' must be a list of names"),
        ({"outputs": [1]}, "The outputs of DoraNode 'x' must be a list of names"),
        ({"build": ["pip"]}, "The build of DoraNode 'x' must be a command"),
        ({"node": Node("x")}, "unexpected keyword argument 'node'"),
    ],
)
def test_arguments_of_another_type_are_refused(
    arguments: dict[str, Any], text: str
) -> None:
    with pytest.raises(TypeError, match=re.escape(text)):
        DoraNode(**{"name": "x", "path": "dora-echo", **arguments})


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"inputs": ["a", "b", "a"]}, "The inputs of 'x' have 'a' 2 times"),
        ({"ticks": "time"}, "The ticks of DoraNode 'x' are 'count'"),
        ({"name": "a/b"}, "name is made of letters"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(
    arguments: dict[str, Any], text: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        DoraNode(**{"name": "x", "path": "dora-echo", **arguments})


def test_it_has_no_subclasses() -> None:
    """What it is stands in its arguments, where the engine finds it."""
    with pytest.raises(TypeError, match="Write a function that returns one"):
        type("Camera", (DoraNode,), {})


def test_another_engine_does_not_run_it() -> None:
    """It is refused before anything has started."""
    sink = DoraNode("sink", "dora-echo", inputs=["data"])
    system = System([Count(), sink])

    with pytest.raises(lk.CapabilityError, match=r"'foreign-nodes'.*'sink'"):
        system.launch(3, engine="native")
    with pytest.raises(lk.EngineError, match=r"launch\(engine='dora'\)"):
        sink.forward()


def test_nodes_of_dora_from_the_index_are_accepted(tmp_path: Path) -> None:
    """The file that they stand in is one that dora can run."""
    path = robot().compile(build_dir=tmp_path)

    assert path is not None
    dora = Path(sys.executable).with_name("dora")
    done = subprocess.run(
        [dora, "validate", "--strict-types", path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(yaml.safe_load(path.read_text())["nodes"]) == 5


def test_an_allow_list_is_asked_for_what_it_starts(tmp_path: Path) -> None:
    """The class alone may be allowed; path, arguments and build are shown."""
    path = tmp_path / "robot.json"
    path.write_text(robot().to_spec().to_json())
    allow = ["like_keras_core", "lk_engine_dora"]

    with pytest.raises(lk.NotAllowedError) as caught:
        System.load(path, allow=allow)

    for part in ("opencv-video-capture", "pip install", "'--quiet'", "CAPTURE_PATH"):
        assert part in str(caught.value)
    assert "--allow node:camera --allow node:sink" in str(caught.value)
    assert System.load(path, allow=[*allow, "node:camera", "node:sink"]).components
