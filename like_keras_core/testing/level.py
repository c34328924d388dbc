"""Levels of the kit, and the capabilities that each of them knows."""

from __future__ import annotations

LEVEL = 1
"""The newest level of the kit."""

LEVELS: dict[str, int] = {
    "delay": 1,
    "hold": 1,
    "latest": 1,
    "every": 1,
    "takes": 1,
    "rate": 1,
    "late": 1,
    "record": 1,
    "multi-process": 1,
    "multi-machine": 1,
    "zero-copy": 1,
    "foreign-nodes": 1,
    "stand-alone": 1,
}
"""The level of the kit at which each capability came in."""

UNTESTED: dict[str, str] = {
    "multi-machine": "it takes a second machine",
    "foreign-nodes": "how such a node is named is the engine's own business",
}
"""Capabilities whose presence the kit cannot show, and why."""
