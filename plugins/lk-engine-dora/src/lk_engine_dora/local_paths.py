"""Where a process on this machine finds what it runs: interpreter, code and system."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from like_keras_core.engine_kit import author_path, code_environment
from like_keras_core.spec import SystemSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What the file has to say of this machine.

    Args:
        interpreter: The Python that runs our processes, absolute.
        system: Where the spec lies, absolute.
        python_path: The author's folders of code, absolute, in order.
        code: Variables that name more of them, behind all others.
    """

    interpreter: str
    system: str
    python_path: tuple[str, ...] = ()
    code: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def here(cls, spec: SystemSpec, system: Path) -> Places:
        """Return the places of this process, for a system whose spec lies there."""
        return cls(
            interpreter=sys.executable,
            system=os.path.abspath(system),
            python_path=author_path(spec),
            code=code_environment(),
        )
