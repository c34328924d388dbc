"""What is said of a topic of others from which nothing comes, and why."""

from __future__ import annotations

import time
from logging import Logger
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock
from rclpy.clock_type import ClockType

from like_keras_core.errors import nearest
from lk_engine_ros2_stub.qos import DURABILITIES, RELIABILITIES, Qos, mismatch

LOOK_S = 1.0
"""How often is looked who publishes [s]."""

GRACE_S = 0.9
"""How long the ends of a topic may take to find each other [s]."""


class TopicWatch:
    """Says why nothing comes from a topic: each reason once.

    It looks now and then, in the thread that answers for the node.

    Args:
        node: rclpy's node.
        subscription: What reads the topic.
        message: The type of the messages that are read.
        qos: The quality of service that is asked for.
        log: Where it is said.
    """

    def __init__(
        self, node: Any, subscription: Any, message: str, qos: Qos, log: Logger
    ) -> None:
        self._node = node
        self._subscription = subscription
        self._topic: str = subscription.topic_name
        self._message = message
        self._qos = qos
        self._log = log
        self._said: set[str] = set()
        # How many publish, and how many of them are heard, since the last look; and
        # since when that is so [s].
        self._counts = (0, 0)
        self._since = time.monotonic()
        # Whether anybody has ever been heard, and whether it was said that nobody is.
        self._was_heard = self._is_silent = False
        # Not the clock of the node, which may stand still.
        self._timer = node.create_timer(
            LOOK_S,
            self.look,
            callback_group=MutuallyExclusiveCallbackGroup(),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def look(self) -> None:
        """See who publishes, and say it if not all of them are heard."""
        seen = self._node.count_publishers(self._topic)
        heard = self._subscription.get_publisher_count()
        now = time.monotonic()
        if (seen, heard) != self._counts:
            self._counts, self._since = (seen, heard), now
        self._was_heard |= heard > 0
        if now - self._since < GRACE_S:
            return
        infos = []
        if seen != heard or (heard and self._is_silent):
            infos = self._node.get_publishers_info_by_topic(self._topic)
        reasons = {_name(info): self._reason(info) for info in infos}
        if heard and self._is_silent:
            who = ", ".join(f"node {x!r}" for x in reasons if not reasons[x])
            self._say(f"{self._subject} is published now by {who or 'others'}.")
        for reason in filter(None, reasons.values()):
            self._say(reason)
        if not seen:
            self._say(self._nobody())
        self._is_silent = not heard

    @property
    def _subject(self) -> str:
        return f"The topic {self._topic!r}"

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._log.warning("%s", text)

    def _nobody(self) -> str:
        if self._was_heard:
            return f"{self._subject} is published by nobody any more."
        text = f"{self._subject} is published by nobody; this source waits for "
        text += f"{self._message}."
        known = self._node.get_topic_names_and_types()
        alike = [topic for topic, types in known if self._message in types]
        if near := nearest(self._topic, alike):
            return f"{text} Did you mean {near!r}?"
        if others := sorted(set(alike) - {self._topic}):
            return f"{text} Topics of that type: {', '.join(others[:5])}."
        return text

    def _reason(self, info: Any) -> str:
        """Say why one that publishes is not heard; nothing if it is."""
        who = f"node {_name(info)!r}"
        if info.topic_type != self._message:
            return (
                f"{self._subject} is published as {info.topic_type} by {who}; this "
                f"source reads {self._message}, and gets nothing of it."
            )
        offered = Qos(
            reliability=_policy(info.qos_profile.reliability, RELIABILITIES),
            durability=_policy(info.qos_profile.durability, DURABILITIES),
        )
        reason = mismatch(offered, self._qos)
        if not reason:
            return ""
        cure = {"reliability": offered.reliability, "durability": offered.durability}
        return (
            f"{self._subject} is published by {who} as {_ends(offered)}, and this "
            f"source asks for {_ends(self._qos)}: {reason}. Give the source "
            f"qos={cure!r}."
        )


def _ends(qos: Qos) -> str:
    return f"{qos.reliability}, {qos.durability}"


def _policy(given: Any, known: tuple[str, ...]) -> str:
    """Return a policy by our name; what is not known counts as the one that fits."""
    name = str(given.name).lower()
    return name if name in known else known[-1]


def _name(info: Any) -> str:
    return f"{info.node_namespace.rstrip('/')}/{info.node_name}"
