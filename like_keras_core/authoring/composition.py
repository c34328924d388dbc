"""What a System is to those who must not import it: parts, and links between them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from like_keras_core.authoring.lowering import Lowered
    from like_keras_core.port import Delay, InputPort, OutputPort
    from like_keras_core.spec import SystemSpec


class Composition:
    """The base of `System`, by which components and lowering know one."""

    name: str
    rate_hz: float | None = None
    late: str = "wait"

    links: MutableMapping[InputPort, OutputPort | Delay]
    """What `connect` made: the source of each input port."""

    inferred: set[InputPort]
    """Those of the links that a saved system says were implied by the order."""

    _lk_params: Mapping[str, Any] = MappingProxyType({})
    """What was set of its components, by address."""

    def children(self) -> list[Any]:
        """Return the components and subsystems, in order of appearance."""
        raise NotImplementedError

    def lower(self, rate_hz: float | None = None) -> Lowered:
        """Return the system as data, with the live components and what is wrong.

        Args:
            rate_hz: Ticks per second, for a system without a rate.
        """
        raise NotImplementedError

    def to_spec(self) -> SystemSpec:
        """Return the system as frozen data."""
        return self.lower().spec
