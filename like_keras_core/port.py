"""The typed ends of a data flow: input ports, output ports, and delays between them."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from like_keras_core.errors import GraphError, nearest
from like_keras_core.issue import Issue
from like_keras_core.spec import POLICIES
from like_keras_core.values.annotations import to_text

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    Links = MutableMapping["InputPort", "OutputPort | Delay"]

_P = TypeVar("_P", bound="Port")


class Port:
    """One typed end of a data flow; belongs to one component instance."""

    __slots__ = ("__weakref__", "component", "name", "options", "type")

    def __init__(self, type: Any = Any, **options: Any) -> None:
        self.name = ""
        self.type = type
        self.options: Mapping[str, Any] = options
        self.component: Any = None

    @property
    def address(self) -> str:
        """`component.port`, with the component's name as it is outside a system."""
        owner = self.component.name if self.component is not None else "?"
        return f"{owner}.{self.name}"

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        side = "inputs" if isinstance(self, InputPort) else "outputs"
        raise AttributeError(
            f"The port {self.name!r} of {instance.name!r} is reached as "
            f"component.{side}.{self.name}."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.address}: {to_text(self.type)}>"


class OutputPort(Port):
    """Where a component sends values.

    Args:
        type: The type of its values; anything when omitted.
        **options: JSON values that an engine reads.
    """

    __slots__ = ("targets",)

    def __init__(self, type: Any = Any, **options: Any) -> None:
        super().__init__(type, **options)
        self.targets: weakref.WeakSet[InputPort] = weakref.WeakSet()

    def delay(self, initial: Any) -> Delay:
        """Return this port's values one tick later, beginning with `initial`.

        The register hands over the newest value sent before the current tick, at every
        tick.

        References:
            Lee & Messerschmitt, *Synchronous Data Flow*, Proc. IEEE 75(9), 1987.
        """
        return Delay(self, initial)


class Delay:
    """A register between an output port and an input port."""

    __slots__ = ("initial", "port")

    def __init__(self, port: OutputPort, initial: Any) -> None:
        self.port = port
        self.initial = initial

    def delay(self, initial: Any) -> Delay:
        """Refuse: a delay of a delay has no single meaning.

        Raises:
            GraphError: Always.
        """
        raise GraphError(
            [
                Issue(
                    f"{self!r} is delayed twice. Put a component between the two "
                    "delays that passes the value on.",
                    code="delay-of-delay",
                    address=self.port.address,
                )
            ]
        )

    def __repr__(self) -> str:
        return f"{self.port.address}.delay(initial={self.initial!r:.60})"


class InputPort(Port):
    """Where a component receives values.

    Args:
        type: The type of its values; anything when omitted.
        policy: `"sync"`: fires the component when every sync input has a value;
            `"hold"`: the newest value so far, never fires; `"latest"`: the newest one
            that is there, without waiting for any.
        **options: JSON values that an engine reads.

    Raises:
        ValueError: There is no such policy.
    """

    __slots__ = ("_policy", "linked_in", "required", "source")

    def __init__(
        self,
        type: Any = Any,
        *,
        policy: str = "sync",
        required: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(type, **options)
        self.policy = policy
        self.required = required
        self.source: OutputPort | Delay | None = None
        self.linked_in: weakref.WeakSet[Any] = weakref.WeakSet()

    @property
    def policy(self) -> str:
        """How values are taken: `"sync"`, `"hold"` or `"latest"`."""
        return self._policy

    @policy.setter
    def policy(self, value: str) -> None:
        if value not in POLICIES:
            near = nearest(str(value), POLICIES)
            hint = f" Did you mean {near!r}?" if near else ""
            known = ", ".join(map(repr, POLICIES))
            raise ValueError(f"A policy is one of {known}; got {value!r}.{hint}")
        self._policy = value

    def connect(self, source: OutputPort | Delay) -> None:
        """Feed this port from an output port, in every system that has both.

        Raises:
            GraphError: Another source feeds it already.
        """
        check_free(self, source, self.source)
        self.source = source
        origin(source).targets.add(self)

    def disconnect(self) -> None:
        """Take away what feeds this port, wherever it was connected."""
        if self.source is not None:
            origin(self.source).targets.discard(self)
            self.source = None
        for system in list(self.linked_in):
            system.unlink(self)
        self.linked_in.clear()


def origin(source: OutputPort | Delay) -> OutputPort:
    """Return the output port behind a source, delayed or not."""
    return source.port if isinstance(source, Delay) else source


def check_free(
    target: InputPort, new: OutputPort | Delay, old: OutputPort | Delay | None
) -> None:
    """Refuse a second source for an input; the same one again is fine.

    Args:
        target: The input.
        new: What is to feed it.
        old: What feeds it now, if anything does.

    Raises:
        GraphError: `old` feeds `target`, and it is not what `new` is.
    """
    if old is None or old is new:
        return
    if isinstance(old, Delay) == isinstance(new, Delay) and origin(old) is origin(new):
        from like_keras_core.values.semantics import same

        if not isinstance(new, Delay) or same(
            getattr(old, "initial", None), new.initial
        ):
            return
    first, second = (
        source.address if isinstance(source, OutputPort) else repr(source)
        for source in (old, new)
    )
    raise GraphError(
        [
            Issue(
                f"Input {target.address!r} has the source {first!r} already, so it "
                f"cannot take {second!r} too: an input takes one source. To replace "
                f"it: {target.component.name}.inputs.{target.name}.disconnect()",
                code="two-sources",
                address=target.address,
            )
        ]
    )


class PortCollection(Generic[_P]):
    """A component's input or output ports, by name and in order."""

    __slots__ = ("_by_name", "_side")

    def __init__(self, component: Any, side: str, ports: list[_P]) -> None:
        self._side = side
        self._by_name = {port.name: port for port in ports}
        for port in ports:
            port.component = component

    def __getattr__(self, name: str) -> _P:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self._by_name[name]
        except KeyError:
            raise AttributeError(self._missing(name)) from None

    def __getitem__(self, name: str) -> _P:
        try:
            return self._by_name[name]
        except KeyError:
            raise KeyError(self._missing(name)) from None

    def _missing(self, name: str) -> str:
        names = list(self._by_name)
        near = nearest(name, names)
        hint = f" Did you mean {near!r}?" if near else ""
        listed = ", ".join(names) or "none"
        return f"There is no {self._side} port {name!r}; there are: {listed}.{hint}"

    def __iter__(self) -> Iterator[_P]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __dir__(self) -> list[str]:
        return list(self._by_name)

    def __repr__(self) -> str:
        return f"<{self._side} ports: {', '.join(self._by_name) or 'none'}>"
