"""Which engines and plug-ins are installed, and in what state; listing imports none.

Each entry point becomes a record with a status and, unless that is `ok`, a reason
that says what to do. Startup time is why the records are no dataclasses: importing
`dataclasses` costs more than all the rest of a listing.
"""

from __future__ import annotations

import os

from like_keras_core.plugins.compatibility import (
    admits,
    is_importable,
    is_name,
    required_core,
    split_entry_point,
)
from like_keras_core.plugins.metadata import (
    CORE,
    UNKNOWN_VERSION,
    Distribution,
    core_version,
    distributions,
    parse_group,
)
from like_keras_core.suggestions import KNOWN_ENGINES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, TypeVar

    Status = Literal[
        "ok", "missing-module", "incompatible", "shadowed", "disabled", "malformed"
    ]
    R = TypeVar("R", bound="PluginEntry")

ENGINE_GROUP = "like_keras_core.engines"
PLUGIN_GROUP = "like_keras_core.plugins"
COMMAND_GROUP = "like_keras_core.commands"
ENGINES_DISABLE = "LK_ENGINES_DISABLE"
PLUGINS_DISABLE = "LK_PLUGINS_DISABLE"

_FORMS = {ENGINE_GROUP: "module:Class", COMMAND_GROUP: "module:command"}
"""How an entry point must look, in the groups where a module alone will not do."""

FIELDS = (
    "name",
    "distribution",
    "version",
    "requires_core",
    "status",
    "reason",
    "summary",
    "entry_point",
)


class PluginEntry:
    """What the metadata says about one installed plug-in; immutable.

    Args:
        name: The entry point's name.
        distribution: What was installed.
        version: The distribution's version.
        requires_core: The versions of the core that it asks for; empty for any.
        status: `"ok"`, or why it cannot be used.
        reason: The status in a sentence, with the way out; empty for `"ok"`.
        summary: The distribution's own line about itself.
        entry_point: `"package.module:attribute"`.
    """

    __slots__ = FIELDS

    name: str
    distribution: str
    version: str
    requires_core: str
    status: Status
    reason: str
    summary: str
    entry_point: str

    def __init__(
        self,
        *,
        name: str,
        distribution: str,
        version: str = "",
        requires_core: str = "",
        status: Status = "ok",
        reason: str = "",
        summary: str = "",
        entry_point: str = "",
    ) -> None:
        values = (name, distribution, version, requires_core, status, reason)
        for field, value in zip(FIELDS, (*values, summary, entry_point), strict=True):
            object.__setattr__(self, field, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable: {name!r}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash(tuple(self.to_dict().values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(**{self.to_dict()!r})"

    @property
    def origin(self) -> str:
        """The distribution with its version, for messages."""
        return f"{self.distribution} {self.version}".strip()

    def to_dict(self) -> dict[str, str]:
        """Return the record as JSON data."""
        return {field: getattr(self, field) for field in FIELDS}


class EngineEntry(PluginEntry):
    """What the metadata says about one installed engine; immutable."""

    __slots__ = ()


def find_engines() -> list[EngineEntry]:
    """Return every installed engine, usable or not, sorted by name."""
    return _find(EngineEntry, ENGINE_GROUP, ENGINES_DISABLE)


def find_plugins() -> list[PluginEntry]:
    """Return every installed plug-in that is always on, sorted by name."""
    return _find(PluginEntry, PLUGIN_GROUP, PLUGINS_DISABLE)


def find_commands() -> list[PluginEntry]:
    """Return every command that plug-ins add to `lk`, sorted by name."""
    return _find(PluginEntry, COMMAND_GROUP, PLUGINS_DISABLE)


def load(record: PluginEntry) -> Any:
    """Import what a record names; nothing else here imports it.

    Raises:
        ImportError: The module is not there, or imports one that is not.
        Exception: Whatever else the module raises, or lacks.
    """
    from importlib import import_module

    module, attribute = split_entry_point(record.entry_point)
    found: Any = import_module(module)
    for part in attribute.split(".") if attribute else ():
        found = getattr(found, part)
    return found


def _find(kind: type[R], group: str, switch: str) -> list[R]:
    installed = list(distributions())
    claims = [
        (distribution, name, value)
        for distribution in installed
        for name, value in parse_group(distribution.read("entry_points.txt"), group)
    ]
    if not claims:
        return []
    if group == ENGINE_GROUP:
        claims.sort(key=lambda claim: claim[0].name != KNOWN_ENGINES.get(claim[1]))
    version = core_version(installed)
    winners: dict[str, Distribution] = {}
    records = []
    for claim in claims:
        distribution, name, value = claim
        headers = distribution.headers()
        requires = required_core(headers.get("requires-dist", ()))
        status, reason = _judge_line(claim, group, switch)
        if status == "ok":
            status, reason = _judge_fit(distribution, value, requires, version)
        if status == "ok" and name in winners:
            status, reason = _shadowed_by(winners[name], name)
        elif status == "ok":
            winners[name] = distribution
        records.append(
            kind(
                name=name,
                distribution=headers.get("name", [distribution.name])[0],
                version=headers.get("version", [distribution.version])[0],
                requires_core=requires,
                status=status,
                reason=reason,
                summary=headers.get("summary", [""])[0],
                entry_point=value,
            )
        )
    return sorted(records, key=lambda record: (record.name, record.status != "ok"))


def _judge_line(
    claim: tuple[Distribution, str, str], group: str, switch: str
) -> tuple[Status, str]:
    """Judge an entry point by its own line and the environment."""
    distribution, name, value = claim
    off = {name.strip() for name in os.environ.get(switch, "").split(",")}
    if name in off:
        return "disabled", f"{switch} names it."
    if "*" in off and distribution.name not in {CORE, *KNOWN_ENGINES.values()}:
        return "disabled", f"{switch}=* turns off all third-party ones."
    line = f"{name} = {value}" if value else name
    advice = f"The mistake is in {distribution.name}; report it there."
    if not is_name(name):
        allowed = "letters, digits, '-', '_' and '.'"
        return "malformed", f"In {line!r} the name must be of {allowed}. {advice}"
    module, attribute = split_entry_point(value)
    parts = module.split(".")
    if group in _FORMS or ":" in value:
        parts += attribute.split(".")
    if not all(part.isidentifier() for part in parts):
        form = _FORMS.get(group, "module or module:object")
        return "malformed", f"{line!r} does not have the form name = {form}. {advice}"
    return "ok", ""


def _judge_fit(
    distribution: Distribution, value: str, requires: str, version: str
) -> tuple[Status, str]:
    """Judge an entry point by what else is installed."""
    try:
        fits = version == UNKNOWN_VERSION or admits(requires, version)
    except ValueError:
        return "malformed", (
            f"It requires {CORE} {requires!r}, which is not a valid version specifier "
            "(PEP 440)."
        )
    if not fits:
        return "incompatible", (
            f"It requires {CORE} {requires}, and {version} is installed. "
            f"Install a release of {distribution.name} that was made for this core."
        )
    module = split_entry_point(value)[0]
    if not is_importable(module):
        return "missing-module", (
            f"Its module {module!r} is not there; the files may have been moved or "
            f"deleted. Remove the entry: pip uninstall {distribution.name}"
        )
    return "ok", ""


def _shadowed_by(winner: Distribution, name: str) -> tuple[Status, str]:
    return "shadowed", (
        f"{winner.name} provides {name!r} too, and comes first. "
        f"To use this one: pip uninstall {winner.name}"
    )
