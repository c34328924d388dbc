"""The `lk` command: one module a command, imported when it is named."""

from __future__ import annotations
