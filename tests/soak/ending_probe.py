"""`python -m`: launches a system that does something, and says how it ended, as JSON.

A line on its standard input stops the system.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

from like_keras_core import LkError, Node, RunReport, System
from like_keras_core.plugins.engine_registry import register_engine
from like_keras_core.testing.kit_components import Diary
from like_keras_core.values.class_refs import resolve
from tests.soak.ending_components import Camera, Motor


def main(engine: str, path: str, camera: str, options: str) -> None:
    """Launch until it ends.

    Args:
        engine: The engine's name, or the entry point of its class.
        path: Where the diary is written.
        camera: What the camera does, as JSON.
        options: More keywords of the launch, as JSON.
    """
    if ":" in engine:
        kind: Any = resolve(engine)
        register_engine(kind.name, kind)
        engine = kind.name
    a, b = Node("a"), Node("b")
    source = Camera(path, **json.loads(camera), name="camera", node=a)
    early = Camera(path, name="early", node=a, pause_s=0.002)
    near, motor = Diary(path, name="near", node=a), Motor(path, name="motor", node=b)
    near(source())
    motor(early())
    system = System([early, source, near, motor])

    def stop() -> None:
        if sys.stdin.readline():
            system.stop()

    threading.Thread(target=stop, daemon=True).start()
    said: dict[str, Any] = {}
    report: RunReport | None
    Path(path).with_name("launched").touch()
    try:
        report = system.launch(engine=engine, **json.loads(options))
    except LkError as error:
        report = getattr(error, "report", None)
        said = {"error": type(error).__name__, "text": str(error)}
    if report is not None:
        said.update(ended_by=report.ended_by, iterations=report.iterations)
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
