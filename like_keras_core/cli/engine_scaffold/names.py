"""The names in a new distribution, all of them made from the engine's own."""

from __future__ import annotations

import re
from dataclasses import dataclass

from like_keras_core.errors import LkError
from like_keras_core.suggestions import KNOWN_ENGINES

_PREFIX = "lk-engine-"
_FORM = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40


class ScaffoldError(LkError, ValueError):
    """A new distribution cannot be written as it was asked for."""


@dataclass(frozen=True, slots=True)
class Names:
    """What things are called in the distribution of one engine.

    Args:
        engine: The name that users choose the engine by.

    Raises:
        ScaffoldError: It cannot be an engine's name, or is taken.
    """

    engine: str

    def __post_init__(self) -> None:
        if not _FORM.fullmatch(self.engine) or len(self.engine) > _LONGEST:
            raise ScaffoldError(
                "An engine's name begins with a letter and has lower-case letters, "
                f"digits and single '-', at most {_LONGEST} characters; got "
                f"{self.engine!r}.{_advice(self.engine)}"
            )
        if self.engine.startswith(_PREFIX):
            raise ScaffoldError(
                f"NAME is the engine's, not the distribution's; got {self.engine!r}."
                f"{_advice(self.engine)}"
            )
        if self.engine in KNOWN_ENGINES:
            raise ScaffoldError(
                f"The engine {self.engine!r} is {KNOWN_ENGINES[self.engine]}, which "
                "would come before yours wherever both are installed. Choose another "
                "name."
            )

    @property
    def distribution(self) -> str:
        """What is installed: `"lk-engine-steam"`."""
        return f"{_PREFIX}{self.engine}"

    @property
    def package(self) -> str:
        """What is imported: `"lk_engine_steam"`."""
        return self.distribution.replace("-", "_")

    @property
    def title(self) -> str:
        """The name as part of a class's: `"Steam"`."""
        return "".join(part.capitalize() for part in self.engine.split("-"))

    @property
    def engine_class(self) -> str:
        """The engine's class: `"SteamEngine"`."""
        return f"{self.title}Engine"


def _advice(name: str) -> str:
    """Suggest the nearest name that would do, where there is one."""
    words = re.findall(r"[a-z0-9]+", name.lower().replace("_", "-"))
    near = "-".join(words).removeprefix(_PREFIX)
    if not _FORM.fullmatch(near) or len(near) > _LONGEST or near in KNOWN_ENGINES:
        return ""
    return f" Did you mean {near!r}?"
