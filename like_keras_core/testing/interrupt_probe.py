"""`python -m`: launches an endless system, and prints how it ended, as JSON."""

from __future__ import annotations

import json
import sys

from like_keras_core.node import Node
from like_keras_core.plugins.engine_registry import register_engine
from like_keras_core.system import System
from like_keras_core.testing.components import Scale
from like_keras_core.testing.kit_components import Diary, Endless
from like_keras_core.values.class_refs import resolve


def main(origin: str, name: str, path: str, options: str) -> None:
    """Launch until Ctrl-C.

    Args:
        origin: The entry point of the engine's class.
        name: The engine's name.
        path: Where the diary is written.
        options: More keywords of the launch, as JSON.
    """
    register_engine(name, resolve(origin))
    diary = Diary(path, name="diary", node=Node("b"))
    system = System([Endless(node=Node("a")), diary, Scale(node=Node("a"))])
    report = system.launch(engine=name, **json.loads(options))
    print(  # noqa: T201 - the answer
        json.dumps(
            {
                "ended_by": report.ended_by,
                "iterations": report.iterations,
                "fired": [item.fired for item in report.components.values()],
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
