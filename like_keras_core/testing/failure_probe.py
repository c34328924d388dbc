"""`python -m`: launches a system with a component that misbehaves, and says the end."""

from __future__ import annotations

import json
import sys
from typing import Any

from like_keras_core.errors import LkError
from like_keras_core.node import Node
from like_keras_core.plugins.engine_registry import register_engine
from like_keras_core.report import RunReport
from like_keras_core.system import System
from like_keras_core.testing.failing_components import Misbehaves
from like_keras_core.testing.kit_components import Diary
from like_keras_core.values.class_refs import resolve


def main(origin: str, name: str, path: str, what: str, options: str) -> None:
    """Launch until it ends, and print how it did, as JSON.

    Args:
        origin: The entry point of the engine's class.
        name: The engine's name.
        path: Where the diary is written.
        what: What the first component does, as JSON.
        options: More keywords of the launch, as JSON.
    """
    register_engine(name, resolve(origin))
    a, b = Node("a"), Node("b")
    early = Misbehaves(path, {}, name="early", node=a)
    camera = Misbehaves(path, json.loads(what), name="camera", node=a)
    near = Diary(path, name="near", node=a)
    motor = Diary(path, name="motor", node=b)
    number = camera()
    near(number)
    motor(number)
    said: dict[str, Any] = {}
    report: RunReport | None
    try:
        report = System([early, camera, near, motor]).launch(
            engine=name, **json.loads(options)
        )
    except LkError as error:
        report = getattr(error, "report", None)
        said = {"error": type(error).__name__, "text": str(error)}
    if report is not None:
        said.update(ended_by=report.ended_by, iterations=report.iterations)
    print(json.dumps(said), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main(*sys.argv[1:])
