"""What a system gives on the reference host: the core's own, in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from like_keras_core.authoring.lowering import spec_at
from like_keras_core.errors import GraphError
from like_keras_core.graph.checks import check
from like_keras_core.issue import errors_in
from like_keras_core.report import RunReport
from like_keras_core.runtime.host.single_host import SingleHost
from like_keras_core.runtime.host.single_process import run_alone
from like_keras_core.runtime.loader import instantiate
from like_keras_core.runtime.stop import StopSignal
from like_keras_core.spec import HasSpec, SystemSpec

NAME = "reference host"


def run_on_reference(
    system: HasSpec | SystemSpec,
    iterations: int | None = None,
    *,
    record: Sequence[str] | str = "all",
    seed: int = 0,
    check_values: bool = False,
    rate_hz: float | None = None,
    **others: Any,
) -> RunReport:
    """Run a system on one host in this process; no engine takes part.

    Args:
        system: A live system, or its spec.
        iterations: How many ticks; None until it ends itself.
        record: Addresses of output ports, or `"all"`.
        seed: Seeds every component's `rng`.
        check_values: Find components that change what they receive.
        rate_hz: Ticks per second by the clock of a system without a rate. Nothing
            waits for it.
        **others: Options that cannot change what a system gives; not used.

    Raises:
        GraphError: The system has errors.
        ComponentError: A component raised.
    """
    spec = spec_at(system, rate_hz)
    errors = errors_in(check(spec))
    if errors:
        raise GraphError(errors, spec.name)
    components = instantiate(system, spec)
    host = SingleHost(
        spec, components, seed=seed, record=record, check_values=check_values
    )
    return run_alone(host, NAME, iterations, stop=StopSignal())
