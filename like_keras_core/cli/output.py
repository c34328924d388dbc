"""How commands print: JSON for programs, tables for people.

A table is drawn by rich on a terminal where rich is installed, and is plain text
everywhere else, so that what is piped never changes.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_STYLES = {
    "ok": "green",
    "PASS": "green",
    "WARN": "yellow",
    "disabled": "yellow",
    "shadowed": "yellow",
    "FAIL": "red",
    "incompatible": "red",
    "malformed": "red",
    "missing-module": "red",
}


def write(text: str) -> None:
    """Write a line to stdout; what its encoding lacks becomes a question mark."""
    stream = sys.stdout
    try:
        stream.write(f"{text}\n")
    except UnicodeEncodeError:
        encoding = stream.encoding
        stream.write(f"{text.encode(encoding, 'replace').decode(encoding)}\n")


def drop_stdout() -> None:
    """Let what is written to stdout go nowhere: whoever read it is gone."""
    import os

    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def write_json(data: Any) -> None:
    """Write JSON, with `indent=2`, to stdout."""
    import json

    write(json.dumps(data, indent=2))


def write_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write rows under a header to stdout."""
    cells = [[printable(cell) for cell in row] for row in rows]
    if not (sys.stdout.isatty() and _write_rich(header, cells)):
        write(to_text([[name.upper() for name in header], *cells]))


def to_text(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as plain text in aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def printable(text: str) -> str:
    """Return text without what could steer a terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


def _write_rich(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Draw a table with rich; say whether it is there to do so."""
    try:
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except Exception:  # noqa: BLE001 - a broken rich must not take the answer away
        return False
    table = Table(*header, box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    Console().print(table)
    return True
