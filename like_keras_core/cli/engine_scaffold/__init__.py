"""The scaffold: a whole distribution with an engine, from templates."""

from __future__ import annotations
