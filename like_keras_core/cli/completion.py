"""`lk completion`: the script that teaches a shell to complete `lk`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from like_keras_core.cli.output import write

_SETUP = """\b
Load it from the shell's own start-up file:
  bash  eval "$(lk completion bash)"            in ~/.bashrc
  zsh   eval "$(lk completion zsh)"             in ~/.zshrc
  fish  lk completion fish | source             in ~/.config/fish/config.fish
"""


@click.command("completion", epilog=_SETUP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion_command(shell: str) -> None:
    """Print the completion script for SHELL."""
    from like_keras_core.cli.app import lk

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"This click has no completion for {shell}.")
    write(kind(lk, {}, "lk", "_LK_COMPLETE").source())
