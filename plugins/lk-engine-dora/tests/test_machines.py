"""Launches over several machines, with dora's own coordinator and daemons on them."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dora_nodes import Double, command  # type: ignore[import-not-found]
from dora_parts import Follow, KeepsLock, Numbers, Sleeps  # type: ignore[import-not-found]
from engine_systems import (  # type: ignore[import-not-found]
    diamond,
    loop,
    outcome,
)
from launching import HALT, KILL, When  # type: ignore[import-not-found]
from machines import Network, working_on  # type: ignore[import-not-found]
from test_launch import held, payloads  # type: ignore[import-not-found]

from like_keras_core import ComponentError, HostLostError, Node, System
from like_keras_core.errors import EngineError, VersionMismatchError
from like_keras_core.testing import same
from like_keras_core.testing.components import Count, Scale
from lk_engine_dora import DoraEngine, DoraNode
from lk_engine_dora.coordinator import Coordinator, NoCoordinatorError, NoDaemonError

pytestmark = [
    pytest.mark.usefixtures("launches"),
    pytest.mark.timeout(90),
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
]

DESK, JETSON = "10.77.0.1", "10.77.0.2"
SOON_S = 10.0


@contextmanager
def machines_of(folder: Path, *names: str) -> Iterator[Any]:
    """Start a coordinator on the first machine, and a daemon on each."""
    code = os.pathsep.join(sys.path[:3])
    there = ("--coordinator-addr", DESK)
    with Network(folder, *names) as network:
        first = network[names[0]]
        first.type("dora", "coordinator", "--interface", DESK)
        first.wait_for("Listening", "coordinator.out")
        for name in names:
            named = () if name == names[0] else ("--machine-id", name)
            network[name].type("dora", "daemon", *named, *there, PYTHONPATH=code)
        for name in names:
            network[name].wait_for("Connected to", "daemon.out")
        yield network


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A desk with the coordinator, and a machine `jetson`; a daemon on each."""
    folder = tmp_path_factory.mktemp("machines")
    with machines_of(folder, "desk", "jetson") as network:
        yield network


@pytest.fixture
def desk(network: Any) -> Iterator[Any]:
    """The launching machine; nothing of a launch is left on any machine."""
    with working_on(network["desk"]):
        yield network["desk"]
    for machine in network.machines.values():
        machine.wait_until(lambda machine=machine: not machine.nodes(), 3)


def placed(system: System, **machines: str) -> System:
    """Place the nodes of a system on machines."""
    for component in system.components:
        node = component.node
        if node is not None and node.name in machines:
            component.node = Node(node.name, machine=machines[node.name])
    return system


def pair(machine: str = "jetson", **options: Any) -> System:
    """Return a source here, and its reader elsewhere."""
    far = Node("b", machine=machine, **options)
    return System([Count(node=Node("a")), Scale(node=far)])


def test_a_component_elsewhere_that_raises_is_named(desk: Any) -> None:
    """Its own traceback and the report so far come home."""
    system = placed(diamond(tick=10), b="jetson")

    text = "'fail' on node 'b' of machine 'jetson' failed in forward at tick 5"
    with pytest.raises(ComponentError, match=text) as caught:
        system.launch(50, engine="dora", coordinator_addr=DESK, record="all")

    assert "Traceback" in caught.value.traceback
    assert caught.value.report is not None
    assert caught.value.report.records["fail.output"] == [(n, 2 * n) for n in range(5)]


def test_a_node_elsewhere_that_is_killed_is_named(network: Any, desk: Any) -> None:
    """With its machine, its tick, and how it ended; its memory is freed."""
    jetson = network["jetson"]
    before = jetson.memory()
    kill = When("", "", KILL)
    kill.act = jetson.kill_node

    with pytest.raises(HostLostError, match="killed by SIGKILL") as caught:
        pair().launch(engine="dora", coordinator_addr=DESK, progress=kill)

    assert kill.age_s < SOON_S
    assert (caught.value.node, caught.value.machine) == ("b", "jetson")
    assert caught.value.tick is not None
    jetson.wait_until(lambda: jetson.memory() <= before, 3)


def test_a_coordinator_that_is_not_there_is_said(network: Any) -> None:
    """With what to type, and where."""
    with (
        working_on(network["jetson"]),
        pytest.raises(NoCoordinatorError) as caught,
    ):
        pair().launch(1, engine="dora", coordinator_addr=JETSON)

    text = str(caught.value)
    assert "'b' on 'jetson'" in text
    assert f"\n  dora coordinator --interface {JETSON}\n" in text
    assert f"\n  dora daemon --machine-id jetson --coordinator-addr {JETSON}\n" in text


def test_a_machine_without_a_daemon_is_named(desk: Any) -> None:
    """With what to type there."""
    with pytest.raises(NoDaemonError) as caught:
        pair("nuc").launch(1, engine="dora", coordinator_addr=DESK)

    assert caught.value.machines == ("nuc",)
    command = f"dora daemon --machine-id nuc --coordinator-addr {DESK}"
    assert command in str(caught.value)


@pytest.mark.slow
def test_an_interpreter_that_is_not_there_is_named(desk: Any) -> None:
    """With its node and machine."""
    system = pair(python="/opt/none/python")

    with pytest.raises(HostLostError, match="/opt/none/python") as caught:
        system.launch(1, engine="dora", coordinator_addr=DESK)

    assert (caught.value.node, caught.value.machine) == ("b", "jetson")


def test_what_dora_start_runs_by_hand_means_the_same(
    network: Any, desk: Any, tmp_path: Path
) -> None:
    """Without a launching process the first node's process reports."""
    system = placed(diamond(), b="jetson", c="jetson")
    path = DoraEngine().compile(system, tmp_path / "built")
    for folder in (desk.folder, network["jetson"].folder):
        shutil.copy(path.with_name("system.json"), folder)
    said = {"LK_CONTROL": f"{DESK}:24000", "LK_TOKEN": "s3cret", "LK_ITERATIONS": "50"}
    env = "env:\n" + "".join(f"  {x}: '{y}'\n" for x, y in said.items())
    path.write_text(path.read_text().replace("env:\n", env, 1))

    out = desk.ask("dora", "start", str(path), "--attach", "--coordinator-addr", DESK)

    assert "system on dora: 50 ticks" in out
    assert re.search(r"count +50 +0 ", out)
    assert re.search(r"sum +25 +25 ", out)


@pytest.mark.slow
@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize(
    ("make", "far", "options"),
    [
        (diamond, "bc", {"iterations": 50}),
        (diamond, "a", {"iterations": 50, "window": 1}),
        (diamond, "b", {"iterations": 50, "check_values": True}),
        (lambda: diamond(limit=7), "bc", {}),
        (lambda: diamond(tick=10), "b", {"iterations": 50}),
        (loop, "b", {"iterations": 20}),
        (held, "ab", {"iterations": 30, "rate_hz": 100}),
        (payloads, "b", {"iterations": 6}),
        (payloads, "a", {"iterations": 6, "window": 1}),
        (lambda: System([Count(), Scale()]), "", {"iterations": 3}),
    ],
    ids=[
        *("diamond", "diamond-1", "checked", "end-of-stream", "error", "loop", "hold"),
        *("payloads", "payloads-1", "here"),
    ],
)
def test_many_systems_give_what_one_process_gives(
    make: Callable[[], System], far: str, options: dict[str, Any]
) -> None:
    """Wherever their nodes are."""
    here = {name: value for name, value in options.items() if name != "window"}
    expected = outcome(make(), "native", **here)

    system = placed(make(), **dict.fromkeys(far, "jetson"))
    found = outcome(system, "dora", coordinator_addr=DESK, **options)

    assert same(found, expected)


@pytest.mark.slow
@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("is_from_here", [True, False])
def test_forty_megabytes_cross_machines(is_from_here: bool) -> None:
    """All of them, in order, whole."""
    here, there = Node("a"), Node("b", machine="jetson")
    first, second = (here, there) if is_from_here else (there, here)
    system = System([Numbers(5_000_000, node=first), Follow(node=second)])

    report = system.launch(30, engine="dora", coordinator_addr=DESK)

    assert report.components["follow"].fired == 30
    assert report.connections["numbers.output -> follow.values"].bytes > 30 * 40_000_000


@pytest.mark.slow
@pytest.mark.usefixtures("desk")
def test_code_that_is_missing_elsewhere_is_named(tmp_path: Path) -> None:
    """Before anything is configured."""
    (tmp_path / "only_here.py").write_text(
        "import like_keras_core as lk\n\n\n"
        "class Here(lk.Component):\n    def forward(self, value: int) -> int:\n"
        "        return value\n"
    )
    (tmp_path / "run.py").write_text(
        "from only_here import Here\n\nimport like_keras_core as lk\n"
        "from like_keras_core.testing.components import Count\n\n"
        "far = lk.Node('b', machine='jetson')\n"
        "lk.System([Count(node=lk.Node('a')), Here(node=far)]).launch(\n"
        f"    1, engine='dora', coordinator_addr='{DESK}'\n)\n"
    )

    done = subprocess.run(
        [sys.executable, "run.py"],
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )

    assert "'here' on node 'b' of machine 'jetson' failed in __init__" in done.stderr
    assert "No module named 'only_here'" in done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("desk")
def test_another_version_elsewhere_is_named(tmp_path: Path) -> None:
    """With both versions."""
    info = tmp_path / "like_keras_core-9.8.7.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: like-keras-core\nVersion: 9.8.7\n")

    with pytest.raises(VersionMismatchError, match=r"b: .* like-keras-core 9\.8\.7"):
        pair(env={"PYTHONPATH": str(tmp_path)}).launch(
            1, engine="dora", coordinator_addr=DESK
        )


@pytest.mark.slow
def test_three_machines_give_what_one_process_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of which talk to each other; all call the port that was chosen."""
    monkeypatch.setenv("LK_CONTROL", f"{DESK}:24001")
    expected = outcome(diamond(), "native", iterations=50)

    with (
        machines_of(tmp_path / "machines", "desk", "jetson", "nuc") as network,
        working_on(network["desk"]),
    ):
        system = placed(diamond(), b="jetson", c="nuc")
        found = outcome(system, "dora", iterations=50, coordinator_addr=DESK)

    assert same(found, expected)
    assert f"{DESK}:24001" in Path(".lk_build/dora/launch.yaml").read_text()


@pytest.mark.slow
def test_dora_stop_ends_a_run_by_hand_well(
    network: Any, desk: Any, tmp_path: Path
) -> None:
    """At a cut, with the report."""
    path = DoraEngine().compile(pair(), tmp_path / "built")
    for folder in (desk.folder, network["jetson"].folder):
        shutil.copy(path.with_name("system.json"), folder)
    env = f"env:\n  LK_CONTROL: {DESK}:24002\n  LK_TOKEN: s3cret\n"
    path.write_text(path.read_text().replace("env:\n", env, 1))
    there = ("--coordinator-addr", DESK)

    named = ("--name", "by-hand", "--attach")
    desk.type("dora", "start", str(path), *named, *there, output="start.out")
    desk.wait_for("starting dataflow", "start.out")
    desk.ask("dora", "stop", "by-hand", *there)
    desk.wait_until(lambda: not desk.processes("dora\0start"))

    assert "system on dora:" in (desk.folder / "start.out").read_text()


ENDLESS = """\
from test_machines import DESK, pair

if __name__ == "__main__":
    pair().launch(
        engine="dora",
        coordinator_addr=DESK,
        progress=lambda ticks: ticks and print("under way", flush=True),
    )
"""


@pytest.mark.slow
def test_without_the_launching_process_the_others_end(network: Any, desk: Any) -> None:
    """On every machine."""
    jetson = network["jetson"]
    (desk.folder / "endless.py").write_text(ENDLESS)
    path = os.pathsep.join(sys.path[:3])
    desk.type(sys.executable, "endless.py", output="endless.out", PYTHONPATH=path)
    desk.wait_for("under way", "endless.out")

    desk.kill("endless.py")

    for machine in (desk, jetson):
        machine.wait_until(lambda machine=machine: not machine.nodes(), SOON_S)
    desk.wait_until(lambda: not desk.processes("dora\0start"), SOON_S)


@pytest.mark.slow
@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("machine", ["jetson", "local"])
def test_a_node_that_is_not_ours_runs_elsewhere(machine: str) -> None:
    """With the process that speaks for it; what it sends may be lost, as ever."""
    counter = DoraNode(
        "counter",
        sys.executable,
        command("counter.py", 5, 0),
        outputs=["data"],
        ticks="count",
        machine=machine,
    )
    double = Double(node=Node("a"))
    double(counter())

    report = System([counter, double]).launch(
        engine="dora", coordinator_addr=DESK, record="all"
    )

    assert 0 < report.iterations <= 5
    assert report.ended_by == "end of stream"


@pytest.mark.slow
def test_an_address_that_is_not_ours_is_refused(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would reach this machine there."""
    monkeypatch.setenv("LK_CONTROL", f"{JETSON}:24000")

    with pytest.raises(EngineError, match=f"Cannot listen at {JETSON}:24000"):
        pair().launch(1, engine="dora", coordinator_addr=DESK)


@pytest.mark.slow
def test_stop_ends_a_launch_at_one_cut(desk: Any) -> None:
    """Every process counts the same ticks."""
    system = pair()

    def stop(ticks: int) -> None:
        if ticks >= 10:
            system.stop()

    report = system.launch(engine="dora", coordinator_addr=DESK, progress=stop)

    assert report.ended_by == "stop"
    assert report.components["count"].fired == report.iterations > 0
    assert report.components["scale"].fired == report.iterations


@pytest.mark.slow
def test_a_node_elsewhere_that_is_halted_is_named(network: Any, desk: Any) -> None:
    """It is ended there, though it cannot end by itself."""
    jetson = network["jetson"]
    before = jetson.memory()
    halt = When("", "", HALT)
    halt.act = jetson.halt_node

    with pytest.raises(HostLostError, match="nothing was heard of it") as caught:
        pair().launch(engine="dora", coordinator_addr=DESK, progress=halt)

    assert halt.age_s < SOON_S
    assert (caught.value.node, caught.value.machine) == ("b", "jetson")
    jetson.wait_until(lambda: jetson.memory() <= before, 3)


@pytest.fixture
def slow_links(network: Any) -> Iterator[None]:
    """Let 10 Mbit a second leave each machine."""
    for machine in network.machines.values():
        machine.slow_down(10)
    yield
    for machine in network.machines.values():
        machine.slow_down(0)


def test_a_node_elsewhere_that_keeps_its_lock_is_waited_for(desk: Any) -> None:
    """What beats for it does not need the lock, and ends with it."""
    busy = KeepsLock(3.0, node=Node("b", machine="jetson"))
    system = System([Count(node=Node("a")), busy])

    report = system.launch(3, engine="dora", coordinator_addr=DESK, heartbeat_s=1.0)

    assert report.ended_by == "iterations"


@pytest.mark.slow
@pytest.mark.usefixtures("slow_links")
def test_a_congested_link_ends_nothing(desk: Any) -> None:
    """dora's `send` keeps Python's lock for many heartbeats."""
    source = Numbers(1 << 20, node=Node("a"))
    system = System([source, Follow(node=Node("b", machine="jetson"))])

    report = system.launch(3, engine="dora", coordinator_addr=DESK)

    assert report.ended_by == "iterations"


@pytest.mark.slow
@pytest.mark.usefixtures("slow_links")
def test_a_halted_node_is_named_and_not_who_sends_to_it(
    network: Any, desk: Any
) -> None:
    """Its sender is stuck in dora's `send`, and healthy."""
    halt = When("", "", HALT, ticks=1)
    halt.act = network["jetson"].halt_node
    source = Numbers(1 << 18, node=Node("a"))
    system = System([source, Follow(node=Node("b", machine="jetson"))])

    with pytest.raises(HostLostError, match="nothing was heard of it") as caught:
        system.launch(engine="dora", coordinator_addr=DESK, progress=halt)

    assert (caught.value.node, caught.value.machine) == ("b", "jetson")


@pytest.mark.slow
def test_a_component_elsewhere_that_never_ends_is_ended(
    network: Any, desk: Any
) -> None:
    """It had its time to shut down."""
    kill = When("", "", KILL)
    kill.act = desk.kill_node
    far = Sleeps(node=Node("b", machine="jetson"))

    with pytest.raises(HostLostError, match="killed by SIGKILL") as caught:
        System([Count(node=Node("a")), far]).launch(
            engine="dora", coordinator_addr=DESK, progress=kill
        )

    assert kill.age_s < SOON_S
    assert caught.value.node == "a"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Any]:
    """A network of its own, for tests that break it."""
    with machines_of(tmp_path / "machines", "desk", "jetson") as network:
        yield network


@pytest.mark.slow
def test_a_daemon_that_is_killed_is_named(cluster: Any) -> None:
    """With its machine, the node and the tick; nothing of the launch is left."""
    desk, jetson = cluster["desk"], cluster["jetson"]
    kill = When("", "", KILL)
    kill.act = lambda: jetson.kill("dora", "daemon")

    with (
        working_on(desk),
        pytest.raises(HostLostError, match="'jetson' is gone") as caught,
    ):
        pair().launch(engine="dora", coordinator_addr=DESK, progress=kill)

    assert kill.age_s < SOON_S
    assert (caught.value.node, caught.value.machine) == ("b", "jetson")
    assert caught.value.tick is not None
    for machine in (desk, jetson):
        machine.wait_until(lambda machine=machine: not machine.nodes(), SOON_S)
    assert desk.processes("dora\0daemon")
    assert desk.processes("dora\0coordinator")


@pytest.mark.slow
def test_a_coordinator_that_is_killed_is_said(cluster: Any) -> None:
    """The run ends; the daemons live on."""
    desk, jetson = cluster["desk"], cluster["jetson"]
    kill = When("", "", KILL)
    kill.act = lambda: desk.kill("dora", "coordinator")

    with (
        working_on(desk),
        pytest.raises(EngineError, match=f"coordinator at {DESK}:6013 was lost"),
    ):
        pair().launch(engine="dora", coordinator_addr=DESK, progress=kill)

    assert kill.age_s < SOON_S
    for machine in (desk, jetson):
        machine.wait_until(lambda machine=machine: not machine.nodes(), SOON_S)
        assert machine.processes("dora\0daemon")


@pytest.mark.slow
def test_a_machine_that_is_cut_off_is_named(cluster: Any) -> None:
    """Its processes end by themselves, and free their memory."""
    desk, jetson = cluster["desk"], cluster["jetson"]
    before = jetson.memory()
    cut = When("", "", KILL)
    cut.act = jetson.unplug

    with working_on(desk), pytest.raises(HostLostError, match="nothing was") as caught:
        pair().launch(engine="dora", coordinator_addr=DESK, progress=cut)

    assert cut.age_s < SOON_S
    assert (caught.value.node, caught.value.machine) == ("b", "jetson")
    assert caught.value.tick is not None
    for machine in (desk, jetson):
        machine.wait_until(lambda machine=machine: not machine.nodes(), SOON_S)
    jetson.wait_until(lambda: jetson.memory() <= before, 3)


CAMERA = """\
import numpy as np

import like_keras_core as lk


class Camera(lk.Component):
    def forward(self) -> np.ndarray:
        return self.rng.integers(0, 256, (480, 640), np.uint8)


class Brightness(lk.Component):
    def forward(self, image: np.ndarray) -> float:
        return float(image.mean())


desk, jetson = lk.Node("desk"), lk.Node("jetson", machine="10.77.0.2", engine="dora")
desk.engine = "dora"
system = lk.System([Camera(node=jetson), Brightness(node=desk)], name="camera")

if __name__ == "__main__":
    expected = system.launch(20, engine="native", record="all").records
    report = system.launch(20, coordinator_addr="10.77.0.1", record="all")
    assert lk.testing.same(report.records, expected)
    print(report)
"""


def test_the_classic_commands_run_a_system_on_two_machines(tmp_path: Path) -> None:
    """The code lies where the daemon was started, and nothing else was copied."""
    with Network(tmp_path / "machines", "desk", "jetson") as network:
        desk, jetson = network["desk"], network["jetson"]
        for machine in (desk, jetson):
            (machine.folder / "camera.py").write_text(CAMERA)

        desk.type("dora", "coordinator", "--interface", DESK)
        desk.wait_for("Listening", "coordinator.out")
        desk.type("dora", "daemon", "--coordinator-addr", DESK)
        named = ("--machine-id", "jetson")
        jetson.type("dora", "daemon", *named, "--coordinator-addr", DESK)
        jetson.wait_for("Connected", "daemon.out")
        desk.wait_for("Connected", "daemon.out")
        out = desk.ask(sys.executable, "camera.py")

        assert "camera on dora: 20 ticks" in out
        assert jetson.nodes() == desk.nodes() == []


@pytest.mark.slow
def test_a_machine_that_is_cut_off_amid_large_values_is_named(cluster: Any) -> None:
    """Nobody waits for what cannot arrive any more."""
    desk, jetson = cluster["desk"], cluster["jetson"]
    cut = When("", "", KILL)
    cut.act = jetson.unplug
    far = Node("b", machine="jetson")
    system = System([Numbers(5_000_000, node=Node("a")), Follow(node=far)])

    with working_on(desk), pytest.raises(HostLostError, match="nothing was"):
        system.launch(engine="dora", coordinator_addr=DESK, progress=cut)

    assert cut.age_s < SOON_S
    for machine in (desk, jetson):
        machine.wait_until(lambda machine=machine: not machine.nodes(), SOON_S)


@pytest.mark.soak
@pytest.mark.timeout(150)
def test_a_port_that_is_shut_between_machines_is_named(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All have called, and no value would ever arrive."""
    desk = cluster["desk"]
    desk.wall_off(6013, 24000)
    monkeypatch.setenv("LK_CONTROL", f"{DESK}:24000")

    with working_on(desk), pytest.raises(HostLostError, match="not answered") as caught:
        pair().launch(engine="dora", coordinator_addr=DESK)

    assert (caught.value.node, caught.value.machine) == ("b", "jetson")
    assert caught.value.tick is None


@pytest.mark.soak
@pytest.mark.parametrize("n", range(20))
@pytest.mark.parametrize(
    "failure",
    [
        test_a_daemon_that_is_killed_is_named,
        test_a_coordinator_that_is_killed_is_said,
        test_a_machine_that_is_cut_off_is_named,
        test_a_machine_that_is_cut_off_amid_large_values_is_named,
    ],
    ids=["daemon", "coordinator", "cut", "cut-amid"],
)
def test_failures_end_well_each_time(
    failure: Callable[[Any], None], cluster: Any, n: int
) -> None:
    """Each of them twenty times."""
    failure(cluster)


@pytest.mark.soak
@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("n", range(20))
def test_forty_megabytes_cross_machines_each_time(n: int) -> None:
    """Ten of them, in order, whole."""
    far = Node("b", machine="jetson")
    system = System([Numbers(5_000_000, node=Node("a")), Follow(node=far)])

    report = system.launch(10, engine="dora", coordinator_addr=DESK)

    assert report.components["follow"].fired == 10


@pytest.mark.slow
def test_a_coordinator_on_every_address_is_reached_as_this_machine(
    tmp_path: Path,
) -> None:
    """The others cannot call loopback."""
    with Network(tmp_path / "machines", "desk", "jetson") as network:
        desk = network["desk"]
        desk.type("dora", "coordinator", "--interface", "0.0.0.0")
        desk.wait_for("Listening", "coordinator.out")
        spec = pair(machine=JETSON).to_spec()
        with working_on(desk):
            address = Coordinator.at("").own_address(spec)

    assert address == DESK
