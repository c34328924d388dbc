"""The order in which things happen within a tick, over all nodes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from like_keras_core.graph.checks import execution_order
from like_keras_core.graph.once import once_per_spec
from like_keras_core.spec import SystemSpec


@once_per_spec
def places_of(spec: SystemSpec) -> Mapping[str, int]:
    """Return by component the place at which its values come, by which ends compare.

    In each tick the results come first of the components that take ticks, in execution
    order, and then the others fire in theirs.
    """
    order = execution_order(spec)
    slow = {component.name for component in spec.components if component.takes}
    names = [spec.components[n].name for n in order]
    later = len(spec.components) if slow else 0
    return MappingProxyType(
        {name: n + later * (name not in slow) for n, name in enumerate(names)}
    )
