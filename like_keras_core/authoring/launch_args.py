"""The ports that a launch is asked about, put into the terms of the spec."""

from __future__ import annotations

from collections.abc import Iterable

from like_keras_core.authoring.composition import Composition
from like_keras_core.authoring.lowering import Lowered
from like_keras_core.graph.port_selection import check_ports, ports_to_record
from like_keras_core.port import OutputPort
from like_keras_core.spec import HasSpec, SystemSpec, as_spec
from like_keras_core.tap import Tap


class OutputAddresses:
    """Finds the addresses of output ports in a system.

    Args:
        lowered: The system.
    """

    def __init__(self, lowered: Lowered) -> None:
        self._spec = lowered.spec
        self._names = {
            component: name for name, component in lowered.components.items()
        }

    def of(self, port: object) -> str:
        """Return the address of a port, or an address as it is.

        Raises:
            TypeError: It is neither.
        """
        if isinstance(port, OutputPort):
            name = self._names.get(port.component)
            return port.address if name is None else f"{name}.{port.name}"
        if isinstance(port, str):
            return port
        raise TypeError(
            "A port to observe is an output port or its address, such as "
            f"'camera.output'; got {port!r:.80}."
        )

    def recorded(self, record: object) -> list[str] | str:
        """Return the addresses of what `record` asks for, or `"all"`.

        Raises:
            TypeError: It is not a port, an address, or a list of them.
            GraphError: The system has no such output port.
        """
        if isinstance(record, str) and record == "all":
            return record
        if isinstance(record, str) or not isinstance(record, Iterable):
            record = [record]
        return ports_to_record(self._spec, [self.of(item) for item in record])

    def tapped(self, taps: object) -> list[Tap]:
        """Return taps with addresses for ports.

        Raises:
            TypeError: It is not a tap, or a list of taps.
            GraphError: The system has no such output port.
        """
        found = []
        for tap in taps if isinstance(taps, (list, tuple)) else [taps]:
            if not isinstance(tap, Tap):
                raise TypeError(
                    "taps is a list of Tap(port, 'package.module:Class', config); got "
                    f"{tap!r:.80}."
                )
            found.append(Tap(self.of(tap.port), tap.entry_point, tap.config))
        check_ports(self._spec, [str(tap.port) for tap in found], "tap")
        return found


def output_addresses(system: HasSpec | SystemSpec, ports: object) -> list[str]:
    """Return the addresses of the output ports that somebody wants to observe.

    For recorders and viewers, whose users name ports as those of
    `launch(record=...)` do.

    Args:
        system: A live system, or its spec.
        ports: `"all"`, an address such as `"camera.output"`, or a list of addresses; of
            a live system also an output port, or a list of them.

    Raises:
        TypeError: It is none of these.
        GraphError: The system has no such output port; the nearest is named.
    """
    if isinstance(system, Composition):
        lowered = system.lower()
    else:
        lowered = Lowered(as_spec(system), [], {})
    return ports_to_record(lowered.spec, OutputAddresses(lowered).recorded(ports))
