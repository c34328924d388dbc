"""What a system needs of an engine: the capabilities, and the parts that need them."""

from __future__ import annotations

from dataclasses import dataclass

from like_keras_core.issue import Issue
from like_keras_core.spec import SystemSpec


@dataclass(frozen=True, slots=True)
class Capability:
    """A need of a system: a capability, and the part that needs it."""

    name: str
    what: str
    address: str

    def missing_from(self, engine: str) -> Issue:
        """Return the issue for an engine that does not declare it."""
        return Issue(
            f"Engine {engine!r} does not have the capability {self.name!r}, which is "
            f"needed for {self.what}.",
            code="capability",
            address=self.address,
        )


def needs(spec: SystemSpec) -> list[Capability]:
    """List the capabilities that an engine must declare to run a system."""
    found = []
    for connection in spec.connections:
        if connection.delay is not None:
            text = f"the delay on {str(connection)!r}"
            found.append(Capability("delay", text, connection.target))
    if spec.late == "skip":
        found.append(Capability("late", "late='skip'", spec.name))
    fed = {connection.target for connection in spec.connections}
    for component in spec.components:
        for port in component.inputs:
            address = component.address_of(port)
            if port.policy != "sync" and address in fed:
                text = f"the policy {port.policy!r} of {address!r}"
                found.append(Capability(port.policy, text, address))
        found += [
            Capability(name, repr(component.name), component.name)
            for name in component.needs
        ]
        if component.every > 1:
            text = f"every={component.every} of {component.name!r}"
            found.append(Capability("every", text, component.name))
        if component.takes:
            text = f"takes={component.takes} of {component.name!r}"
            found.append(Capability("takes", text, component.name))
    return found
