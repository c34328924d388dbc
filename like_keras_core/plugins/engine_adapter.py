"""An engine as a plug-in: its methods behind the four hooks, and their contract.

Authors of engines write plain Python; what they got wrong is found here, before a
method is called and after it returned, and said in terms of their own code.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from like_keras_core.engine import Artefact, Engine, as_issue
from like_keras_core.errors import (
    EngineBrokenError,
    EngineContractError,
    EngineOptionError,
    LkError,
)
from like_keras_core.hookspecs import hookimpl
from like_keras_core.issue import Issue
from like_keras_core.launch_options import OPTIONS
from like_keras_core.plugins.compatibility import (
    depth_in_common,
    split_entry_point,
)
from like_keras_core.plugins.discovery import EngineEntry, find_engines
from like_keras_core.report import RunReport
from like_keras_core.spec import ComponentSpec, as_spec
from like_keras_core.suggestions import module_advice

if TYPE_CHECKING:
    from like_keras_core.spec import HasSpec, SystemSpec

_EXPECTED = {
    "validate": "validate(self, system)",
    "compile": "compile(self, system, build_dir=None)",
    "launch": "launch(self, system, config_path=None, **options)",
    "serialize_component": "serialize_component(self, component)",
}
_RESERVED = frozenset({"system", "config_path"})
_ALWAYS_PASSED = frozenset(
    {
        *("iterations", "rate_hz", "record", "taps", "check_values", "timeout_s"),
        *("seed", "window", "run_ahead", "heartbeat_s", "progress", "stop"),
    }
)
"""What the first engines found in their `**options` at every launch, and may read
there unasked. It never grows: an option that came later is passed when it is given.
"""
_CALLS: dict[str, tuple[int, tuple[str, ...]]] = {
    "validate": (1, ()),
    "compile": (1, ("build_dir",)),
    "launch": (1, ("config_path",)),
    "serialize_component": (1, ()),
}


class EngineHooks:
    """The one plug-in of a session that answers for the engine.

    Args:
        engine: The engine whose methods the hooks call.

    Raises:
        EngineContractError: A method cannot be called as the core calls it.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        problems = contract_problems(engine)
        if problems:
            raise EngineContractError(describe(engine), *problems)

    @hookimpl
    def validate(self, system: SystemSpec) -> list[Issue]:
        """Turn the engine's verdict and its reasons into issues."""
        verdict: Any = self.engine.validate(system)
        if not (
            isinstance(verdict, tuple)
            and len(verdict) == 2
            and isinstance(verdict[0], bool)
            and isinstance(verdict[1], list)
            and all(isinstance(reason, str) for reason in verdict[1])
        ):
            raise self._breach("validate", "a (bool, list[str])", verdict)
        name = self.engine.name
        is_valid, reasons = verdict
        issues = [as_issue(reason, name) for reason in reasons]
        if not is_valid and all(issue.severity != "error" for issue in issues):
            text = f"Engine {name!r} refuses the system and gives no reason."
            issues.append(Issue(text, code="no-reason", plugin=name))
        return issues

    @hookimpl
    def compile(self, system: SystemSpec, build_dir: Path | None) -> Artefact:
        """Have the engine write its files."""
        with self._imports():
            path: object = self.engine.compile(system, build_dir=build_dir)
        if path is None or isinstance(path, Path):
            return Artefact(self.engine.name, path)
        raise self._breach("compile", "a pathlib.Path or None", path)

    @hookimpl
    def launch(
        self, system: HasSpec | SystemSpec, artefact: Artefact, options: dict[str, Any]
    ) -> RunReport:
        """Have the engine run the system; an option that it cannot take is refused."""
        passed = options_for(self.engine, system, options)
        with self._imports():
            report: object = self.engine.launch(
                system, config_path=artefact.path, **passed
            )
        if isinstance(report, RunReport):
            return report
        raise self._breach("launch", "a RunReport", report)

    @contextmanager
    def _imports(self) -> Iterator[None]:
        """Say what to install where a module is missing."""
        try:
            yield
        except ModuleNotFoundError as error:
            if isinstance(error, LkError) or not error.name:
                raise
            records = (x for x in find_engines() if x.name == self.engine.name)
            record = next(records, None)
            if record is None or record.status != "ok":
                raise
            reason = module_advice(error.name, record.distribution)
            origin = (record.name, record.distribution, "missing-module", reason)
            raise EngineBrokenError(*origin, record.version) from error

    @hookimpl
    def serialize_component(self, component: Any) -> ComponentSpec | None:
        """Ask the engine how a component appears in its artefact."""
        answer: object = self.engine.serialize_component(component)
        if answer is None or isinstance(answer, ComponentSpec):
            return answer
        raise self._breach("serialize_component", "a ComponentSpec or None", answer)

    def _breach(self, hook: str, expected: str, found: object) -> EngineContractError:
        who = describe(self.engine)
        return EngineContractError.wrong_answer(who, hook, expected, found)


def describe(engine: Engine) -> str:
    """Name an engine for messages: its name, and the distribution it came with."""
    kind = type(engine)

    def nearness(record: EngineEntry) -> tuple[int, bool, bool]:
        module = split_entry_point(record.entry_point)[0]
        depth = depth_in_common(module, kind.__module__)
        return depth, record.name == engine.name, record.status == "ok"

    record = max(find_engines(), key=nearness, default=None)
    if record is not None and nearness(record)[0]:
        return f"Engine {engine.name!r} ({record.origin})"
    return f"Engine {engine.name!r} ({kind.__module__}.{kind.__qualname__})"


def contract_problems(engine: Engine) -> list[str]:
    """List what keeps the core from calling an engine; nothing of it is called."""
    problems = []
    for method, (count, keywords) in _CALLS.items():
        function = getattr(engine, method, None)
        if not callable(function):
            problems.append(f"{method} is {function!r}; expected {_EXPECTED[method]}.")
            continue
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):
            continue
        try:
            signature.bind(*range(count), **dict.fromkeys(keywords))
        except TypeError as error:
            problems.append(
                f"found {_source_signature(engine, method, signature)}, expected "
                f"{_EXPECTED[method]} ({error})."
            )
    capabilities: object = engine.capabilities
    if not isinstance(capabilities, (set, frozenset)):
        problems.append(
            f"capabilities is {capabilities!r:.200}; expected a frozenset of names."
        )
    return problems


def _source_signature(engine: Engine, method: str, bound: inspect.Signature) -> str:
    """Return a method's signature as its author wrote it, with `self`."""
    function = getattr(type(engine), method, None)
    try:
        signature = bound if function is None else inspect.signature(function)
    except (TypeError, ValueError):
        signature = bound
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in signature.parameters.values()
    ]
    return f"{method}{inspect.Signature(parameters)}"


def options_for(
    engine: Engine, system: HasSpec | SystemSpec, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the options that an engine's `launch` is called with.

    Those that it names are passed; others of every launch are left out at their
    defaults, so that a new one changes nothing for an engine that was made before.

    Args:
        engine: The engine.
        system: What it launches.
        options: What was asked for, with defaults.

    Raises:
        EngineOptionError: An option that the engine does not know was given.
    """
    named, takes_any = _option_names(engine.launch)
    passed, unknown = {}, []
    for name, value in options.items():
        if name in _RESERVED:
            unknown.append(name)
        elif name in named or (takes_any and name in _ALWAYS_PASSED):
            passed[name] = value
        elif _is_left_out(name, value, system):
            continue
        elif takes_any:
            passed[name] = value
        elif name == "speed":
            continue  # The rate to keep is told: there is none.
        else:
            unknown.append(name)
    if unknown:
        raise EngineOptionError(engine.name, unknown, named)
    return passed


def _is_left_out(name: str, value: Any, system: HasSpec | SystemSpec) -> bool:
    """Say whether an option says nothing that the engine does not know without it."""
    option = OPTIONS.get(name)
    if option is None:
        return False
    if name == "rate_hz" and value is not None:
        return bool(value == as_spec(system).rate_hz)
    return option.is_default(value)


def _option_names(launch: Callable[..., Any]) -> tuple[set[str], bool]:
    """Return the options that a `launch` names, and whether it takes any other."""
    try:
        parameters = inspect.signature(launch).parameters.values()
    except (TypeError, ValueError):
        return set(), True
    takes_any = any(item.kind is item.VAR_KEYWORD for item in parameters)
    named = {
        item.name
        for item in parameters
        if item.kind in (item.POSITIONAL_OR_KEYWORD, item.KEYWORD_ONLY)
    }
    return named - _RESERVED, takes_any
