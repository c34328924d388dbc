"""A system made again with other arguments: new components, connected alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from like_keras_core.authoring.component_state import facts_of
from like_keras_core.authoring.composition import Composition
from like_keras_core.authoring.constructor_args import (
    construct,
    copy_value,
    signature_of,
)
from like_keras_core.authoring.flattening import Flat, flatten
from like_keras_core.authoring.param_check import Change, Given, ParamCheck
from like_keras_core.authoring.parameters import config_is_changed
from like_keras_core.component import Component
from like_keras_core.errors import GraphError, ParameterError
from like_keras_core.issue import errors_in
from like_keras_core.port import Delay, InputPort, OutputPort, PortCollection, origin
from like_keras_core.values.mismatch import shown

_System = TypeVar("_System", bound=Composition)

_OWN = frozenset({"links", "inferred", "_index", "_stops", "_lk_params"})
_TIMES = ({"every", "rate_hz"}, {"takes", "takes_s"})


def with_params(system: _System, given: Iterable[Given]) -> _System:
    """Return a system with other arguments of its components; the old one stays.

    Args:
        system: A live system.
        given: What is to be set; of two that set the same the later one counts.

    Raises:
        ParameterError: Something cannot be set; nothing was made.
        GraphError: The system has errors that leave its components without names.
    """
    flat = flatten(system)
    if errors := errors_in(flat.issues):
        raise GraphError(errors, system.name)
    check = ParamCheck(flat.components)
    for source in given:
        check.add(source)
    check.finish()
    check.problems += _overwritten(flat, check)
    if check.problems:
        raise ParameterError(check.problems)
    makers = {
        address: _TwinMaker(address, component, check)
        for address, component in flat.components.items()
    }
    made = {id(maker.old): maker.make() for maker in makers.values()}
    twin: _System = _Twins(flat, made).of_system(system)
    params: dict[str, Any] = {}
    for component, path in check.sources:
        value = makers[component].twin._lk.captured.arguments[path[0]]
        for name in path[1:]:
            value = value[name] if isinstance(value, Mapping) else getattr(value, name)
        params[".".join((component, *path))] = value
    twin._lk_params = {**system._lk_params, **params}
    return twin


def _overwritten(flat: Flat, check: ParamCheck) -> Iterable[str]:
    """Name what would be set, and then be hidden by an attribute that was assigned."""
    for (component, path), source in check.sources.items():
        assigned = flat.components[component]._lk.assigned
        if path[0] in assigned and path[0] != "config":
            yield (
                f"{source}: '{component}.{path[0]}' was assigned after the component "
                "was made, which would hide what is set. Pass it to __init__ instead."
            )


class _TwinMaker:
    """Makes one component again.

    Args:
        address: Its address.
        old: The component.
        check: What is to be set.
    """

    def __init__(self, address: str, old: Component, check: ParamCheck) -> None:
        self.address, self.old = address, old
        self._changes: Mapping[str, Change] = check.changes.get(address, {})
        self._parameters = check.arguments(address) if self._changes else {}
        self._sources = [
            source for (owner, _), source in check.sources.items() if owner == address
        ]
        self.twin = old

    def make(self) -> Component:
        """Make the new component, with all that was said of the old one.

        Raises:
            ParameterError: Its code refuses what is set.
        """
        record = self.old._lk
        captured = record.captured
        arguments = {
            name: value if name in captured.shared else copy_value(value)
            for name, value in captured.arguments.items()
            if name not in self._changes
        }
        try:
            for name, change in self._changes.items():
                arguments[name] = change.make(self._parameters[name])
            self._fill(arguments)
            twin: Component = construct(type(self.old), arguments, record.node)
        except Exception as error:
            raise self._refused(error, arguments) from error
        self.twin = twin
        self._place(twin)
        for name in record.assigned:
            if name != "config":
                setattr(twin, name, _copied(vars(self.old)[name]))
        if config_is_changed(self.old) and "config" not in self._changes:
            twin.config = _copied(vars(self.old)["config"])
        return twin

    def _fill(self, arguments: dict[str, Any]) -> None:
        """Write out the defaults before arguments that are collected by position."""
        for name, item in signature_of(type(self.old)).parameters.items():
            if item.kind is item.VAR_POSITIONAL and name in arguments:
                break
            if item.kind is item.KEYWORD_ONLY:
                return
        else:
            return
        for name, item in signature_of(type(self.old)).parameters.items():
            if item.default is not item.empty and name != "node":
                arguments.setdefault(name, item.default)

    def _refused(
        self, error: Exception, arguments: Mapping[str, Any]
    ) -> ParameterError:
        where = f"{', '.join(self._sources)}: " if self._sources else ""
        name = type(self.old).__qualname__
        changes = ", ".join(
            f"{key}={shown(arguments[key])}"
            for key in self._changes
            if key in arguments
        )
        with_text = f" with {changes}" if changes else ""
        said = f"raised {type(error).__name__}: {error}"
        text = f"{where}making {self.address!r} ({name}){with_text} {said}"
        return ParameterError([text])

    def _place(self, twin: Component) -> None:
        """Give a twin the name, node, times and ports' options of the old one."""
        old, new = self.old._lk, twin._lk
        new.name, new.has_default_name = old.name, old.has_default_name
        new.node, new.period = old.node, old.period
        every, rate_hz, takes, takes_s, before = old.as_made
        said = set(self._changes)
        for change in self._changes.values():
            said |= set(change.parts)
        if (old.every, old.rate_hz) != (every, rate_hz) and not said & _TIMES[0]:
            new.every, new.rate_hz = old.every, old.rate_hz
        if (old.takes, old.takes_s) != (takes, takes_s) and not said & _TIMES[1]:
            new.takes, new.takes_s = old.takes, old.takes_s
        for key, (policy, options) in facts_of(old)[-1].items():
            side, name = key
            ports: Any = new.inputs if side == "in" else new.outputs
            if name in ports and before.get(key) != (policy, options):
                ports[name].options = options
                if policy:
                    ports[name].policy = policy


def _copied(value: Any) -> Any:
    try:
        return copy_value(value)
    except Exception:  # noqa: BLE001 - whatever a copy raises
        return value


class _Twins:
    """Puts new components where the old ones were.

    Args:
        flat: The old system.
        made: By the `id` of an old component, the new one.
    """

    def __init__(self, flat: Flat, made: Mapping[int, Component]) -> None:
        self._made: dict[int, Any] = dict(made)
        self._systems = [system for system, _ in flat.scopes]
        self._flat = flat
        self._problems: list[str] = []

    def of_system(self, system: Composition) -> Any:
        """Return the new system, with its subsystems and connections."""
        for old in self._systems:
            cls: Any = type(old)
            self._made[id(old)] = cls.__new__(cls)
        for old in self._systems:
            twin = self._made[id(old)]
            for name, value in vars(old).items():
                if name not in _OWN:
                    vars(twin)[name] = self._new(value)
        for old in self._flat.components.values():
            for port in old.inputs:
                if port.source is not None:
                    self._connect(port, port.source, None)
        for old in self._systems:
            for port, source in old.links.items():
                self._connect(port, source, old)
        if self._problems:
            raise ParameterError(self._problems)
        return self._made[id(system)]

    def _connect(
        self, target: InputPort, source: OutputPort | Delay, system: Any
    ) -> None:
        end, start = self._port(target), self._source(source)
        if end is None or start is None:
            self._problems.append(
                f"The connection {origin(source).address} -> {target.address} cannot "
                "be made again: with what is set, the component has no such port."
            )
        elif system is None:
            end.source = start
            origin(start).targets.add(end)
        else:
            twin = self._made[id(system)]
            twin.links[end] = start
            end.linked_in.add(twin)
            if target in system.inferred:
                twin.inferred.add(end)

    def _source(self, source: OutputPort | Delay) -> OutputPort | Delay | None:
        port: OutputPort | None = self._port(origin(source))
        if port is None or not isinstance(source, Delay):
            return port
        return Delay(port, source.initial)

    def _port(self, port: Any) -> Any:
        """Return the new port for an old one; None where it is gone."""
        twin = self._made.get(id(port.component))
        if twin is None:
            return port
        side: Any = twin.inputs if isinstance(port, InputPort) else twin.outputs
        return next((item for item in side if item.name == port.name), None)

    def _new(self, value: Any) -> Any:
        """Return what an attribute of a system is in the new one."""
        if isinstance(value, (Component, Composition)):
            return self._made.get(id(value), value)
        if isinstance(value, (InputPort, OutputPort)):
            return self._port(value)
        if isinstance(value, Delay):
            return self._source(value)
        if isinstance(value, PortCollection):
            return self._ports(value)
        if type(value) in (list, set):
            return type(value)(map(self._new, value))
        if isinstance(value, tuple):
            items = [self._new(item) for item in value]
            if all(a is b for a, b in zip(items, value, strict=True)):
                return value
            make = getattr(type(value), "_make", type(value))
            return make(items)
        if type(value) is dict:
            return {key: self._new(item) for key, item in value.items()}
        return value

    def _ports(self, ports: PortCollection[Any]) -> Any:
        for port in ports:
            twin = self._made.get(id(port.component))
            if twin is not None:
                return twin.inputs if isinstance(port, InputPort) else twin.outputs
        return ports
