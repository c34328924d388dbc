"""The composition of components: wired, placed, and run on an engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from like_keras_core.authoring.component_state import snake_case
from like_keras_core.authoring.composition import Composition
from like_keras_core.authoring.flattening import children_of, flatten
from like_keras_core.authoring.lowering import Lowered, lower, nodes_of
from like_keras_core.authoring.param_check import Given
from like_keras_core.authoring.port_lookup import ends_of
from like_keras_core.authoring.saved_file import saved_spec, write_spec
from like_keras_core.authoring.twins import with_params
from like_keras_core.authoring.validation import DEFAULT_ENGINE, validate
from like_keras_core.component import Component
from like_keras_core.graph.choices import Choices
from like_keras_core.issue import Issue
from like_keras_core.launch_options import LaunchOptions
from like_keras_core.node import Node, check_name
from like_keras_core.port import Delay, InputPort, OutputPort, check_free
from like_keras_core.runtime.launching import compile_for, launch
from like_keras_core.runtime.loader import connections_between, rebuild
from like_keras_core.runtime.stop import StopSignal
from like_keras_core.spec import LATE, SystemSpec, component_of
from like_keras_core.tap import Tap
from like_keras_core.values.class_refs import stop_loading_script
from like_keras_core.values.code_folders import code_from
from like_keras_core.values.quantities import one_of, quantity
from like_keras_core.view.diagram import draw, to_mermaid, to_summary

if TYPE_CHECKING:
    from like_keras_core.report import RunReport

_S = TypeVar("_S", bound="System")
_OWN = frozenset({"_given", "links", "inferred", "_index", "_stops", "_lk_params"})


class System(Composition):
    """A composition of components, and of other systems.

    Args:
        components: Components and subsystems, in order. Where nothing is connected,
            each one's single output feeds the next one's single input.
        name: The class name in snake case for a subclass, else `"system"`.
        rate_hz: Ticks per second of its clock, by which `time_s`, `dt` and the rates of
            components go; it has none, and runs as fast as possible, when omitted.
        late: What is not ready in time: `"wait"` for it, so that values are those of
            every other run; or `"skip"` it and go on, which needs a rate.

    Components may also be set as attributes in a subclass's `__init__`.
    """

    _given: Sequence[Any] = ()
    _index: dict[str, Component]
    _stops: list[StopSignal]

    def __new__(cls, *args: Any, **kwargs: Any) -> System:
        """Begin empty, so that attributes may be set before `super().__init__()`."""
        system = super().__new__(cls)
        system.name = "system" if cls is System else snake_case(cls.__name__)
        system.links, system.inferred = {}, set()
        system._index = {}
        system._stops = []
        return system

    def __init__(
        self,
        components: Iterable[Any] = (),
        *more: Any,
        name: str | None = None,
        rate_hz: float | None = None,
        late: str = "wait",
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
        if late != "wait":
            self.late = one_of(LATE, "late", late)

    @property
    def has_default_name(self) -> bool:
        """Whether nobody has named it; subsystems of one name are numbered."""
        cls = type(self)
        return self.name == ("system" if cls is System else snake_case(cls.__name__))

    def children(self) -> list[Any]:
        """Return the components and subsystems, in order of appearance."""
        return children_of(self, self._given, _OWN)

    @property
    def components(self) -> list[Component]:
        """Every component, those of subsystems too, in order of appearance."""
        return list(flatten(self).components.values())

    @property
    def nodes(self) -> list[Node]:
        """The nodes that the components are on, in order of appearance."""
        return list(nodes_of(self.components))

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
        return {x.name: found for x, found in nodes_of(self.components).items()}

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
        names = {component_of(x) for x in (source, target) if isinstance(x, str)}
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

    def lower(self, rate_hz: float | None = None) -> Lowered:
        """Return the system as data, with the live components and what is wrong.

        Args:
            rate_hz: Ticks per second of a launch, for a system without a rate.
        """
        return lower(self, rate_hz)

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
        return validate(self.lower(), engine)

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
        folder = None if build_dir is None else Path(build_dir)
        return compile_for(self.lower(), engine, folder)

    def launch(
        self,
        iterations: int | None = None,
        *,
        engine: str | None = None,
        seconds: float | None = None,
        speed: float | None = 1.0,
        rate_hz: float | None = None,
        record: Sequence[OutputPort | str] | OutputPort | str = (),
        taps: Iterable[Tap] = (),
        late: str | None = None,
        choices: Choices | Mapping[str, Any] | None = None,
        check_values: bool = False,
        timeout_s: float | None = None,
        seed: int = 0,
        window: int | None = None,
        run_ahead: int = 256,
        heartbeat_s: float = 3.0,
        stop_grace_s: float = 5.0,
        realtime: bool = False,
        progress: Callable[[int], object] | None = None,
        build_dir: str | os.PathLike[str] | None = None,
        trace_to: str | os.PathLike[str] | None = None,
        params: Mapping[str, Any] | None = None,
        **engine_options: Any,
    ) -> RunReport:
        """Run this system to its end.

        Args:
            iterations: How many ticks; when omitted, until it is stopped or ends
                itself.
            engine: An engine's name; the nodes' own when omitted, else native.
            seconds: How many ticks, as time by the system's clock, rounded up [s];
                needs a rate.
            speed: How fast the system's clock runs: 0.5 is half as fast as the clock
                on the wall, None as fast as possible.
            rate_hz: Ticks per second [Hz]; the system's own when omitted.
            record: Output ports or addresses whose values the report keeps, or
                `"all"`.
            taps: Objects that each process makes and calls with `(tick, value)`.
            late: What is not ready in time: `"wait"` for it, or `"skip"` it and go on;
                the system's own when omitted.
            choices: Repeat what clocks decided in another run: its `report.choices`.
            check_values: Find components that change values they received or sent;
                slow.
            timeout_s: Stop after this time [s].
            seed: Seeds every component's `rng`.
            window: Values in flight on a connection between processes.
            run_ahead: Ticks that any process may be ahead of the slowest.
            heartbeat_s: Silence after which a process counts as lost [s]; 0 is never.
            stop_grace_s: How long a tick or a hook may last once the run is to end [s].
            realtime: Ask Linux for real-time rights; the report says which were given.
            progress: Called with a `Progress`, the number of ticks done, now and then.
            build_dir: Where the engine's files and the logs go; when omitted, a folder
                of the engine's in .lk_build.
            trace_to: A JSON file for Perfetto: every firing, and every value that
                crosses processes. It is kept in memory until the run has ended.
            params: What to set of components first, by address; see `with_params`.
            **engine_options: What the engine itself takes.

        Raises:
            GraphError: The system has errors; nothing ran.
            ParameterError: One of `params` cannot be set; nothing ran.
            EngineError: The engine is missing, unusable, or cannot do it.
            ComponentError: A component raised; it carries the report.
            LaunchTimeoutError: `timeout_s` passed; it carries the report.
        """
        stop_loading_script(self)
        if "stop" in engine_options:
            raise TypeError("launch takes no option 'stop'; call system.stop().")
        options = LaunchOptions(
            iterations=iterations,
            seconds=seconds,
            speed=speed,
            rate_hz=rate_hz,
            record=record,
            taps=taps,
            late=late,
            choices=choices,
            check_values=check_values,
            timeout_s=timeout_s,
            seed=seed,
            window=window,
            run_ahead=run_ahead,
            heartbeat_s=heartbeat_s,
            stop_grace_s=stop_grace_s,
            realtime=realtime,
            progress=progress,
            build_dir=build_dir,
            trace_to=trace_to,
            params=params,
        )
        system = with_params(self, [Given(options.params)]) if options.params else self
        stop = StopSignal()
        self._stops.append(stop)
        try:
            return launch(system, engine, options, {"stop": stop, **engine_options})
        finally:
            self._stops.remove(stop)

    def with_params(self: _S, params: Mapping[str, Any]) -> _S:
        """Return a system with other arguments of its components; this one stays.

        Args:
            params: By address, as `{"controller.config.gain": 5}`, or nested.

        Raises:
            ParameterError: Something cannot be set; it has every problem.
            GraphError: The system has errors that leave components without names.
        """
        return with_params(self, [Given(params)])

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
        return write_spec(self.lower(), Path(path))

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
                `"node:NAME"` allows the options of a node that may run code, too.

        Raises:
            SpecError: It is not a saved system, or does not fit the code.
            LoadError: Its code cannot be had, or is not allowed.
        """
        spec, folder = saved_spec(path), Path(path).parent
        allowed = None if allow is None else list(allow)
        with code_from(str(folder.resolve()), allowed):
            return cls.from_spec(spec, allow=allowed, folders=[folder])

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
        allow = None if allow is None else list(allow)
        components = rebuild(spec, allow=allow, folders=folders)
        system = System(components.values())
        system.name, system.rate_hz = spec.name, spec.rate_hz
        system.late = spec.late
        wired = connections_between(components, spec, allow=allow, folders=folders)
        for source, target, is_inferred in wired:
            system.connect(source, target)
            if is_inferred:
                system.inferred.add(target)
        return system

    def __repr__(self) -> str:
        names = ", ".join(str(getattr(x, "name", x)) for x in self.children()[:8])
        return f"{type(self).__qualname__}(name={self.name!r}, components=[{names}])"
