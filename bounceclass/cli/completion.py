"""`bounceclass completion`: the script that makes a shell complete our commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

__all__ = ["command"]


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def command(shell: str) -> None:
    """Print the completion script for a shell: `source <(bounceclass completion bash)`."""
    from bounceclass.cli.main import COMPLETE
    from bounceclass.cli.main import command as whole  # noqa: PLC0415  main imports this module by name

    found = get_completion_class(shell)
    if found is not None:
        click.echo(found(whole, {}, "bounceclass", COMPLETE).source())
