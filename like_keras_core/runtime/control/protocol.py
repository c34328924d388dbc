"""Every message between the launcher and the process of a node.

The launcher listens, each process connects. A class here is a message: its docstring
says who sends it, when and why, and what answers it. The classes stand in the order of
a run. On the wire a message is its `verb` with its fields as JSON, and with raw bytes
beside them where it has `data`; `connection` frames it. Both have one version of us.

The stop of a run takes Lingua Franca's messages: a request, a reply of each process,
and a grant. The tick that is granted is a lower one than theirs, see `termination`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from like_keras_core.runtime.control.message import Message, by_verb
from like_keras_core.runtime.control.statistics import NodeStatistics
from like_keras_core.runtime.failure import ReportedFailure
from like_keras_core.runtime.stop_point import StopPoint

CONNECT, BUILD, CONFIGURE = "Connect", "Build the components", "Configure and activate"
LINK, RUN, STOP = "Check the links", "Run", "Stop early"
SHUT_DOWN, REPORT = "Shut down", "Report"
ANY_TIME = "At any time"


@dataclass(frozen=True, slots=True)
class GetSystem(Message, verb="get_system", phase=CONNECT):
    """Process without a copy of the system, before `Hello`: `SystemCopy` answers."""


@dataclass(frozen=True, slots=True)
class Beats(Message, verb="beats", phase=CONNECT):
    """Process on another machine: this connection has the heartbeats of `node`."""

    node: str


@dataclass(frozen=True, slots=True)
class SystemCopy(Message, verb="system", phase=CONNECT):
    """Launcher, to `GetSystem`: the spec, as the JSON that `data` holds."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Hello(Message, verb="hello", phase=CONNECT):
    """Process, first of all: which node it runs, and what it has.

    `machine` is what its machine calls itself, `endpoint` where its transport listens,
    `system` the digest of its copy. When all have said it, the launcher compares what
    they have, and goes on with `Build`. One that is not expected is disconnected.
    """

    node: str
    pid: int
    machine: str
    python: str
    endpoint: str
    system: str
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Build(Message, verb="build", phase=BUILD):
    """Launcher, once all have said `Hello`: build the components; `Ready` answers."""

    options: Mapping[str, Any]
    endpoints: Mapping[str, str]
    keys: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Ready(Message, verb="ready", phase=BUILD):
    """Process, to `Build`: the components are built, but for these failures."""

    failures: tuple[ReportedFailure, ...]


@dataclass(frozen=True, slots=True)
class ReadClock(Message, verb="read_clock", phase=BUILD):
    """Launcher, some times after `Ready`, in a run with a trace: `Clock` answers."""


@dataclass(frozen=True, slots=True)
class Clock(Message, verb="clock", phase=BUILD):
    """Process, to `ReadClock`: its monotonic clock [ns], and which clock that is."""

    time_ns: int
    clock: str


@dataclass(frozen=True, slots=True)
class Configure(Message, verb="configure", phase=CONFIGURE):
    """Launcher, once all are `Ready`: call `on_configure`; `Configured` answers."""


@dataclass(frozen=True, slots=True)
class Configured(Message, verb="configured", phase=CONFIGURE):
    """Process, to `Configure`: all are configured, but for these failures."""

    failures: tuple[ReportedFailure, ...]


@dataclass(frozen=True, slots=True)
class Activate(Message, verb="activate", phase=CONFIGURE):
    """Launcher, once all are `Configured`: call `on_activate`; `Activated` answers."""


@dataclass(frozen=True, slots=True)
class Activated(Message, verb="activated", phase=CONFIGURE):
    """Process, to `Activate`: all are active, but for these failures."""

    failures: tuple[ReportedFailure, ...]


@dataclass(frozen=True, slots=True)
class Link(Message, verb="link", phase=LINK):
    """Launcher, once all are `Activated`: ask those that read from you to answer.

    A transport may carry nothing. `Linked` answers, after `timeout_s` at the latest.
    """

    timeout_s: float


@dataclass(frozen=True, slots=True)
class Linked(Message, verb="linked", phase=LINK):
    """Process, to `Link`: all that read from it have answered, but for `unheard`."""

    unheard: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewStopPoint(Message, verb="stop_point", phase=RUN):
    """Launcher, before `Start` and whenever the end moves down: `Finished` answers."""

    stop_point: StopPoint


@dataclass(frozen=True, slots=True)
class Start(Message, verb="start", phase=RUN):
    """Launcher, once all are `Linked`: run ticks. No answer."""


@dataclass(frozen=True, slots=True)
class Progress(Message, verb="progress", phase=RUN):
    """Process, now and then: the first tick that it has not finished."""

    tick: int


@dataclass(frozen=True, slots=True)
class LowWatermark(Message, verb="low_watermark", phase=RUN):
    """Launcher, now and then: the smallest `Progress` of all. No answer."""

    tick: int


@dataclass(frozen=True, slots=True)
class RequestStatistics(Message, verb="request_statistics", phase=RUN):
    """Launcher, when a user looks at a running system: `Statistics` answers."""


@dataclass(frozen=True, slots=True)
class Statistics(Message, verb="statistics", phase=RUN):
    """Process, to `RequestStatistics`, in a run that has begun: what is done so far."""

    statistics: NodeStatistics


@dataclass(frozen=True, slots=True)
class WaitsFor(Message, verb="waits_for", phase=RUN):
    """Process, when it has finished no tick for a second: what it runs or waits for.

    Said once more when that changes, empty when ticks end again; every second at last.
    """

    states: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StopProposed(Message, verb="stop_proposed", phase=STOP):
    """Process, when a component has failed or a stream has ended: end the run here."""

    stop_point: StopPoint


@dataclass(frozen=True, slots=True)
class StopAsked(Message, verb="stop_asked", phase=STOP):
    """Process, when a signal asks it to end: the launcher answers as to Ctrl-C."""


@dataclass(frozen=True, slots=True)
class StopRequest(Message, verb="stop_request", phase=STOP):
    """Launcher, when asked to end the run: start no more ticks; `StopReply` answers."""


@dataclass(frozen=True, slots=True)
class StopReply(Message, verb="stop_reply", phase=STOP):
    """Process, to `StopRequest`: its lowest unfinished tick, and its highest started.

    The first when the request has arrived, the second now; -1 if there is none.
    """

    unfinished: int
    started: int


@dataclass(frozen=True, slots=True)
class StopGranted(Message, verb="stop_granted", phase=STOP):
    """Launcher, once all have sent `StopReply`: run up to here. `Finished` answers."""

    stop_point: StopPoint


@dataclass(frozen=True, slots=True)
class Finished(Message, verb="finished", phase=SHUT_DOWN):
    """Process, once all below the end is done that it knows: the place of that end."""

    tick: int
    order: int


@dataclass(frozen=True, slots=True)
class Deactivate(Message, verb="deactivate", phase=SHUT_DOWN):
    """Launcher, at the end of the run: call `on_deactivate`; `Deactivated` answers."""


@dataclass(frozen=True, slots=True)
class Deactivated(Message, verb="deactivated", phase=SHUT_DOWN):
    """Process, to `Deactivate`: done, but for these failures."""

    failures: tuple[ReportedFailure, ...]


@dataclass(frozen=True, slots=True)
class Shutdown(Message, verb="shutdown", phase=SHUT_DOWN):
    """Launcher, once all are `Deactivated`: call `on_shutdown`; `ShutDown` answers."""


@dataclass(frozen=True, slots=True)
class ShutDown(Message, verb="shut_down", phase=SHUT_DOWN):
    """Process, to `Shutdown`: done, but for these failures."""

    failures: tuple[ReportedFailure, ...]


@dataclass(frozen=True, slots=True)
class RequestReport(Message, verb="request_report", phase=REPORT):
    """Launcher, once all are `ShutDown`, if they were active: say all that you keep.

    `Report`, `Records`, `ChoicesMade` and `Trace` answer, `Reported` at the end.
    """


@dataclass(frozen=True, slots=True)
class Report(Message, verb="report", phase=REPORT):
    """Process, to `RequestReport`, in a run that has begun: what it did, and met."""

    statistics: NodeStatistics
    failures: tuple[ReportedFailure, ...]


@dataclass(frozen=True, slots=True)
class Records(Message, verb="records", phase=REPORT):
    """Process, after `Report`: part of a batch of a port's records, as MessagePack."""

    address: str
    has_more: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class RecordsFailed(Message, verb="records_failed", phase=REPORT):
    """Process, after `Report`: recorded values of a component cannot be sent."""

    failure: ReportedFailure


@dataclass(frozen=True, slots=True)
class ChoicesMade(Message, verb="choices_made", phase=REPORT):
    """Process, after `Report`: a part of what its clock decided, if it did, as JSON."""

    has_more: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Trace(Message, verb="trace", phase=REPORT):
    """Process, after `Report`: a part of its trace, as `Trace.parts` gives it."""

    kind: str
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Reported(Message, verb="reported", phase=REPORT):
    """Process, to `RequestReport`: there is nothing more."""


@dataclass(frozen=True, slots=True)
class RunEnded(Message, verb="run_ended", phase=REPORT):
    """Launcher, at the end or when the run is given up: exit. No answer."""

    is_hurried: bool


@dataclass(frozen=True, slots=True)
class Log(Message, verb="log", phase=ANY_TIME):
    """Process, when its code logs: a record with its traceback, for the launcher's log.

    `address` and `tick` say which component logged, and when; None if none did.
    """

    level: int
    logger: str
    text: str
    address: str | None
    tick: int | None


@dataclass(frozen=True, slots=True)
class RelayFrame(Message, verb="relay_frame", phase=ANY_TIME):
    """Process, whose transport has failed: pass this frame on to `node`, as `Frame`."""

    node: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Frame(Message, verb="frame", phase=ANY_TIME):
    """Launcher: a frame that another process has asked it to pass on."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Overdue(Message, verb="overdue", phase=ANY_TIME):
    """Process, when a component has not returned in time at the end: it was ended."""

    failure: ReportedFailure


@dataclass(frozen=True, slots=True)
class NodeFailed(Message, verb="node_failed", phase=ANY_TIME):
    """Process, before it exits but for a component: its traceback, or why it leaves."""

    traceback: str


@dataclass(frozen=True, slots=True)
class Heartbeat(Message, verb="heartbeat", phase=ANY_TIME):
    """Both, in silence: they are alive. The other's `ControlConnection` drops it."""


@dataclass(frozen=True, slots=True)
class ConnectionLost(Message, verb="connection_lost", phase=ANY_TIME, travels=False):
    """Of a connection, to its own side only: the peer is gone, silent or refused."""

    reason: str
    is_refused: bool = False


ToParticipant = NewStopPoint | LowWatermark | StopRequest | StopGranted
"""What a `StopParticipant` takes."""

ToCoordinator = StopProposed | Progress | Finished | StopReply
"""What a `StopCoordinator` takes."""

PhaseReply = Ready | Configured | Activated | Deactivated | ShutDown
"""The ends of phases of the components' lives, with what failed there."""

Reply = PhaseReply | Hello | Clock | Linked | Reported
"""What the launcher waits for from everybody before it goes on."""

Kept = Report | Records | RecordsFailed | ChoicesMade | Trace
Result = Log | Statistics | WaitsFor | Overdue | Kept
"""What goes into the report of the run, or beside it."""

Phase = Build | Configure | Activate | Link | Start | Deactivate | Shutdown | RunEnded
Question = ReadClock | RequestStatistics | RequestReport
Order = Phase | Question | SystemCopy | Frame | ConnectionLost
ToProcess = ToParticipant | Order
"""What the process of a node takes."""

Incident = RelayFrame | StopAsked | NodeFailed | ConnectionLost
Unasked = ToCoordinator | Result | Incident
FromNode = Reply | Unasked
"""What the launcher takes from a process of which it knows the node."""

FromProcess = FromNode | GetSystem | Beats
"""What the launcher takes."""

TO_PROCESS: Mapping[str, type[ToProcess]] = by_verb(get_args(ToProcess))
FROM_PROCESS: Mapping[str, type[FromProcess]] = by_verb(get_args(FromProcess))
"""The class of each verb, a table a direction."""
