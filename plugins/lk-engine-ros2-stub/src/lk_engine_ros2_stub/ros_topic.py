"""Topics of other ROS nodes as components, and how they are found in a spec."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from like_keras_core.component import Component
from like_keras_core.engine_kit import ArrivalReader, address_of
from like_keras_core.errors import EngineError
from like_keras_core.node import Node
from like_keras_core.port import OutputPort
from like_keras_core.spec import ComponentSpec, SystemSpec
from lk_engine_ros2_stub.headers import header_of
from lk_engine_ros2_stub.left_out import LeftOut
from lk_engine_ros2_stub.message_options import encoding_problem
from lk_engine_ros2_stub.message_types import COMPRESSED, IMAGE, python_type
from lk_engine_ros2_stub.name_rules import message_type_problem, topic_problem
from lk_engine_ros2_stub.qos import read_qos

if TYPE_CHECKING:
    from like_keras_core.engine_kit import ExternalInput
    from lk_engine_ros2_stub.topic_endpoints import Published, Subscribed

ENTRY_POINT = "lk_engine_ros2_stub.ros_topic:RosTopic"
SOURCE, SINK = "source", "sink"
TICKS = "count"


class RosTopic(Component):
    """Joins a topic of other ROS nodes to a system, as a source or as a sink.

    Only the ROS 2 engine can run it. The types of values are those of the messages: a
    `std_msgs` message with one field is its value, a `sensor_msgs/msg/Image` an array,
    any other a dict with its fields, in which numbers in a row are a numpy array.

    A source says how it reads what comes, which has no ticks. With `ticks="count"` it
    gives one message at each tick, and waits for it: it sets the pace of what reads it,
    unless that has the policy `latest`. What comes early waits in memory. Without a
    message the run waits for ever, and `timeout_s` or a stop ends it.

    With `read=` messages have a clock of their own, and the system has its: at each
    tick the source gives what has come, and waits for nothing. That needs a rate.

    The topic itself is as ROS makes it: a message may be lost before the two ends have
    found each other, and always with best effort. All other connections of a system
    lose nothing.

    Args:
        name: Its name in the system.
        type: The messages' type, such as `"sensor_msgs/msg/JointState"`.
        topic: The topic's full name, such as `"/joint_states"`.
        direction: `"source"` gives the system what others publish; `"sink"` publishes
            what it is given.
        qos: The quality of service, as of a port.
        ticks: `"count"` says that the n-th message is the value of tick n. This or
            `read` is needed where the output of a source is connected.
        node: Where it runs: on a node of its own when omitted. A source that waits
            shares its node with nobody.
        machine: Where its own node runs, as of a `Node`.
        encoding: Of images: what their arrays are, as `"rgb8"`. A source converts
            what arrives to it, and decodes a `CompressedImage`; when omitted, an array
            is as it arrives. A sink says it of what it is given; when omitted, it
            follows from the array's type and shape.
        raw: Of a source: whether each value is a dict with all fields of the message,
            also where the message has a shorter form.
        header: Of a source: whether the messages' headers are given too, as a dict at
            the output `header`. Of a sink: whether they are taken, at the input
            `header`.
        frame_id: Of a sink: what headers say of the frame where values do not.
        read: What a tick gives: `"newest"`, the newest message since the last tick;
            `"each"`, one message, in order; `"all"`, a list of all since the last tick.
            Where none has come, the first two give nothing, and the third an empty
            list.
        max_age_s: A message that came longer ago than this is not given [s].
        stale_after_s: After how long without a message the topic counts as silent [s];
            adds the output `fresh`.
        backlog: How many messages wait at most with `"each"` and `"all"`, before the
            oldest are left out; 256 when omitted.
        arrival: Whether there is an output that says when messages came.

    Inputs:
        value: Of a sink: what is published. What does not fit is left out, and logged.
        header: Of a sink with `header=True`: what its messages' headers say, unless
            the value does. Without it their time is the ROS clock's.

    Outputs:
        output: Of a source: what was received.
        header: Of a source with `header=True`: the header of what was received.
        arrival: Of a source with `arrival`: a dict with `age_s`, how long before the
            tick the message came [s], `received_ns`, when it came, and `stamp_ns`, the
            time in its header or None [ns]; with `"all"` a list of these.
        fresh: Of a source with `stale_after_s`: at each tick, whether a message has
            come within that time.

    Raises:
        ValueError: ROS takes no such name, or an argument is none of those that can
            be chosen.
    """

    needs = ("foreign-nodes",)
    _published: Published | None = None
    _left_out: LeftOut | None = None
    _subscribed: Subscribed | None = None
    _outside: ExternalInput | None = None
    _reader: ArrivalReader

    def __init__(
        self,
        name: str,
        type: str,
        topic: str,
        direction: str,
        qos: Any = "reliable",
        ticks: str | None = None,
        node: Node | None = None,
        machine: str = "local",
        *,
        encoding: str | None = None,
        raw: bool = False,
        header: bool = False,
        frame_id: str = "",
        read: str | None = None,
        max_age_s: float | None = None,
        stale_after_s: float | None = None,
        backlog: int | None = None,
        arrival: bool = False,
    ) -> None:
        own = Node(name, machine=machine, engine="ros2")
        super().__init__(name, node=own if node is None else node)
        for problem in (message_type_problem(type), topic_problem(topic)):
            if problem:
                raise ValueError(f"RosTopic {name!r} cannot be: {problem}")
        _choose(name, "direction", direction, (SOURCE, SINK))
        _choose(name, "ticks", ticks, (TICKS, None))
        what = f"RosTopic {name!r}"
        ArrivalReader.check(
            what,
            ticks=ticks,
            read=read,
            max_age_s=max_age_s,
            stale_after_s=stale_after_s,
            backlog=backlog,
            arrival=arrival,
        )
        if direction == SINK and read is not None:
            raise ValueError(f"{what} is a sink, which reads nothing: leave read= out.")
        self.type, self.topic, self.qos = type, topic, read_qos(qos)
        self.direction, self.read, self.max_age_s = direction, read, max_age_s
        self.stale_after_s, self.backlog = stale_after_s, backlog
        self.arrival = arrival
        reason = _form_problem(type, direction, encoding, raw, frame_id)
        if reason:
            raise ValueError(f"{what} cannot be: {reason}")
        self.encoding, self.raw, self.frame_id = encoding, raw, frame_id
        self.header = header
        self.declare_ports(
            inputs=["value", *["header"] * header] if direction == SINK else [],
            outputs=self._outputs() if direction == SOURCE else [],
        )

    def _outputs(self) -> dict[str, OutputPort]:
        kind = dict if self.raw else python_type(self.type)
        if self.read == "all":
            kind = list
        outputs = {"output": OutputPort() if kind is None else OutputPort(kind)}
        if self.header:
            outputs["header"] = OutputPort(list if self.read == "all" else dict)
        if self.arrival:
            outputs["arrival"] = OutputPort(list if self.read == "all" else dict)
        if self.stale_after_s is not None:
            outputs["fresh"] = OutputPort(bool)
        return outputs

    def __init_subclass__(cls, **kwargs: Any) -> None:
        raise TypeError(
            f"{cls.__qualname__} cannot be a subclass of RosTopic: what a RosTopic is "
            "stands in its arguments. Write a function that returns one."
        )

    def on_configure(self) -> None:
        """Open the topic."""
        from lk_engine_ros2_stub.process_node import current

        node = current()
        if node is None:
            return
        if self.direction == SINK:
            self._published = node.publish(
                self.topic,
                self.type,
                self.qos,
                encoding=self.encoding,
                frame_id=self.frame_id,
            )
            self._left_out = LeftOut(self.log, f"The value for {self.name!r}")
            return
        who = f"the topic {self.topic!r}"
        self._outside = node.outside(address_of(self), who)
        self._reader = ArrivalReader(
            self.read,
            self.log,
            who,
            max_age_s=self.max_age_s,
            stale_after_s=self.stale_after_s,
            backlog=self.backlog,
        )
        ArrivalReader.report_for(self, {"output": self._reader})
        self._subscribed = node.subscribe(
            self.topic,
            self.type,
            self.qos,
            self._reader,
            encoding=self.encoding,
            raw=self.raw,
            header=self.header,
        )

    def forward(self, **inputs: Any) -> Any:
        """Publish what came, or return what others have published.

        Raises:
            EngineError: This process is not a ROS node.
            EndOfStream: The run is to stop.
            TypeError: A message cannot be read as it is wanted.
        """
        if self._published is not None and self._left_out is not None:
            where = f"The value for {self.name!r}"
            try:
                header = header_of(inputs["header"]) if self.header else None
                self._published.send(inputs["value"], where, header=header)
            except TypeError as error:
                self._left_out.add(self.tick, error)
            return None
        if self._subscribed is None or self._outside is None:
            raise EngineError(
                f"{self.name!r} stands for the topic {self.topic!r}, which only the "
                "ROS 2 engine can join: launch(engine='ros2'). Elsewhere put a "
                "component in its place."
            )
        subscribed = self._subscribed
        if self.read is None:
            self._outside.begin()
            while not self._reader.queue:
                self._outside.wait()
            (arrival,) = self._reader.read()
            return subscribed.outputs(arrival.value)
        subscribed.collect()
        found = self._reader.read()
        rows = [subscribed.outputs(item.value) for item in found]
        if self.arrival:
            told = map(self._reader.told, found)
            rows = [{**row, "arrival": x} for row, x in zip(rows, told, strict=True)]
        names = ["output", *["header"] * self.header, *["arrival"] * self.arrival]
        outputs: dict[str, Any] = {x: [row[x] for row in rows] for x in names}
        if self.read != "all":
            outputs = {port: x[0] if x else None for port, x in outputs.items()}
        if self.stale_after_s is not None:
            outputs["fresh"] = self._reader.is_fresh
        return outputs

    def on_deactivate(self) -> None:
        """Let those who read a sink have the last of it."""
        if self._published is not None:
            self._published.close()
        if self._left_out is not None:
            self._left_out.close()


def _form_problem(
    type: str, direction: str, encoding: str | None, raw: bool, frame_id: str
) -> str | None:
    """Say why messages cannot become values, or values messages, as is asked."""
    if raw and direction == SINK:
        return "raw is of a source; a sink takes a dict of fields for any message."
    if frame_id and direction == SOURCE:
        return "frame_id is of a sink; what arrives says its own."
    if encoding is None:
        return None
    if raw:
        return "an image is either raw or has an encoding. Leave one out."
    allowed = (IMAGE, COMPRESSED) if direction == SOURCE else (IMAGE,)
    return encoding_problem(encoding, type, allowed)


def _choose(name: str, what: str, given: object, known: tuple[str | None, ...]) -> None:
    if given not in known:
        raise ValueError(
            f"The {what} of RosTopic {name!r} is one of "
            f"{', '.join(map(repr, known))}; got {given!r}."
        )


@dataclass(frozen=True, slots=True)
class Joined:
    """What a spec says of a `RosTopic`.

    Args:
        type: The messages' type.
        topic: The topic's full name.
        direction: `"source"` or `"sink"`.
        ticks: How the messages of a source are numbered.
        read: How those are read that have no numbers.
    """

    type: str
    topic: str
    direction: str
    ticks: str | None = None
    read: str | None = None


def is_ros_topic(component: ComponentSpec) -> bool:
    """Say whether a component is a `RosTopic`."""
    return component.entry_point == ENTRY_POINT


def ros_topics(spec: SystemSpec) -> dict[str, Joined]:
    """Return the topics of others that a system joins, by the component's address."""
    found = {}
    for component in filter(is_ros_topic, spec.components):
        given = component.config or {}
        found[component.name] = Joined(
            str(given.get("type")),
            str(given.get("topic")),
            str(given.get("direction")),
            given.get("ticks"),
            given.get("read"),
        )
    return found
