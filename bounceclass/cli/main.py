"""The command `bounceclass`: finds the sub-command, and turns what goes wrong into an exit code.

0 all was read, 1 something could not be read whole, 2 usage or configuration, 130 Ctrl-C; a closed
pipe ends quietly.
"""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from typing import Final, NoReturn

import click
from click.shell_completion import shell_complete

from bounceclass.errors import BounceclassError, InputError

__all__ = ["BUILT_IN", "command", "run"]

BUILT_IN: Final = ("classify", "reply", "explain", "compare", "check", "completion")
COMPLETE: Final = "_BOUNCECLASS_COMPLETE"
NOT_ALL_READ, USAGE, INTERRUPTED = 1, 2, 130


class Commands(click.Group):
    """Sub-commands by name, each imported only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the names, in the order of the documentation."""
        return list(BUILT_IN)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        """Import a sub-command."""
        if cmd_name not in BUILT_IN:
            return None
        found: click.Command = import_module(f"bounceclass.cli.{cmd_name}").command
        return found


def _show_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001  click's signature
    if value:
        from bounceclass import __version__  # noqa: PLC0415  reads the installed metadata

        click.echo(f"bounceclass {__version__}")
        ctx.exit()


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version and exit.")
def command() -> None:
    """Read bounces and SMTP replies: what happened, why, whose fault it is and what to do."""


def run() -> NoReturn:
    """Run the command line and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that can't show a letter shows its code
    try:
        code = _invoke()
        sys.stdout.flush()
    except SystemExit as leaving:  # rich leaves by itself where the pipe is closed
        _leave(0 if isinstance(leaving.__context__, BrokenPipeError) else leaving.code)
    except click.exceptions.Exit as leaving:
        _leave(leaving.exit_code)
    except click.ClickException as error:
        error.show()
        _leave(error.exit_code)
    except InputError as error:
        _complain(error, NOT_ALL_READ)
    except BounceclassError as error:
        _complain(error, USAGE)
    except (KeyboardInterrupt, click.Abort):
        _leave(INTERRUPTED)
    except BrokenPipeError:
        _leave(0)
    except OSError as error:
        _complain(error, NOT_ALL_READ)
    _leave(code if isinstance(code, int) else 0)


def _invoke() -> object:
    """Complete for a shell, or run the sub-command; click's own `main` would take a closed pipe for a fault."""
    asked = os.environ.get(COMPLETE)
    if asked:
        return shell_complete(command, {}, "bounceclass", COMPLETE, asked)
    with command.make_context("bounceclass", sys.argv[1:]) as context:
        return command.invoke(context)


def _complain(error: Exception, code: int) -> NoReturn:
    click.echo(f"bounceclass: {error}", err=True)
    _leave(code)


def _leave(code: int | str | None) -> NoReturn:
    """Exit; what could not be written must not be noticed a second time when Python flushes it."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
    sys.exit(code)
