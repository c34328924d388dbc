"""The commands that installed plug-ins add to `lk`: listed unread, imported when named.

A plug-in that is broken costs no command but its own, and that one says why.
"""

from __future__ import annotations

from collections.abc import Collection

import click

from like_keras_core.errors import LkError
from like_keras_core.plugins.discovery import PluginEntry, find_commands, load


def added_commands(own: Collection[str]) -> dict[str, PluginEntry]:
    """Return the plug-ins' commands by name; those that are off or named as ours, not.

    Args:
        own: The names of the commands of `lk` itself, which no plug-in replaces.
    """
    found: dict[str, PluginEntry] = {}
    for record in find_commands():
        if record.name not in own and record.status not in ("disabled", "shadowed"):
            found.setdefault(record.name, record)
    return found


def help_of(record: PluginEntry) -> str:
    """Return the line that `lk --help` has for a command, without importing it."""
    if record.status != "ok":
        return f"{record.status}: {record.origin}"
    return f"From {record.origin}."


def load_command(record: PluginEntry) -> click.Command:
    """Import a command.

    Raises:
        LkError: It cannot be had; the message names its distribution and says why.
    """
    who = f"The command {record.name!r} ({record.origin}) cannot be used"
    if record.status != "ok":
        raise LkError(f"{who}: {record.status}: {record.reason}")
    try:
        command = load(record)
    except Exception as error:
        raise LkError(f"{who}: importing it raised {error!r}.") from error
    if not isinstance(command, click.Command):
        raise LkError(
            f"{who}: {record.entry_point!r} is {command!r:.80}; expected a click "
            f"command. The mistake is in {record.distribution}; report it there."
        )
    return command
