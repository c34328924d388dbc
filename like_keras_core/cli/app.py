"""The `lk` group: its commands by name, and what becomes of their errors.

A command's module is imported when that command is named; its line in `lk --help` is
kept here, or in the metadata of the plug-in that adds it. An error prints as one
sentence; `--debug` shows where it came from.
"""

from __future__ import annotations

import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from errno import EIO
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from like_keras_core.cli.plugin_commands import added_commands, help_of, load_command
from like_keras_core.errors import (
    ComponentError,
    EngineError,
    EngineOptionError,
    LkError,
    LkWarning,
    LoadError,
    MixedEnginesError,
    OutputError,
    ParameterError,
    SpecError,
    ValueMutationError,
    nearest,
)
from like_keras_core.plugins.clashing_files import clash_hint
from like_keras_core.plugins.metadata import core_version
from like_keras_core.runtime.forced_exit import before_forced_exit
from like_keras_core.runtime.stop_signals import asked_by, leave_on_signals
from like_keras_core.values.main_module import main_lent

if TYPE_CHECKING:
    from typing import TextIO

    from click.shell_completion import CompletionItem

    from like_keras_core.plugins.discovery import PluginEntry

COMMANDS = {
    "validate": ("validate:validate_command", "List what is wrong with a system."),
    "graph": ("graph:graph_command", "Draw a system, as a page or as text."),
    "compile": ("compile:compile_command", "Write the files that an engine runs."),
    "params": ("params:params_command", "List what can be set of a system."),
    "launch": ("launch:launch_command", "Run a system and report what it did."),
    "engines": ("engines:engines_group", "List, check and make engines."),
    "doctor": ("doctor:doctor_command", "Check the installation."),
    "completion": ("completion:completion_command", "Print completion for a shell."),
}
"""For each command its module and attribute in `like_keras_core.cli`, and its help."""

EXIT_CODES = """\b
Exit codes:
  0    it worked
  1    the command found a problem, such as a system with errors
  2    wrong usage: an unknown option or parameter, or a TARGET that
       cannot be loaded
  3    the engine is missing or cannot be used
  4    a component failed, or did not return
  129  ended by SIGHUP
  130  interrupted
  143  ended by SIGTERM
"""

_CODES: tuple[tuple[type[Exception], int], ...] = (
    (ComponentError, 4),
    (OutputError, 4),
    (ValueMutationError, 4),
    (EngineOptionError, 2),
    (MixedEnginesError, 1),
    (EngineError, 3),
    (LoadError, 2),
    (ParameterError, 2),
    (SpecError, 2),
)


class LazyGroup(click.Group):
    """A group that imports a command when it is named.

    Args:
        lazy: For each command `"module:attribute"` and its line of help.
    """

    def __init__(self, *args: Any, lazy: dict[str, tuple[str, str]], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.lazy = lazy

    def added(self) -> dict[str, PluginEntry]:
        """Return the commands that others add to this group: none."""
        return {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of the table, and then those of others."""
        return [*self.lazy, *self.added()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in self.lazy:
            added = self.added()
            if cmd_name in added:
                return load_command(added[cmd_name])
            near = nearest(cmd_name, [*self.lazy, *added])
            if near:
                text = f"No such command {cmd_name!r}. Did you mean {near!r}?"
                raise click.UsageError(text, ctx)
            return None
        module, _, attribute = self.lazy[cmd_name][0].partition(":")
        command: click.Command = getattr(
            import_module(f"like_keras_core.cli.{module}"), attribute
        )
        return command

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[CompletionItem]:
        """Complete a command's name from the lines of help; click would import all."""
        from click.shell_completion import CompletionItem

        lines = {name: text for name, (_, text) in self.lazy.items()}
        lines |= {name: help_of(record) for name, record in self.added().items()}
        return [
            CompletionItem(name, help=text)
            for name, text in lines.items()
            if name.startswith(incomplete)
        ] + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the commands' lines of help without importing the commands."""
        lines = [(name, text) for name, (_, text) in self.lazy.items()]
        with formatter.section("Commands"):
            formatter.write_dl(lines)
        added = [(name, help_of(record)) for name, record in self.added().items()]
        if added:
            with formatter.section("Commands of plug-ins"):
                formatter.write_dl(added)


class OpenGroup(LazyGroup):
    """A group to which plug-ins add commands, through `like_keras_core.commands`."""

    def added(self) -> dict[str, PluginEntry]:
        """Return the commands that others add to this group."""
        return added_commands(self.lazy)


def _print_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        click.echo(f"lk {core_version()}")
        context.exit()


@click.group(
    cls=OpenGroup,
    lazy=COMMANDS,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and exit.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def lk(debug: bool) -> None:
    """Describe robots in Python, and run them on any engine."""


def run(arguments: list[str]) -> int:
    """Run a command, print its error if it has one, and return the exit code."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    is_debug = "--debug" in arguments[:end]
    kept = [word for word in arguments[:end] if word != "--debug"] + arguments[end:]
    with warnings.catch_warnings(), main_lent():
        warnings.showwarning = _warn(warnings.showwarning)
        try:
            given = None if end < len(arguments) else "no dashes"
            with leave_on_signals(), before_forced_exit(partial(_print, is_debug)):
                code = lk.main(kept, "lk", standalone_mode=False, obj=given)
                return code if isinstance(code, int) else 0
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except (KeyboardInterrupt, click.Abort):
            number = asked_by()
            word = f"ended by {signal.Signals(number).name}"
            with suppress(OSError):
                # The terminal may be gone.
                click.echo("interrupted" if number == signal.SIGINT else word, err=True)
            return 128 + number
        except Exception as error:
            if is_reader_gone(error):
                raise
            _print(is_debug, error)
            return exit_code(error)


def _print(is_debug: bool, error: Exception) -> bool:
    """Print an error, and say that people know of it."""
    click.echo(_to_text(error, is_debug).rstrip(), err=True)
    return True


def is_reader_gone(error: BaseException) -> bool:
    """Say whether an error means that there is no one to print for any more.

    A pipe was closed, as in `lk ... | head`, or a terminal, whose SIGHUP came before.
    """
    is_hung_up = isinstance(error, OSError) and error.errno == EIO
    return isinstance(error, BrokenPipeError) or is_hung_up


def exit_code(error: Exception) -> int:
    """Return the exit code for an error; `lk --help` lists them."""
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    return 1


def _to_text(error: Exception, is_debug: bool) -> str:
    """Return an error for people; with its traceback if asked for."""
    if is_debug:
        remote = error.traceback if isinstance(error, ComponentError) else ""
        return f"{remote}\n{''.join(traceback.format_exception(error))}".lstrip()
    text = f"error: {error}"
    if not isinstance(error, LkError):
        text = f"error: {type(error).__name__}: {error}\nWhere: lk --debug shows it."
    causes = (error, error.__cause__)
    if any(isinstance(x, (ImportError, AttributeError, TypeError)) for x in causes):
        hint = clash_hint()
        text += f"\n{hint}" if hint not in text else ""
    return text


def _warn(default: Callable[..., None]) -> Callable[..., None]:
    """Return a `warnings.showwarning` that prints our own as a line, each once."""
    said = set()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, LkWarning):
            if str(message) not in said:
                said.add(str(message))
                print(f"warning: {message}", file=file or sys.stderr)
        else:
            default(message, category, filename, lineno, file, line)

    return show
