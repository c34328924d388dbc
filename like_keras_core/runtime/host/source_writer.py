"""Source that is written line by line, with marks where objects are to stand."""

from __future__ import annotations

from typing import Any


class SourceWriter:
    """The lines of one function, and what each of its marks stands for."""

    def __init__(self) -> None:
        # What stands for each mark in the source. No other string of the source is a
        # constant of the code, so a mark cannot be taken for one.
        self.constants: dict[str, Any] = {}
        # The lines, and for each of them the step that it belongs to, or -1: the way
        # from the line of a traceback back to the component.
        self.source: list[str] = []
        self.lines: list[int] = []
        # How much deeper everything stands: 1 inside the `try` of recorded runs.
        self.indent = 0

    def constant(self, key: str, value: Any) -> str:
        """Return an expression for an object, replaced after compilation."""
        self.constants[key] = value
        return repr(key)

    def add(self, depth: int, text: str, step: int = -1) -> None:
        """Write a line of the function.

        Args:
            depth: By how much it is indented, below the loop's own indentation.
            text: The line.
            step: The step that it belongs to; -1 for none.
        """
        self.source.append(" " * (self.indent + depth) + text)
        self.lines.append(step)
