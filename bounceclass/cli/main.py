"""The command `bounceclass`: finds the sub-command, and turns what goes wrong into an exit code.

0 all was read, 1 something could not be read whole, 2 usage or configuration, 75 try again, 130 Ctrl-C; a closed
pipe ends quietly. What an MTA's pipe runs has but 0 and 75: with any other the MTA gives the message up.
"""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from typing import Final, NoReturn

import click
from click.shell_completion import shell_complete

from bounceclass.cli.completion import COMPLETE
from bounceclass.cli.session import Session
from bounceclass.cli.terminal import complain
from bounceclass.errors import BounceclassError, InputError

__all__ = ["BUILT_IN", "command", "run"]

BUILT_IN: Final = (
    "classify",
    "reply",
    "explain",
    "compare",
    "check",
    "rules",
    "unknowns",
    "tag",
    "verify",
    "run",
    "serve",
    "deliver",
    "filter",
    "mta",
    "summary",
    "suppressions",
    "sync",
    "undo",
    "erase",
    "replay",
    "incidents",
    "quarantine",
    "outbox",
    "init",
    "config",
    "plugins",
    "completion",
)
NOT_ALL_READ, USAGE, TRY_AGAIN, INTERRUPTED = 1, 2, 75, 130
PIPED: Final = frozenset({"deliver", "filter"})


class Commands(click.Group):
    """Sub-commands by name, each imported only when it is asked for; a plugin's only where no built-in one has the name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of the documentation, then the plugins'."""
        return [*BUILT_IN, *self._visitors(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a sub-command."""
        if cmd_name not in BUILT_IN:
            return self._visitors(ctx).get(cmd_name)
        found: click.Command = import_module(f"bounceclass.cli.{cmd_name}").command
        return found

    def _visitors(self, ctx: click.Context) -> dict[str, click.Command]:
        """Return the commands of the plugins that are on; the first of two with one name counts."""
        session = _session(ctx)
        if not (session.named or session.settings.plugins):
            return {}
        if session.commands is None:
            session.commands = {}
            for name, found in session.plugins().offer("commands", _command):
                if found.name in BUILT_IN or found.name in session.commands:
                    complain(f"plugin {name}: the command {found.name!r} is taken")
                    continue
                session.commands[str(found.name)] = found
        return session.commands


def _command(found: object) -> click.Command:
    if not isinstance(found, click.Command) or not found.name:
        msg = f"{found!r} is no click command with a name"
        raise TypeError(msg)
    return found


def _session(ctx: click.Context) -> Session:
    return ctx.ensure_object(Session)


def _note_plugins(ctx: click.Context, _: click.Parameter, value: tuple[str, ...]) -> None:
    _session(ctx).named = value


def _note_config(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
    _session(ctx).config = value


def _show_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001  click's signature
    if value:
        from bounceclass import __version__  # noqa: PLC0415  reads the installed metadata

        click.echo(f"bounceclass {__version__}")
        ctx.exit()


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "-p",
    "--plugin",
    "named",
    multiple=True,
    is_eager=True,
    expose_value=False,
    callback=_note_plugins,
    metavar="NAME",
    help="Switch a plugin on, or one instance of it (NAME:INSTANCE); may be given again.",
)
@click.option(
    "--config",
    is_eager=True,
    expose_value=False,
    callback=_note_config,
    metavar="FILE",
    help="The configuration, bounceclass.toml; else what BOUNCECLASS_CONFIG names.",
)
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
    except BaseException as error:  # noqa: BLE001  what it is decides how we leave; a fault of ours goes on as it is
        _leave(_code_of(error) if not _is_piped() else _code_of_pipe(error))
    _leave(code if isinstance(code, int) else 0)


def _code_of(error: BaseException) -> int | str | None:
    """Say what went wrong, where there is something to say, and return the exit code; raise what nobody expects."""
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return INTERRUPTED
    if isinstance(error, BrokenPipeError) or isinstance(error.__context__, BrokenPipeError):  # rich leaves by itself
        return 0
    if isinstance(error, (click.exceptions.Exit, click.ClickException)):
        if isinstance(error, click.ClickException):
            error.show()
        return error.exit_code
    if isinstance(error, (BounceclassError, OSError)):
        complain(str(error))
        return NOT_ALL_READ if isinstance(error, (InputError, OSError)) else USAGE
    raise error


def _is_piped() -> bool:
    return "--from" not in sys.argv and next((one for one in sys.argv[1:] if one in BUILT_IN), None) in PIPED


def _code_of_pipe(error: BaseException) -> int:
    """Say the same, also of what nobody expects; the message is the MTA's until we have said 0."""
    try:
        return TRY_AGAIN if _code_of(error) else 0
    except BaseException:  # noqa: BLE001  as above
        import traceback  # noqa: PLC0415  for this alone

        traceback.print_exc()
        return TRY_AGAIN


def _invoke() -> object:
    """Complete for a shell, or run the sub-command; click's own `main` would take a closed pipe for a fault."""
    asked = os.environ.get(COMPLETE)
    if asked:
        return shell_complete(command, {}, "bounceclass", COMPLETE, asked)
    with command.make_context("bounceclass", sys.argv[1:]) as context:
        return command.invoke(context)


def _leave(code: int | str | None) -> NoReturn:
    """Exit; what could not be written must not be noticed a second time when Python flushes it."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
    sys.exit(code)
