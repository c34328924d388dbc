"""Parameters of an earlier run: what was set, and how a replay sets it again."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeVar

from like_keras_core.authoring.composition import Composition
from like_keras_core.authoring.flattening import flatten
from like_keras_core.authoring.param_check import Given, ParamCheck
from like_keras_core.authoring.twins import with_params
from like_keras_core.spec import HasSpec, SystemSpec
from like_keras_core.values.plain_data import NotPlainError, to_plain

_System = TypeVar("_System", bound=Composition)


def params_set(system: HasSpec | SystemSpec) -> dict[str, Any]:
    """Return what was set of a live system's components, by address, as plain data.

    For recorders: `System.with_params` sets it again. What no plain data stands for is
    left out. Of a spec nothing is known.

    Args:
        system: What is launched.
    """
    found = {}
    if isinstance(system, Composition):
        for address, value in system._lk_params.items():
            with suppress(NotPlainError, RecursionError):
                found[address] = to_plain(value)
    return found


def with_earlier_params(
    system: _System, params: Mapping[str, Any]
) -> tuple[_System, list[str]]:
    """Return a system with the parameters of an earlier run, and what does not fit.

    For replays. What was set of the system itself counts more, and is not set twice.

    Args:
        system: The system as it is now.
        params: What was set in the earlier run, by address.
    """
    components = flatten(system).components
    fitting, problems = {}, []
    for address, value in params.items():
        if address in system._lk_params:
            continue
        check = ParamCheck(components)
        check.add(Given({address: value}, "the recording"))
        check.finish()
        problems += check.problems
        if not check.problems:
            fitting[address] = value
    if not fitting:
        return system, problems
    own = Given(system._lk_params, "params")
    return with_params(system, [Given(fitting, "the recording"), own]), problems
