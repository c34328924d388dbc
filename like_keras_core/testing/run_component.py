"""One component on its own: fed with values, and asked what it sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from like_keras_core.authoring.lowering import REBUILT
from like_keras_core.component import Component
from like_keras_core.errors import GraphError
from like_keras_core.issue import errors_in
from like_keras_core.system import System
from like_keras_core.testing.reference import run_on_reference


class Feed(Component):
    """Sends given values, one a tick.

    Args:
        values: By tick; None sends nothing, and so does the time after the last.
        name: Its name.

    Outputs:
        output: The value of the tick.
    """

    def __init__(self, values: Sequence[Any], name: str) -> None:
        super().__init__(name)
        self.values = iter(list(values))

    def forward(self) -> Any:
        """Return the next value."""
        return next(self.values, None)


def run(
    component: Component,
    ticks: int | None = None,
    /,
    *,
    seed: int = 0,
    rate_hz: Any = None,
    **inputs: Any,
) -> Any:
    """Feed one component and return what it sent.

    It lives a whole life: configured, activated, fired tick by tick, deactivated and
    shut down, with values checked for changes by the wrong hands. A run sees nothing
    of an earlier one.

    Args:
        component: What to run.
        ticks: How many ticks; as many as the longest input when omitted.
        seed: Seeds `component.rng`.
        rate_hz: Ticks per second, for `time_s`, `dt` and `takes_s`; when omitted, the
            component's own `rate_hz`. For a component with an input of that name, it is
            the input's values.
        **inputs: By input port, its values by tick; None where it has none.

    Returns:
        By tick, what it sent, with None for nothing; for a component with several
        outputs a dict of that by port.

    Raises:
        GraphError: An input that it needs is missing.
        ComponentError: It raised; the original exception is the `__cause__`.
        TypeError: It has no such input, or neither ticks nor inputs were given.
    """
    if "rate_hz" in component.inputs and rate_hz is not None:
        inputs, rate_hz = {**inputs, "rate_hz": rate_hz}, None
    if rate_hz is None:
        rate_hz = component._lk.rate_hz
    unknown = [name for name in inputs if name not in component.inputs]
    if unknown:
        known = ", ".join(port.name for port in component.inputs) or "none"
        raise TypeError(
            f"{component.name!r} has no input {unknown[0]!r}; it has: {known}."
        )
    for name, values in inputs.items():
        if not isinstance(values, (list, tuple, range)):
            raise TypeError(
                f"The input {name!r} needs a list of values, one a tick; got "
                f"{values!r:.60}. For a constant: {name}=[value] * ticks"
            )
    if ticks is None:
        if not inputs:
            raise TypeError("How many ticks? Say run(component, 10).")
        ticks = max(len(values) for values in inputs.values())
    feeds = [Feed(values, f"feed_{name}") for name, values in inputs.items()]
    system = System([*feeds, component], name="run", rate_hz=rate_hz)
    for feed, name in zip(feeds, inputs, strict=True):
        system.connect(feed.outputs.output, component.inputs[name])
    lowered = system.lower()
    errors = [x for x in errors_in(lowered.issues) if x.code not in REBUILT]
    if errors:
        raise GraphError(errors, system.name)
    report = run_on_reference(system, ticks, seed=seed, check_values=True)
    address = next(name for name, x in lowered.components.items() if x is component)
    sent = {}
    for port in component.outputs:
        pairs = dict(report.records[f"{address}.{port.name}"])
        sent[port.name] = [pairs.get(tick) for tick in range(report.iterations)]
    return sent if len(sent) != 1 else next(iter(sent.values()))
