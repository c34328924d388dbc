"""How often each component is to fire, as far as a spec says it."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from like_keras_core.graph.checks import execution_order, sync_inputs
from like_keras_core.graph.once import once_per_spec
from like_keras_core.spec import SystemSpec


@once_per_spec
def firing_periods(spec: SystemSpec) -> dict[str, Fraction]:
    """Return the mean number of ticks from one firing to the next, by component.

    A component that sync inputs fire has the period of the slowest of them, where each
    of its values is one. What takes ticks begins again with the first value that finds
    it free.
    """
    fed = {connection.target: connection for connection in spec.connections}
    periods: dict[str, Fraction] = {}
    for n in execution_order(spec):
        component = spec.components[n]
        inputs = sync_inputs(component, fed)
        found = [periods.get(item.producer, Fraction(1)) for item in inputs]
        period = max(found, default=Fraction(component.every))
        if component.takes:
            period *= max(1, ceil(component.takes / period))
        periods[component.name] = period
    return periods
