"""The environment of a dora node: what dora does to it on the way.

In a value dora expands `$NAME`; `$$` is a dollar. A string that looks like a number it
reads as one and hands over the number: `007` arrives as `7`, `1e3` as `1000`, whether
it stands in quotes or not, and nothing prevents that. Some names it drops in silence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

OWN_NAMES = (
    *("LK_CODE", "LK_DIGEST", "LK_NODE"),
    *("LK_SWEEPS", "LK_SYSTEM", "LK_WORKING_DIR"),
)
"""What the file says to each of our processes."""

_DROPPED = re.compile(
    "DORA_(NODE_CONFIG|RUNTIME_CONFIG|RUN_PARENT_PID|AUTH_TOKEN|ALLOW_SHELL_NODES)"
    "|DORA_ZENOH_.*|ZENOH_CONFIG|LD_PRELOAD|LD_LIBRARY_PATH|LD_AUDIT|DYLD_.*"
)
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_NUMBER = re.compile(
    r"[-+]?((\d+\.?\d*|\.\d+)(e[-+]?\d+)?|inf|infinity|nan)", re.ASCII | re.IGNORECASE
)
_LARGEST = 2**63 - 1


def escaped(value: Any) -> Any:
    """Return a value so that dora takes its `$` as it is."""
    return value.replace("$", "$$") if isinstance(value, str) else value


def arrives_as(text: str) -> str:
    """Return what a node sees of a string, its `$` escaped."""
    if not _NUMBER.fullmatch(text):
        return text
    if re.fullmatch(r"[-+]?\d+", text) and -_LARGEST <= int(text) <= _LARGEST:
        return str(int(text))
    number = float(text)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "inf" if number > 0 else "-inf"
    return _decimal(number)


def _decimal(number: float) -> str:
    """Write a number with its shortest digits, never with an exponent."""
    from decimal import Decimal

    text = format(Decimal(repr(number)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def problems(env: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Say which variables would not arrive, and why."""
    for name, value in env.items():
        if not _NAME.fullmatch(name):
            yield name, "which cannot be the name of an environment variable"
        elif name in OWN_NAMES:
            yield name, "which the engine sets itself"
        elif _DROPPED.fullmatch(name):
            yield name, "which dora keeps from nodes; set it where dora is started"
        elif "\0" in str(value):
            yield name, "whose value has a null character, which none can have"
        elif isinstance(value, str) and arrives_as(value) != value:
            seen = arrives_as(value)
            yield name, f"whose value {value!r} dora would turn into the number {seen}"
