"""Running a command: no shell, a small environment, a limit of time that holds for its whole process group."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from bounceclass.errors import BounceclassError, Refused, Retry, SettingsError
from bounceclass_exec.call import NAMES, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bounceclass_exec.call import Call

__all__ = ["Command", "CommandError"]

_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
_KEPT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
"""What the command sees of our environment, which may hold secrets."""
_INTERPRETERS: Final = re.compile(r"(?:ba|da|a|k|mk|z|c|tc|fi)?sh|busybox|python[\d.]*|pypy[\d.]*|perl[\d.]*|ruby[\d.]*|node|php[\d.]*|lua[\d.]*")
_CODE: Final = re.compile(r"-[A-Za-z]*[cer]|--(?:command|eval|execute|run|print)")
_LONGEST: Final = 4096
"""Characters of a value in an argument; no address is that long, and the system limits arguments."""
_TAIL: Final = 4096
_TEMPFAIL: Final = os.EX_TEMPFAIL
_LATER: Final = 60.0  # seconds


class CommandError(BounceclassError):
    """A command that failed: how it ended, and the end of what it wrote to standard error."""


class Command:
    """A program and its arguments."""

    def __init__(self, arguments: Sequence[str], timeout: float) -> None:
        """Check it; raises SettingsError for a program that is not there, an unknown name in braces, or a value within code."""
        self._arguments = tuple(arguments)
        self._timeout = timeout
        program = self._arguments[0]
        if _PLACEHOLDER.search(program):
            msg = f"command: the program itself can't be a value: {program}"
            raise SettingsError(msg)
        if shutil.which(program) is None:
            msg = f"command: there is no program {program}"
            raise SettingsError(msg)
        for place, argument in enumerate(self._arguments):
            self._check(place, argument)

    def _check(self, place: int, argument: str) -> None:
        if "\0" in argument:
            msg = "command: an argument can't hold NUL"
            raise SettingsError(msg)
        names = _PLACEHOLDER.findall(argument)
        for name in names:
            if name not in NAMES:
                msg = f"command: {{{name}}} is no value; known are {', '.join(NAMES)}"
                raise SettingsError(msg)
        before = self._arguments[:place]
        if names and _CODE.fullmatch(before[-1]) and any(_INTERPRETERS.fullmatch(PurePath(word).name) for word in before):
            msg = f"command: {argument!r} is code, and who writes an address would write code: use $BOUNCECLASS_{names[0].upper()} in it"
            raise SettingsError(msg)

    def call(self, call: Call) -> None:
        """Run it once; returns where it ended with 0.

        Raises Retry for 75 (EX_TEMPFAIL), Refused for a value that can't be an argument, CommandError
        for any other end.
        """
        arguments = self._filled(call.values)
        # A file, not a pipe: it can be read late, in part, or never.
        with tempfile.TemporaryFile() as given:
            given.write(call.body)
            given.seek(0)
            with subprocess.Popen(  # noqa: S603  no shell; the operator's own command
                arguments,
                stdin=given,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=_environment(call.values),
                start_new_session=True,
            ) as process:
                try:
                    said = _watch(process, self._timeout)
                finally:
                    if process.poll() is None:
                        _kill(process)
        self._judge(process.returncode, said)

    def _filled(self, values: Mapping[str, str]) -> list[str]:
        """Put the values in, in one go: what looks like a name in braces within a value stays."""
        filled, after_dashes = [], False
        for argument in self._arguments:
            for name in _PLACEHOLDER.findall(argument):
                self._check_value(name, values[name], starts=argument.startswith(f"{{{name}}}"), after_dashes=after_dashes)
            filled.append(_PLACEHOLDER.sub(lambda match: values[match[1]], argument))
            after_dashes = after_dashes or argument == "--"
        return filled

    def _check_value(self, name: str, value: str, *, starts: bool, after_dashes: bool) -> None:
        if "\0" in value or len(value) > _LONGEST:
            msg = f"the {name} can't be an argument: it {'holds NUL' if chr(0) in value else f'has {len(value):,} characters'}"
            raise Refused(msg)
        # `-x` would be an option; many a program reads a file for `@file`. A domain entry is `@domain`, in front of which text can stand.
        if starts and (value.startswith("@") or (value.startswith("-") and not after_dashes)):
            msg = (
                f"the {name} begins with {value[0]!r}, which {self._arguments[0]} might take for more than a value: "
                f"write text before it, --{name}={{{name}}}{'' if after_dashes else ', or put `--` in front'}"
            )
            raise Refused(msg)

    def _judge(self, code: int, said: bytes | None) -> None:
        program = self._arguments[0]
        if said is None:
            msg = f"{program} did not end within {self._timeout:g} s, and was killed"
            raise CommandError(msg)
        tail = one_line(said.decode("utf-8", "replace"))
        why = f"{program} {f'was ended by signal {-code}' if code < 0 else f'exited with {code}'}{f': {tail}' if tail else ''}"
        if code == _TEMPFAIL:
            raise Retry(_LATER, why)
        if code != 0:
            raise CommandError(why)


def _environment(values: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {f"BOUNCECLASS_{name.upper()}": value[:_LONGEST].replace("\0", "\ufffd") for name, value in values.items()}


def _watch(process: subprocess.Popen[bytes], timeout: float) -> bytes | None:
    """Wait for the end; return the end of what was written to standard error, None where the time is over.

    The pipe is emptied, so that nobody waits for us, and not waited for: a process that the command
    left behind may hold it open for ever.
    """
    if process.stderr is None:
        return b""
    pipe, tail, end, open_ = process.stderr.fileno(), b"", time.monotonic() + timeout, True
    while process.poll() is None:
        left = end - time.monotonic()
        if left <= 0:
            return None
        if not open_:
            with suppress(subprocess.TimeoutExpired):
                process.wait(left)
        elif _readable(pipe, min(left, 0.05)):
            piece = os.read(pipe, 65536)
            tail, open_ = (tail + piece)[-_TAIL:], bool(piece)
    while open_ and time.monotonic() < end and _readable(pipe, 0):
        piece = os.read(pipe, 65536)
        tail, open_ = (tail + piece)[-_TAIL:], bool(piece)
    return tail


def _readable(pipe: int, seconds: float) -> bool:
    watch = select.poll()  # not select(), which knows no descriptor above 1023
    watch.register(pipe, select.POLLIN | select.POLLHUP)
    return bool(watch.poll(seconds * 1000))


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the whole group. It was not waited for yet, so its number can't be another's by now."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
