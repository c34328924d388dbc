"""Draws the control protocol, as Mermaid, from the classes of its messages.

`python docs/protocol_diagram.py` writes the diagram into the page that shows it; a test
compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from like_keras_core.runtime.control import protocol

PAGE = Path(__file__).parent / "explanation" / "how-a-launch-works.md"
FENCE = re.compile(r"(?<=^```mermaid\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)

LAUNCHER, PROCESS = "L->>P", "P->>L"


def arrows(verb: str) -> list[str]:
    """Return the directions in which a message is sent."""
    if verb == protocol.Heartbeat.verb:
        return [LAUNCHER, PROCESS]
    return [LAUNCHER if verb in protocol.TO_PROCESS else PROCESS]


def messages() -> list[Any]:
    """Return the classes of the messages, in the order of a run."""
    both = [protocol.TO_PROCESS, protocol.FROM_PROCESS]
    known: set[Any] = {kind for table in both for kind in table.values()}
    known.add(protocol.Heartbeat)
    return [item for item in vars(protocol).values() if _is_in(item, known)]


def _is_in(item: object, classes: set[Any]) -> bool:
    return isinstance(item, type) and item in classes


def lines() -> Iterator[str]:
    """Give the lines of the diagram."""
    yield "sequenceDiagram"
    yield "    participant L as Launcher"
    yield "    participant P as Process of a node"
    phase = ""
    for message in messages():
        if message.phase != phase:
            phase = message.phase
            yield f"    Note over L,P: {phase}"
        names = ", ".join(field.name for field in fields(message))
        label = f"{message.verb} ({names})" if names else message.verb
        for arrow in arrows(message.verb):
            yield f"    {arrow}: {label}"


def diagram() -> str:
    """Return the diagram, as it stands between the fences."""
    return "\n".join(lines()) + "\n"


def shown() -> str:
    """Return the diagram that the page shows."""
    found = FENCE.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None, f"{PAGE} has no Mermaid diagram."
    return found[0]


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(FENCE.sub(lambda _: diagram(), text), encoding="utf-8")
