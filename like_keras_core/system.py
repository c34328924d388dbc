"""The composition of components: wired, placed, and run on an engine."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from like_keras_core.authoring.component_state import snake_case
from like_keras_core.authoring.composition import Composition
from like_keras_core.authoring.flattening import flatten
from like_keras_core.authoring.launch_args import OutputAddresses
from like_keras_core.authoring.lowering import REBUILT, UNFED, Lowered, lower, node_of
from like_keras_core.authoring.port_lookup import ends_of
from like_keras_core.component import Component
from like_keras_core.errors import (
    CapabilityError,
    ComponentError,
    GraphError,
    LaunchTimeoutError,
    LkWarning,
    MixedEnginesError,
    PluginError,
    SpecError,
)
from like_keras_core.graph.checks import check
from like_keras_core.graph.requirements import needs
from like_keras_core.issue import Issue, errors_in
from like_keras_core.launch_options import LaunchOptions, quantity
from like_keras_core.node import Node, check_name
from like_keras_core.plugins.session import missing_capabilities
from like_keras_core.port import Delay, InputPort, OutputPort, check_free
from like_keras_core.runtime.loader import instantiate, wire
from like_keras_core.runtime.stop import StopSignal
from like_keras_core.spec import SystemSpec, component_of
from like_keras_core.tap import Tap
from like_keras_core.values.class_refs import stop_loading_script
from like_keras_core.view.diagram import draw, to_mermaid, to_summary

if TYPE_CHECKING:
    from like_keras_core.engine import Engine
    from like_keras_core.plugins.session import Session
    from like_keras_core.report import RunReport

DEFAULT_ENGINE = "native"
_OWN = frozenset({"_given", "links", "inferred", "_index", "_stops"})

_frozen: ContextVar[tuple[System, Lowered] | None] = ContextVar("frozen", default=None)
"""The system that this thread compiles or launches, lowered once for all of it."""


class System(Composition):
    """A composition of components, and of other systems.

    Args:
        components: Components and subsystems, in order. Where nothing is connected,
            each one's single output feeds the next one's single input.
        name: The class name in snake case for a subclass, else `"system"`.
        rate_hz: Ticks per second; as fast as possible when omitted.

    Components may also be set as attributes in a subclass's `__init__`.
    """

    _given: Sequence[Any] = ()
    _index: dict[str, Component]
    _stops: list[StopSignal]

    def __new__(cls, *args: Any, **kwargs: Any) -> System:
        """Begin empty, so that attributes may be set before `super().__init__()`."""
        system = super().__new__(cls)
        system.name = "system" if cls is System else snake_case(cls.__name__)
        system.links = {}
        system.inferred = set()
        system._index = {}
        system._stops = []
        return system

    def __init__(
        self,
        components: Iterable[Any] = (),
        *more: Any,
        name: str | None = None,
        rate_hz: float | None = None,
    ) -> None:
        if more or not isinstance(components, Iterable):
            got = ", ".join(f"{item!r:.40}" for item in (components, *more))
            raise TypeError(
                f"components is one list: System([camera, detector]); got {got}."
            )
        self._given = list(components)
        if name is not None:
            self.name = check_name(name, "system")
        if rate_hz is not None:
            self.rate_hz = quantity("rate_hz", rate_hz)

    @property
    def has_default_name(self) -> bool:
        """Whether nobody has named it; subsystems of one name are numbered."""
        cls = type(self)
        return self.name == ("system" if cls is System else snake_case(cls.__name__))

    def children(self) -> list[Any]:
        """Return the components and subsystems, in order of appearance."""
        found = list(self._given)
        seen = {id(item) for item in found}
        for name, value in vars(self).items():
            if name in _OWN:
                continue
            if isinstance(value, dict):
                items = list(value.values())
            else:
                items = list(value) if isinstance(value, (list, tuple)) else [value]
            for item in items:
                if isinstance(item, (Component, System)) and id(item) not in seen:
                    seen.add(id(item))
                    found.append(item)
        return found

    @property
    def components(self) -> list[Component]:
        """Every component, those of subsystems too, in order of appearance."""
        return list(flatten(self).components.values())

    @property
    def nodes(self) -> list[Node]:
        """The nodes that the components are on, in order of appearance."""
        nodes: dict[str, Node] = {}
        for component in self.components:
            node = node_of(component)
            nodes.setdefault(node.name, node)
        return list(nodes.values())

    def get_node(self, name: str) -> Node:
        """Return the node of that name.

        Raises:
            KeyError: No component is on such a node.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        known = ", ".join(repr(node.name) for node in self.nodes)
        raise KeyError(f"No node {name!r} in system {self.name!r}; it has: {known}.")

    def get_components_by_node(self) -> dict[str, list[Component]]:
        """Return the components of each node, by the node's name."""
        found: dict[str, list[Component]] = {}
        for component in self.components:
            found.setdefault(node_of(component).name, []).append(component)
        return found

    def connect(
        self, source: OutputPort | Delay | str, target: InputPort | str
    ) -> None:
        """Feed an input port from an output port, in this system.

        Args:
            source: An output port, a delayed one, or an address: `"camera.output"`.
            target: An input port, or its address: `"detector.image"`.

        Raises:
            GraphError: There is no such port, the two are swapped, or another source
                feeds the input.
        """
        names = {
            component_of(port) for port in (source, target) if isinstance(port, str)
        }
        if not names <= self._index.keys():
            self._index = flatten(self).components
        start, end = ends_of(source, target, self._index, self.name)
        check_free(end, start, self.links.get(end) or end.source)
        self.links[end] = start
        end.linked_in.add(self)

    def unlink(self, target: InputPort) -> None:
        """Take away what `connect` made for an input port."""
        self.links.pop(target, None)
        self.inferred.discard(target)

    def lower(self) -> Lowered:
        """Return the system as data, with the live components and what is wrong."""
        frozen = _frozen.get()
        if frozen is not None and frozen[0] is self:
            return frozen[1]
        return lower(self)

    def to_spec(self) -> SystemSpec:
        """Return the system as frozen data."""
        return self.lower().spec

    @contextlib.contextmanager
    def _frozen(self) -> Iterator[Lowered]:
        """Lower once for all that happens inside."""
        lowered = self.lower()
        token = _frozen.set((self, lowered))
        try:
            yield lowered
        finally:
            _frozen.reset(token)

    def summary(self) -> str:
        """Return the components and connections as text."""
        return to_summary(self.to_spec())

    def to_mermaid(self) -> str:
        """Return the system as a Mermaid flowchart."""
        return to_mermaid(self.to_spec())

    def plot(self, path: str | os.PathLike[str]) -> Path:
        """Draw the system into a file and return where it is.

        Args:
            path: A name that ends in `.html`, for a page to explore, which needs no
                network; or in `.mmd`, for Mermaid text.

        Raises:
            ValueError: It ends in something else.
        """
        stop_loading_script(self)
        return draw(self.to_spec(), path)

    def validate(self, engine: str | None = None) -> list[Issue]:
        """List everything that is wrong, before anything is written or run.

        Args:
            engine: Ask this engine too; None asks the nodes' own, if there is one.

        Raises:
            EngineNotFoundError: There is no such engine.
        """
        with self._frozen() as lowered:
            try:
                self._engine(engine)
            except MixedEnginesError as error:
                issues = _core_issues(lowered, in_process=False)
                return [*issues, Issue(str(error), code="mixed-engines")]
            if engine is None and (name := self._engine(None)) == DEFAULT_ENGINE:
                from like_keras_core.plugins.engine_registry import list_engines

                if name not in list_engines():
                    return _core_issues(lowered, in_process=True)
            return self._issues(_open(self._engine(engine)))

    def _issues(self, session: Session) -> list[Issue]:
        lowered = self.lower()
        capabilities = session.engine.capabilities
        issues = _core_issues(lowered, in_process="multi-process" not in capabilities)
        if errors_in(issues):
            return issues
        issues += missing_capabilities(session.engine, needs(lowered.spec))
        return issues + session.validate(lowered.spec)

    def _check(self, session: Session) -> None:
        """Warn of what may go wrong and refuse what will.

        Raises:
            GraphError: There are errors.
            CapabilityError: The engine cannot do what the system needs.
        """
        issues = self._issues(session)
        for issue in issues:
            if issue.severity == "warning":
                warnings.warn(str(issue), LkWarning, stacklevel=_callers_level())
        errors = errors_in(issues)
        lacking = [issue for issue in errors if issue.code == "capability"]
        if lacking and len(lacking) == len(errors):
            raise self._lack(session.engine, lacking[0])
        if errors:
            raise GraphError(errors, self.name)

    def _lack(self, engine: Engine, issue: Issue) -> CapabilityError:
        """Return the error for the first capability that an engine lacks."""
        for need in needs(self.to_spec()):
            if need.name not in engine.capabilities:
                return CapabilityError(engine.name, need.name, need.what)
        return CapabilityError(engine.name, issue.address, issue.address, str(issue))

    def _engine(self, engine: str | None) -> str:
        """Return the engine that is named, else the only one that nodes name.

        Raises:
            MixedEnginesError: The nodes name several.
        """
        if engine is not None:
            return engine
        named: dict[str, list[str]] = {}
        for node in self.lower().spec.nodes:
            if node.engine is not None:
                named.setdefault(node.engine, []).append(node.name)
        if len(named) > 1:
            raise MixedEnginesError(named)
        return next(iter(named), DEFAULT_ENGINE)

    def compile(
        self, engine: str | None = None, build_dir: str | Path | None = None
    ) -> Path | None:
        """Write what an engine needs to run this system.

        Args:
            engine: An engine's name; the nodes' own when omitted.
            build_dir: Where to; `.lk_build/<engine>` when omitted.

        Returns:
            The main file, or None where the engine needs none.

        Raises:
            GraphError: The system has errors.
            EngineError: The engine is missing, unusable, or cannot do it.
        """
        stop_loading_script(self)
        with self._frozen():
            session = _open(self._engine(engine))
            self._check(session)
            folder = None if build_dir is None else Path(build_dir)
            return session.compile(self.to_spec(), folder).path

    def launch(
        self,
        iterations: int | None = None,
        *,
        engine: str | None = None,
        rate_hz: float | None = None,
        record: Sequence[OutputPort | str] | OutputPort | str = (),
        taps: Iterable[Tap] = (),
        check_values: bool = False,
        timeout_s: float | None = None,
        seed: int = 0,
        window: int | None = None,
        run_ahead: int = 256,
        heartbeat_s: float = 3.0,
        progress: Callable[[int], object] | None = None,
        trace_to: str | os.PathLike[str] | None = None,
        **engine_options: Any,
    ) -> RunReport:
        """Run this system to its end.

        Args:
            iterations: How many ticks; when omitted, until it is stopped or ends
                itself.
            engine: An engine's name; the nodes' own when omitted, else native.
            rate_hz: Ticks per second [Hz]; the system's own when omitted.
            record: Output ports or addresses whose values the report keeps, or
                `"all"`.
            taps: Objects that each process makes and calls with `(tick, value)`.
            check_values: Find components that change values they received; slow.
            timeout_s: Stop after this time [s].
            seed: Seeds every component's `rng`.
            window: Values in flight on a connection between processes.
            run_ahead: Ticks that any process may be ahead of the slowest.
            heartbeat_s: Silence after which a process counts as lost [s]; 0 is never.
            progress: Called with a `Progress`, the number of ticks done, now and then.
            trace_to: A JSON file for Perfetto: every firing, and every value that
                crosses processes. It is kept in memory until the run has ended.
            **engine_options: What the engine itself takes.

        Raises:
            GraphError: The system has errors; nothing ran.
            EngineError: The engine is missing, unusable, or cannot do it.
            ComponentError: A component raised; it carries the report.
            LaunchTimeoutError: `timeout_s` passed; it carries the report.
        """
        stop_loading_script(self)
        if "stop" in engine_options:
            raise TypeError("launch takes no option 'stop'; call system.stop().")
        options = LaunchOptions(
            iterations=iterations,
            rate_hz=self.rate_hz if rate_hz is None else rate_hz,
            record=record,
            taps=taps,
            check_values=check_values,
            timeout_s=timeout_s,
            seed=seed,
            window=window,
            run_ahead=run_ahead,
            heartbeat_s=heartbeat_s,
            progress=progress,
            trace_to=trace_to,
        )
        stop = StopSignal()
        own = {"stop": stop, **engine_options}
        self._stops.append(stop)
        try:
            if options.trace_to is not None:
                return self._trace(Path(options.trace_to), engine, options, own)
            return self._launch(engine, options, own)
        finally:
            self._stops.remove(stop)

    def _launch(
        self, engine: str | None, options: LaunchOptions, own: dict[str, Any]
    ) -> RunReport:
        with self._frozen() as lowered:
            session = _open(self._engine(engine))
            addresses = OutputAddresses(lowered)
            options = replace(
                options,
                record=addresses.recorded(options.record),
                taps=addresses.tapped(options.taps),
            )
            _need(session, "rate", "rate_hz", options.rate_hz)
            _need(session, "record", "record", options.record)
            _need(session, "record", "taps", options.taps)
            self._check(session)
            artefact = session.compile(lowered.spec, None)
            try:
                report = session.launch(self, artefact, {**options.for_engine(), **own})
            except (ComponentError, LaunchTimeoutError, PluginError) as error:
                if error.report is not None:
                    error.report = replace(error.report, spec=lowered.spec)
                raise
            return replace(report, spec=lowered.spec)

    def _trace(
        self,
        path: Path,
        engine: str | None,
        options: LaunchOptions,
        own: dict[str, Any],
    ) -> RunReport:
        """Launch, and write what it was like, also if it fails."""
        from like_keras_core.runtime.perfetto import write_trace
        from like_keras_core.runtime.trace import gathering

        if not path.parent.is_dir():
            text = f"There is no folder {str(path.parent)!r} to write a trace into."
            raise FileNotFoundError(text)
        with gathering() as found:
            try:
                report = self._launch(engine, options, own)
            finally:
                if found.processes:
                    write_trace(self.to_spec(), found, path)
        if not found.processes:
            text = f"Engine {report.engine!r} keeps no trace; {path} was not written."
            warnings.warn(text, LkWarning, stacklevel=_callers_level())
        return report

    def run(self, iterations: int | None = None, **options: Any) -> RunReport:
        """Launch on the native engine."""
        return self.launch(iterations, engine=DEFAULT_ENGINE, **options)

    def stop(self) -> None:
        """End every launch of this system after the ticks that have begun."""
        for stop in list(self._stops):
            stop.set()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the system as JSON; `System.load` reads it where its code is.

        Raises:
            GraphError: The system has errors, or a component cannot be saved.
        """
        stop_loading_script(self)
        with self._frozen() as lowered:
            errors = errors_in(_core_issues(lowered, in_process=False))
            if errors:
                raise GraphError(errors, self.name)
            target = Path(path)
            target.write_text(lowered.spec.to_json() + "\n", encoding="utf-8")
        return target

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, allow: Iterable[str] | None = None
    ) -> System:
        """Read what `save` wrote and make its components.

        Their code is looked for beside the file, too.

        Args:
            path: The JSON file.
            allow: Module prefixes that may be imported; None allows all. A saved
                system names the code that it runs: set this for files of others.

        Raises:
            SpecError: It is not a saved system, or does not fit the code.
            LoadError: Its code cannot be had, or is not allowed.
        """
        source = Path(path)
        try:
            text = source.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise SpecError(f"{str(source)!r} is not JSON text.") from None
        spec = SystemSpec.from_json(text)
        folder = str(source.parent.resolve())
        sys.path.append(folder)
        try:
            return cls.from_spec(spec, allow=allow, folders=[source.parent])
        finally:
            sys.path.remove(folder)

    @classmethod
    def from_spec(
        cls,
        spec: SystemSpec,
        *,
        allow: Iterable[str] | None = None,
        folders: Sequence[Path] = (),
    ) -> System:
        """Make a live system of a spec.

        Args:
            spec: The system, as data.
            allow: Module prefixes that may be imported; None allows all.
            folders: Where scripts are looked for.

        Raises:
            GraphError: The spec is not a sound system.
            SpecError: It does not fit the code.
            LoadError: Its code cannot be had, or is not allowed.
        """
        errors = errors_in(check(spec))
        if errors:
            raise GraphError(errors, spec.name)
        components = instantiate(spec, spec, allow=allow, folders=folders)
        for component in spec.components:
            for port in component.inputs:
                live = components[component.name].inputs
                if port.name in live:
                    live[port.name].policy = port.policy
        system = System(components.values())
        system.name, system.rate_hz = spec.name, spec.rate_hz

        def link(start: OutputPort | Delay, end: InputPort, inferred: bool) -> None:
            system.connect(start, end)
            if inferred:
                system.inferred.add(end)

        wire(spec, components, link, allow=allow, folders=folders)
        return system

    def __repr__(self) -> str:
        names = ", ".join(str(getattr(x, "name", x)) for x in self.children()[:8])
        return f"{type(self).__qualname__}(name={self.name!r}, components=[{names}])"


def _callers_level() -> int:
    """Return the `stacklevel` at which the code outside this module stands."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename == __file__:
        frame, level = frame.f_back, level + 1
    return level


def _open(engine: str) -> Session:
    from like_keras_core.plugins.engine_registry import get_engine
    from like_keras_core.plugins.session import Session

    return Session(get_engine(engine))


def _core_issues(lowered: Lowered, *, in_process: bool) -> list[Issue]:
    issues = []
    for issue in lowered.issues:
        if in_process and issue.code in REBUILT:
            if issue.code == "assigned-attribute":
                issues.append(issue.as_warning())
            continue
        issues.append(issue)
    codes = {issue.code for issue in errors_in(issues)}
    if codes & {"not-a-component", "recursion", "same-component", "duplicate-name"}:
        return issues
    explained = {issue.address for issue in issues if issue.code in UNFED}
    return issues + [
        issue
        for issue in check(lowered.spec)
        if issue.code != "unfed-input" or issue.address not in explained
    ]


def _need(session: Session, capability: str, option: str, value: Any) -> None:
    if value and capability not in session.engine.capabilities:
        raise CapabilityError(session.engine.name, capability, f"launch({option}=...)")
