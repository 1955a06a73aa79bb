"""`bounceclass completion`: the script that makes a shell complete our commands and options."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import get_completion_class

__all__ = ["COMPLETE", "command"]

COMPLETE: Final = "_BOUNCECLASS_COMPLETE"
"""The environment variable by which a shell asks for completions."""


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def command(shell: str) -> None:
    """Print the completion script for a shell: `source <(bounceclass completion bash)`."""
    found = get_completion_class(shell)
    if found is not None:
        whole = click.get_current_context().find_root().command
        click.echo(found(whole, {}, "bounceclass", COMPLETE).source())
