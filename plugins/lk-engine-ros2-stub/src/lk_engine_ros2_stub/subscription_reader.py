"""Messages of some topics, read by the thread that waits for them.

An executor would read them too, but for each wait it makes a set of all that a node
has, and of each message a task. Here the set has these subscriptions only, and is kept.

While this thread waits no other one may wait for the same subscriptions, not even for
what ROS says about them: each message would wake both, and they would be in each
other's way.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.context import Context
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.exceptions import InvalidHandle
from rclpy.guard_condition import GuardCondition
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

_LOOK_S = 200e-6
"""How often a busy thread looks for messages [s]."""

_LATE_S = 150e-6
"""By how much a wait for messages may end late [s]; shorter waits are slept."""

_WAIT_S = 0.1
"""How long a wait lasts at most: signals are heeded in between [s]."""

_MANY = 256
"""So many messages of a topic are taken in one go: other things have their turn."""


class _Unattended(MutuallyExclusiveCallbackGroup):  # type: ignore[misc]
    """Keeps executors from subscriptions, but not from what ROS says about them."""

    def can_execute(self, entity: Any) -> bool:
        return not isinstance(entity, Subscription) and super().can_execute(entity)


class Reader:
    """Reads topics in the thread that calls `receive`.

    Args:
        context: The context of their node.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._group = _Unattended()
        self._guard = GuardCondition(None, None, context)
        # Each with what takes its messages, and whether that wants to know of them.
        self._topics: list[tuple[Any, Callable[..., None], bool]] = []
        self._set = self._new_set()
        self._looked_at = 0.0

    def subscribe(
        self,
        node: Node,
        message: Any,
        topic: str,
        take: Callable[..., None],
        qos: QoSProfile,
        *,
        raw: bool = False,
        has_info: bool = False,
        event_callbacks: SubscriptionEventCallbacks | None = None,
    ) -> Any:
        """Return a new subscription.

        Args:
            node: The node that subscribes.
            message: The messages' class.
            topic: The topic's full name.
            take: Gets each message, from within `receive` and `collect` only.
            qos: The quality of service.
            raw: Whether `take` gets messages as they are serialised.
            has_info: Whether it gets what ROS knows of each, too.
            event_callbacks: Get what ROS says of the topic; its own when omitted.
        """
        subscription = node.create_subscription(
            message,
            topic,
            take,
            qos,
            callback_group=self._group,
            event_callbacks=event_callbacks,
            raw=raw,
        )
        self._topics.append((subscription, take, has_info))
        self._set = self._new_set()
        return subscription

    def receive(self, timeout_s: float) -> None:
        """Take what has come; if there is nothing, wait for it or for `wake`.

        Args:
            timeout_s: How long to wait at most [s]. With 0 it looks now and then only.
        """
        if not timeout_s and time.monotonic() - self._looked_at < _LOOK_S:
            return
        if not self._take() and timeout_s:
            self._wait(timeout_s)
            self._take()
        self._looked_at = time.monotonic()

    def wake(self) -> None:
        """End the present wait, or the next one; from any thread or handler."""
        with suppress(InvalidHandle):
            self._guard.trigger()

    def close(self) -> None:
        """Read no more."""
        self._topics.clear()
        self._guard.destroy()

    def collect(self, subscription: Any) -> None:
        """Take what has come on one topic, without waiting."""
        for item in self._topics:
            if item[0] is subscription:
                _take_from(*item)

    def _take(self) -> bool:
        """Take what has come; return whether there was anything."""
        is_any = False
        for item in self._topics:
            is_any |= _take_from(*item)
        return is_any

    def _wait(self, timeout_s: float) -> None:
        if timeout_s < 2 * _LATE_S:
            time.sleep(timeout_s)
            return
        self._set.clear_entities()
        for subscription, _, _ in self._topics:
            self._set.add_subscription(subscription.handle)
        self._set.add_guard_condition(self._guard.handle)
        self._set.wait(int(1e9 * min(timeout_s - _LATE_S, _WAIT_S)))

    def _new_set(self) -> Any:
        counts = len(self._topics), 1, 0, 0, 0, 0
        return rclpy_implementation.WaitSet(*counts, self._context.handle)


def _take_from(subscription: Any, take: Callable[..., None], has_info: bool) -> bool:
    """Take what has come on one topic; return whether there was anything."""
    handle = subscription.handle
    message, is_raw = subscription.msg_type, subscription.raw
    for number in range(_MANY):
        taken = handle.take_message(message, is_raw)
        if taken is None:
            return number > 0
        if has_info:
            take(*taken)
        else:
            take(taken[0])
    return True
