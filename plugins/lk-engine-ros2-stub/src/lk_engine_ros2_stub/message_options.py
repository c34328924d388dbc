"""What a port may say about the messages of its values: checks before any run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from like_keras_core.errors import nearest
from like_keras_core.issue import Issue
from like_keras_core.spec import ComponentSpec, PortSpec, SystemSpec
from lk_engine_ros2_stub.image_encodings import encoding_of
from lk_engine_ros2_stub.message_types import (
    ENCODED,
    IMAGE,
    SCALARS,
    is_public,
    message_of,
)

MESSAGE_OPTIONS = ("encoding", "frame_id", "header_from")
"""The options of an output port that say how its messages are made."""


def message_option_issues(spec: SystemSpec) -> Iterator[Issue]:
    """List what ports say about their messages that cannot be followed."""
    for component in spec.components:
        for port in component.outputs:
            address = component.address_of(port)
            for name in MESSAGE_OPTIONS:
                if name not in port.options:
                    continue
                problem = _problem(name, port.options[name], component, port)
                if problem:
                    yield Issue(
                        f"The option {name!r} of {address!r} cannot be used: {problem}",
                        code="ros-message",
                        address=address,
                    )


def encoding_problem(given: Any, message: str, allowed: tuple[str, ...]) -> str | None:
    """Say why an encoding cannot be that of a message's images.

    Args:
        given: The encoding.
        message: The message's type.
        allowed: The types whose images have one.
    """
    if message not in allowed:
        return f"{message} has no encoding; {' and '.join(allowed)} have."
    try:
        encoding_of(str(given))
    except ValueError as error:
        return str(error)
    return None


def _problem(
    name: str, given: Any, component: ComponentSpec, port: PortSpec
) -> str | None:
    if not isinstance(given, str):
        return f"it is a string; got {given!r:.80}."
    message = message_of(port)
    if name == "encoding":
        return encoding_problem(given, message, (IMAGE,))
    if not is_public(port):
        return (
            f"the values are not published as a message with a header (the port is "
            f"annotated {port.type}). Say which with ros_type=."
        )
    if message in SCALARS or message == ENCODED:
        return f"{message} has no header."
    if name == "header_from":
        names = [item.name for item in component.inputs]
        if given not in names:
            near = nearest(given, names)
            cure = f" Did you mean {near!r}?" if near else ""
            known = f"its inputs are {', '.join(names)}" if names else "it has none"
            return f"{component.name!r} has no input {given!r}; {known}.{cure}"
    return None
