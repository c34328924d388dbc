"""What keeps a sound system from being a ROS 2 package: every reason, at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from like_keras_core.engine_kit import channels_of, unsendable_issues
from like_keras_core.issue import Issue
from like_keras_core.spec import SystemSpec
from lk_engine_ros2_stub.message_types import is_public, message_of
from lk_engine_ros2_stub.options import option_issues
from lk_engine_ros2_stub.parameters import parameter_issues
from lk_engine_ros2_stub.qos import Qos, mismatch, read_qos
from lk_engine_ros2_stub.ros_names import name_issues
from lk_engine_ros2_stub.ros_topic import SOURCE, ros_topics


def issues_of(spec: SystemSpec) -> list[Issue]:
    """List what this engine cannot compile, or only in a way that may surprise.

    Args:
        spec: The system, sound as far as the core knows.
    """
    options = list(option_issues(spec))
    issues = [*options, *name_issues(spec), *parameter_issues(spec)]
    issues += unsendable_issues(spec, (item.source for item in channels_of(spec)))
    issues += _topics(spec)
    issues += _scripts(spec)
    if not options:
        issues += _ends(spec)
    return issues


def _ends(spec: SystemSpec) -> Iterator[Issue]:
    """Compare what the two ends of a connection say of it."""
    outputs, inputs = spec.outputs(), spec.inputs()
    for connection in spec.connections:
        source, target = outputs[connection.source], inputs[connection.target]
        if "qos" in target.options:
            offered = (
                read_qos(source.options["qos"]) if "qos" in source.options else Qos()
            )
            requested = read_qos(target.options["qos"])
            reason = mismatch(offered, requested)
            if reason:
                yield Issue(
                    f"The ends of '{connection}' do not fit: {reason}. "
                    f"{connection.source!r} offers {offered}; {connection.target!r} "
                    f"asks for {requested}. Give both the same qos.",
                    code="ros-qos",
                    address=connection.target,
                )
        if "ros_type" not in target.options:
            continue
        wanted, given = message_of(target), message_of(source)
        if wanted != given:
            how = "" if is_public(source) else " (no standard message)"
            yield Issue(
                f"The ends of '{connection}' name different messages: "
                f"{connection.source!r} sends {given}{how}, {connection.target!r} "
                f"expects {wanted}. Give {connection.source!r} "
                f"ros_type={wanted!r}, or take it from {connection.target!r}.",
                code="ros-type",
                address=connection.target,
            )


def _topics(spec: SystemSpec) -> Iterator[Issue]:
    """Refuse sources that would halt others, or whose messages have no ticks."""
    topics = ros_topics(spec)
    sources = {name for name, topic in topics.items() if topic.direction == SOURCE}
    crowd = Counter(component.node for component in spec.components)
    for component in spec.components:
        if component.name not in sources:
            continue
        if topics[component.name].read is not None:
            if spec.rate_hz is None:
                yield _without_rate(component.name, topics[component.name].topic)
            continue
        if crowd[component.node] > 1:
            yield Issue(
                f"RosTopic {component.name!r} waits for messages, so no other "
                f"component can be on its node {component.node!r}. Place the others "
                "elsewhere, or let it wait for none: read='newest'.",
                code="foreign-node",
                address=component.name,
            )
        if component.every != 1:
            yield Issue(
                f"every={component.every} of {component.name!r} means nothing: others "
                "publish when they like. Leave it out, or the rate_hz that says it.",
                code="foreign-node",
                address=component.name,
            )
    counted = (name for name in sources if topics[name].ticks is not None)
    yield from _stopped(spec, counted)
    for connection in spec.connections:
        source = connection.producer
        topic = topics.get(source)
        if source in sources and topic and topic.ticks is topic.read is None:
            yield Issue(
                f"The connection '{connection}' takes values from the topic "
                f"{topic.topic!r}, which do not say their ticks. If its n-th message "
                f"is the value of tick n, say so: RosTopic({source!r}, ..., "
                'ticks="count"). If they have a clock of their own, say how they are '
                'read: read="newest", "each" or "all".',
                code="foreign-ticks",
                address=connection.source,
            )


def _stopped(spec: SystemSpec, sources: Iterable[str]) -> Iterator[Issue]:
    """Warn of inputs that wait for nobody, and yet would stop with a topic."""
    inputs, awaited = spec.inputs(), set(sources)
    if spec.rate_hz is None or spec.late == "skip":
        return
    for connection in spec.connections:
        port = inputs[connection.target]
        if connection.producer in awaited and port.policy == "latest":
            name = connection.producer
            yield Issue(
                f"{connection.target!r} reads {name!r} with the policy latest, and "
                f"{name!r} waits for each of its messages (ticks='count'): where none "
                "come, this system stops after run_ahead ticks. To go on, read the "
                "topic with read='newest' in place of ticks='count', or run with "
                "late='skip'.",
                code="foreign-latest",
                address=connection.target,
                severity="warning",
            )


def _without_rate(name: str, topic: str) -> Issue:
    return Issue(
        f"RosTopic {name!r} reads at each tick what has come of {topic!r}, and this "
        "system has no rate: its ticks would come as fast as they can, and most of "
        "them give nothing. Say how fast it is: System(..., rate_hz=100), or "
        "launch(rate_hz=100).",
        code="foreign-rate",
        address=name,
    )


def _scripts(spec: SystemSpec) -> Iterator[Issue]:
    """Warn of components that only a script has: the package does not carry it."""
    scripts: dict[str, list[str]] = {}
    for component in spec.components:
        module = component.entry_point.partition(":")[0]
        if module.endswith(".py"):
            scripts.setdefault(module, []).append(component.name)
    for script, names in scripts.items():
        yield Issue(
            f"The script {script!r} has {', '.join(map(repr, names))}; the package "
            "does not carry it. Before you start the nodes, put its folder on "
            "PYTHONPATH, or move the classes to a module that is installed.",
            code="script",
            address=names[0],
            severity="warning",
        )
