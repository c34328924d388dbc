"""The life of a component, in the words of ROS 2's managed nodes.

```text
UNCONFIGURED --on_configure--> INACTIVE --on_activate--> ACTIVE
ACTIVE --on_deactivate--> INACTIVE --on_shutdown--> FINALIZED
```

References:
    ROS 2 design, *Managed nodes*, https://design.ros2.org/articles/node_lifecycle.html
"""

from __future__ import annotations

import enum


class LifecycleState(enum.Enum):
    """Where a component stands between construction and shutdown."""

    UNCONFIGURED = "unconfigured"
    INACTIVE = "inactive"
    ACTIVE = "active"
    FINALIZED = "finalized"


AFTER = {
    "on_configure": LifecycleState.INACTIVE,
    "on_activate": LifecycleState.ACTIVE,
    "on_deactivate": LifecycleState.INACTIVE,
    "on_shutdown": LifecycleState.FINALIZED,
}
"""The state that each hook leads to."""

HOOKS = tuple(AFTER)
