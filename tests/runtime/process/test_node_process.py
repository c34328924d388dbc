"""Members and a conductor in threads: who may take part, and how it ends."""

import copy
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

import pytest

from like_keras_core import (
    Component,
    HostLostError,
    Node,
    RunReport,
    System,
    SystemSpec,
    VersionMismatchError,
)
from like_keras_core.graph.choices import Choices
from like_keras_core.runtime.control.connection import (
    ControlConnectionLostError,
    ProcessConnection,
    connect,
)
from like_keras_core.runtime.control.keys import node_key
from like_keras_core.runtime.control.protocol import (
    Build,
    Clock,
    Finished,
    FromProcess,
    Hello,
    Linked,
    Log,
    NodeFailed,
    Progress,
    Records,
    RelayFrame,
    Reported,
    StopProposed,
    StopReply,
    Trace,
)
from like_keras_core.runtime.control.run_options import RunOptions
from like_keras_core.runtime.control.run_plan import RunPlan
from like_keras_core.runtime.control.server import ControlServer, ServerConnection
from like_keras_core.runtime.flow.frame_tags import TAG_SIZE
from like_keras_core.runtime.flow.wire_format import Data, parse
from like_keras_core.runtime.process.node_process import NodeProcess
from like_keras_core.runtime.stop import StopSignal
from like_keras_core.runtime.stop_point import StopPoint
from like_keras_core.runtime.supervision.supervisor import Supervisor
from like_keras_core.tap import Tap
from like_keras_core.testing.components import Count, Scale

TOKEN = "a token"
WAIT_S = 20.0

Ways = dict[str, list[Callable[[bytes], object]]]


class Direct:
    """Hands frames to the others at once, to all that call themselves so."""

    def __init__(self, nodes: Ways, node: str) -> None:
        self.nodes, self.node = nodes, node

    def bind(self) -> str:
        return self.node

    def start(
        self, arrived: Callable[[bytes], object], peers: Mapping[str, str]
    ) -> None:
        self.peers = peers
        self.nodes[self.node].append(arrived)

    def close(self) -> None:
        pass

    def send(self, node: str, frame: Sequence[bytes | bytearray | memoryview]) -> None:
        self._deliver(node, b"".join(frame))

    def _deliver(self, node: str, frame: bytes) -> None:
        for arrived in self.nodes[node]:
            arrived(frame)


class Relayed(Direct):
    """Has no way left but the control channel."""

    member: NodeProcess

    def send(self, node: str, frame: Sequence[bytes | bytearray | memoryview]) -> None:
        self.member.relay(node, frame)


class Polled(Direct):
    """Has no thread: what comes waits until the process asks for it."""

    def bind(self) -> str:
        self.came: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.askers: set[int] = set()
        return super().bind()

    def start(
        self, arrived: Callable[[bytes], object], peers: Mapping[str, str]
    ) -> None:
        self.arrived = arrived
        self.nodes[self.node].append(self.came.put)

    def receive(self, timeout_s: float) -> None:
        self.askers.add(threading.get_ident())
        with suppress(queue.Empty):
            while frame := self.came.get(timeout=timeout_s):
                self.arrived(frame)
                timeout_s = 0.0

    def wake(self) -> None:
        self.came.put(None)


class Crowded(Direct):
    """Hands over what strangers send, too: garbage, forged frames, and old ones."""

    def send(self, node: str, frame: Sequence[bytes | bytearray | memoryview]) -> None:
        real = b"".join(frame)
        forged = bytearray(real)
        forged[8] ^= 1
        untagged, cut = real[:-TAG_SIZE], real[:-1]
        for other in (b"", b"?" * 50, b"?" * 5000, bytes(forged), untagged, cut):
            self._deliver(node, other)
        self._deliver(node, real)
        self._deliver(node, real)


class Unstarted(Direct):
    """Cannot be started."""

    def start(
        self, arrived: Callable[[bytes], object], peers: Mapping[str, str]
    ) -> None:
        raise OSError("no such device")


class Broken(Direct):
    """Has no way for values."""

    def send(self, node: str, frame: Sequence[bytes | bytearray | memoryview]) -> None:
        if any(isinstance(part, Data) for part in parse(list(frame[:-1]))):
            raise OSError("no way")
        super().send(node, frame)


class Deaf(Direct):
    """Loses whatever is for `b`."""

    def send(self, node: str, frame: Sequence[bytes | bytearray | memoryview]) -> None:
        if node != "b":
            super().send(node, frame)


class Mute(Direct):
    """Loses whatever comes from `b`."""

    def send(self, node: str, frame: Sequence[bytes | bytearray | memoryview]) -> None:
        if self.node != "b":
            super().send(node, frame)


class Sees(Component):
    """Says what it received, for `Waits`."""

    came: ClassVar[threading.Event] = threading.Event()

    def forward(self, value: int) -> None:
        self.came.set()


class Waits(Component):
    """Waits until `Sees` has received something."""

    def forward(self) -> bool:
        return Sees.came.wait(WAIT_S)


class Run:
    """A run whose hosts are threads.

    Args:
        system: The system.
        transport: The kind of each one's transport.
        specs: What a node has in the place of the system.
        versions: What a node says of its distributions; `{"kit": "1"}` is expected.
        record: The ports to record.
        options: More of what the processes are told.
    """

    def __init__(
        self,
        system: System,
        transport: type[Direct] = Direct,
        specs: Mapping[str, SystemSpec] | None = None,
        versions: Mapping[str, Mapping[str, str]] | None = None,
        record: Sequence[str] = ("scale.output",),
        **options: Any,
    ) -> None:
        self.spec = system.to_spec()
        self.options = RunOptions(record=tuple(record), **options)
        self.made: list[Any] = []
        self.transport = transport
        self.specs, self.versions = specs or {}, versions or {}
        self.board = ControlServer(TOKEN, 3.0)
        self.stop = StopSignal()
        self.ways: Ways = defaultdict(list)
        self.errors: list[Exception] = []
        self.threads: list[threading.Thread] = []

    def start(self, *nodes: str) -> None:
        """Let hosts call, one after the other."""
        for node in nodes:
            thread = threading.Thread(target=self._serve, args=[node], daemon=True)
            self.threads.append(thread)
            thread.start()

    def speak(self, send: Callable[[ProcessConnection], object]) -> None:
        """Let something in the place of node a connect, and send what it likes."""

        def introduce() -> None:
            connection = connect(self.board.address, node_key(TOKEN, "a"), "a")
            send(connection)
            with suppress(ControlConnectionLostError):
                while True:
                    list(connection.receive())
            connection.close()

        self.threads.append(threading.Thread(target=introduce, daemon=True))
        self.threads[-1].start()

    def hello(self, node: str) -> Hello:
        """Return what a process says first of all."""
        return Hello(node, 1, "m", "3", "", self.spec.digest(), {"kit": "1"})

    def _serve(self, node: str) -> None:
        transport = self.transport(self.ways, node)
        self.made.append(transport)
        try:
            line = connect(self.board.address, node_key(TOKEN, node), node)
        except ControlConnectionLostError as error:
            self.errors.append(error)  # The run may be over before it has begun.
            return
        member = NodeProcess(
            RunPlan.of(
                self.specs.get(node, self.spec),
                versions=self.versions.get(node, {"kit": "1"}),
            ),
            node,
            line,
            transport,
        )
        if isinstance(transport, Relayed):
            transport.member = member
        try:
            member.serve()
        except Exception as error:  # noqa: BLE001 - looked at by the test
            self.errors.append(error)

    def supervisor(self, **options: Any) -> Supervisor:
        """Return the launching process's part."""
        return Supervisor(
            RunPlan.of(self.spec, options=self.options, versions={"kit": "1"}),
            self.board,
            engine="threads",
            stop=self.stop,
            **options,
        )

    def conduct(
        self,
        iterations: int | None = 5,
        conductor: Supervisor | None = None,
        **options: Any,
    ) -> RunReport:
        """Be the launching process."""
        conductor = conductor or self.supervisor(**options)
        try:
            return conductor.run(iterations)
        finally:
            for thread in self.threads:
                thread.join(10)
                assert not thread.is_alive()


def pair() -> System:
    """Return a source and its reader, each on a node of its own."""
    return System([Count(node=Node("a")), Scale(node=Node("b"))])


@pytest.mark.parametrize("transport", [Direct, Relayed, Polled])
def test_a_run_needs_no_more_than_a_way_for_frames(transport: type[Direct]) -> None:
    """Which may be the control channel, where a transport has none any more."""
    run = Run(pair(), transport)
    run.start("a", "b")

    report = run.conduct()

    assert report.records == {"scale.output": [(t, 2 * t) for t in range(5)]}
    assert report.connections["count.output -> scale.value"].messages == 5


def test_endpoints_travel_with_the_first_message() -> None:
    """Each transport is started with those of the others, once all are bound."""
    run = Run(pair(), Direct)
    run.start("a", "b")

    run.conduct()

    peers = {transport.node: dict(transport.peers) for transport in run.made}
    assert peers == {"a": {"b": "b"}, "b": {"a": "a"}}


def test_a_transport_may_leave_the_reading_to_the_process() -> None:
    """It is asked by the thread that runs the components, and by no other."""
    run = Run(pair(), Polled)
    run.start("a", "b")

    run.conduct(1000)

    askers = sorted(tuple(transport.askers) for transport in run.made)
    assert askers == sorted((thread.ident,) for thread in run.threads)


def test_a_process_that_is_held_goes_on_when_the_others_have_caught_up() -> None:
    """What it waits for comes from the launching process, not from its transport."""
    system = System([Count(node=Node("a")), Count(node=Node("b"))])
    run = Run(system, Polled, record=["count_1.output"], run_ahead=2)
    run.start("a", "b")

    report = run.conduct(100)

    assert len(report.records["count_1.output"]) == 100


def test_hosts_with_another_version_are_refused() -> None:
    """All of them are named, before anything is built."""
    run = Run(pair(), versions={"a": {"kit": "2"}, "b": {}})
    run.start("a", "b")

    with pytest.raises(VersionMismatchError) as caught:
        run.conduct()

    assert caught.value.differences == {
        "a": "it has kit 2, and 1 is here",
        "b": "it has kit none, and 1 is here",
    }
    assert "Install the same versions everywhere" in str(caught.value)


def test_hosts_with_another_system_are_refused() -> None:
    """As after a copy that was forgotten."""
    other = System([Count(start=1, node=Node("a")), Scale(node=Node("b"))])
    run = Run(pair(), specs={"b": other.to_spec()})
    run.start("a", "b")

    with pytest.raises(VersionMismatchError, match="b: what it has of the system"):
        run.conduct()


def test_a_second_host_of_a_node_is_sent_away() -> None:
    """The first one runs; so is one of a node that nobody knows."""
    run = Run(pair())
    run.start("a", "a", "b")
    run.specs = {"c": System([Count(node=Node("c"))]).to_spec()}
    run.start("c")

    report = run.conduct()

    assert report.components["scale"].fired == 5


def test_a_host_that_does_not_call_is_named() -> None:
    """After the time that hosts have."""
    run = Run(pair())
    run.start("a")

    with pytest.raises(
        HostLostError,
        match=r"'b' was lost: it did not connect to the launcher within 0.5 s",
    ):
        run.conduct(start_s=0.5)


def test_many_hosts_may_take_longer_to_call() -> None:
    """They share the processors of their machine while they start."""
    run = Run(System([Count(node=Node(f"n{n}")) for n in range(20)]))

    with pytest.raises(
        HostLostError, match=r"it did not connect to the launcher within 0.2 s"
    ):
        run.conduct(start_s=0.1)


@pytest.mark.parametrize("transport", [Deaf, Mute])
def test_a_way_that_carries_nothing_is_named(transport: type[Direct]) -> None:
    """Before the first tick, for which everybody would wait for ever."""
    run = Run(pair(), transport)
    run.start("a", "b")

    with pytest.raises(
        HostLostError, match=r"not answered 'a' over threads within 0.5 s"
    ):
        run.conduct(link_s=0.5)


@pytest.mark.timeout(30)
def test_a_stop_ends_the_wait_for_the_links() -> None:
    """All go down as they went up, and nothing counts."""
    run = Run(pair(), Deaf)
    run.start("a", "b")
    threading.Timer(1.0, run.stop.set, ["interrupt"]).start()

    report = run.conduct()

    assert (report.iterations, report.ended_by) == (0, "interrupt")


def test_a_stop_before_all_have_called_ends_the_run() -> None:
    """Nothing was built; nothing counts."""
    run = Run(pair())
    run.start("a")
    run.stop.set("interrupt")

    report = run.conduct()

    assert (report.iterations, report.ended_by) == (0, "interrupt")


def test_a_host_that_breaks_says_how() -> None:
    """It is no component's error; the traceback is the end of its log."""
    run = Run(pair(), Unstarted)
    run.start("a", "b")

    with pytest.raises(HostLostError, match=r"it failed: OSError: no such") as caught:
        run.conduct()

    assert caught.value.node in ("a", "b")
    assert any("_obey" in line for line in caught.value.log)
    assert run.errors


def test_frames_of_strangers_are_dropped_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever they hold, the run is the same, and says so once."""
    run = Run(pair(), Crowded)
    run.start("a", "b")

    report = run.conduct()

    assert report.records == {"scale.output": [(t, 2 * t) for t in range(5)]}
    assert report.connections["count.output -> scale.value"].messages == 5
    assert "dropped 10 frames that are not of this run" in caplog.text


def test_a_transport_that_fails_is_no_failure_of_a_component() -> None:
    """Though it is while the component sends."""
    run = Run(pair(), Broken)
    run.start("a", "b")

    with pytest.raises(HostLostError, match="OSError: no way"):
        run.conduct()


def test_a_value_leaves_before_its_tick_has_ended() -> None:
    """The next component of the tick may take long."""
    count, sees = Count(node=Node("a")), Sees(node=Node("b"))
    sees(count())
    system = System([count, Waits(node=Node("a")), sees])
    run = Run(system, record=["waits.output"])
    run.start("a", "b")

    report = run.conduct(1)

    assert report.records["waits.output"] == [(0, True)]


class Holds(Component):
    """Waits at tick 0 until it is let go."""

    lets_go: ClassVar[threading.Event] = threading.Event()

    def forward(self) -> int:
        self.lets_go.wait(WAIT_S)
        return 1


def test_a_run_that_stood_still_says_what_it_waited_for() -> None:
    """Where Ctrl-C or its time limit ends it: the nodes that wait, by name."""
    Holds.lets_go.clear()
    is_stopping = threading.Event()

    def let_go() -> None:
        is_stopping.wait(WAIT_S)
        time.sleep(0.3)
        Holds.lets_go.set()

    thread = threading.Thread(target=let_go)
    thread.start()
    run = Run(System([Holds(node=Node("a")), Scale(node=Node("b"))]))
    run.start("a", "b")

    def interrupt(ticks: int) -> None:
        if conductor._results.waited_for("b"):
            run.stop.set("interrupt")
            is_stopping.set()

    conductor = run.supervisor(progress=interrupt)
    report = run.conduct(None, conductor=conductor)
    thread.join()

    assert report.ended_by == "interrupt"
    assert any("holds.output" in state for state in report.waited_for)
    assert report.waited_for[-1] in str(report)


def test_a_run_that_goes_on_has_waited_for_nothing() -> None:
    """Nothing is said of a node whose ticks end."""
    run = Run(pair())
    run.start("a", "b")

    report = run.conduct(None, progress=lambda ticks: run.stop.set("interrupt"))

    assert report.ended_by == "interrupt"
    assert report.waited_for == ()


def test_a_lost_host_that_stood_still_said_what_it_waited_for() -> None:
    """The error repeats it, and so does a copy of the error."""
    error = HostLostError("b", "it was silent", waited_for=["On node 'b', it waits."])

    assert str(error).endswith("silent.\nBefore that it said: On node 'b', it waits.")
    assert str(copy.copy(error)) == str(error)


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (StopReply(3, 3), "'stop_reply' came though no stop was requested"),
        (Records("count.output", False, b""), "'records' came though it was not asked"),
        (Trace("firings", "count", b""), "'trace' came though it was not asked for"),
        (RelayFrame("c", b""), "'relay_frame' is for 'c', not a node"),
        (Progress(0), "'progress' came though it was not asked for"),
        (Linked(()), "'linked' came though it was not asked for"),
        (Clock(1, "x"), "'clock' came though it was not asked for"),
        (Reported(), "'reported' came though it was not asked for"),
        (Finished(7, 0), "'finished' is of (7, 0), which nobody has told it"),
        (StopProposed(StopPoint(-5, 0, "error", "count")), "has a tick that cannot be"),
        (
            StopProposed(StopPoint(5, 0, "nonsense", "count")),
            "has a kind that cannot be",
        ),
        (StopProposed(StopPoint(5, 7, "error", "count")), "has a place that cannot be"),
        (
            StopProposed(StopPoint(5, 1, "error", "scale")),
            "not a component of this node",
        ),
        (Log(-1, "x", "x", None, None), "'log' has a level that cannot be: -1"),
    ],
)
def test_a_message_out_of_turn_ends_the_run_by_name(
    message: FromProcess, problem: str
) -> None:
    """As that of the node that sent it; the launching process does not break."""
    run = Run(pair())

    def send(connection: ProcessConnection) -> None:
        connection.send(run.hello("a"))
        connection.send(message)

    run.speak(send)

    with pytest.raises(HostLostError, match="node 'a' was lost") as caught:
        run.conduct()

    assert problem in str(caught.value)


def test_a_node_cannot_introduce_itself_as_another_one() -> None:
    """It is named, and what it said; the other one is not taken for it."""
    run = Run(pair())

    run.speak(lambda connection: connection.send(run.hello("b")))

    with pytest.raises(HostLostError, match="node 'a' was lost") as caught:
        run.conduct()

    assert "introduced itself as 'b'" in str(caught.value)


@pytest.mark.parametrize("is_introduced", [True, False])
def test_what_was_refused_is_the_reason_however_the_process_ends(
    is_introduced: bool,
) -> None:
    """Its end follows from it, and says nothing."""
    run = Run(pair())

    def send(connection: ProcessConnection) -> None:
        if is_introduced:
            connection.send(run.hello("a"))
        connection._socket.sendall(bytes([0, 0, 0, 2, 0, 0, 0, 0]) + b"{}")

    run.speak(send)

    with pytest.raises(HostLostError, match="cannot be read") as caught:
        run.conduct(ended=lambda node: "it ended with exit code 0")

    assert "is not a JSON array" in str(caught.value)


def test_options_that_do_not_fit_are_refused_with_the_message() -> None:
    """By the process that was sent them; it says so, and ends."""
    run = Run(pair())
    run.start("a")
    accepted: queue.SimpleQueue[Any] = queue.SimpleQueue()
    heard: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def greet(connection: ServerConnection) -> None:
        accepted.put(connection)
        connection.start(heard.put)

    run.board.start(greet)
    connection = accepted.get(timeout=WAIT_S)
    connection.send(Build({"window": 8}, {}, {}))
    while not isinstance(failed := heard.get(timeout=WAIT_S), NodeFailed):
        pass
    connection.close()
    run.board.close()
    run.threads[0].join(WAIT_S)

    assert "The message 'build' has a wrong field: options" in failed.traceback


def test_what_processes_are_told_survives_json() -> None:
    """Taps and all."""
    tap = Tap("count.output", "builtins:dict", {"a": 1})
    options = RunOptions(
        window=3,
        rate_hz=2.5,
        record=["a.b"],
        taps=[tap],
        check_values=True,
        late="skip",
        choices=Choices(took={"a.in": ((3, 2, 1, 0, 1),)}, ended={"a": 5}),
    )

    assert RunOptions.from_dict(options.to_dict()) == options
