from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from bounceclass.cli.main import BUILT_IN, command
from tests.servers import require

ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "FORCE_COLOR": "", "PYTHONUNBUFFERED": "", "COLUMNS": "100"}
START = "import sys; from bounceclass.cli.main import run; sys.argv[0] = 'bounceclass'; run()"
"""The command as the installed script starts it, wherever that is."""
HEAVY = ("click", "flanker", "msgspec", "pluggy", "rich")
MAIL = b"From MAILER-DAEMON Tue Jan 13 09:12:44 2026\nSubject: hello\n\nhello\n\n"
MANY = 20_000


def run(*arguments: str, stdin: bytes = b"", cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[bytes]:
    done = [sys.executable, "-c", START, *arguments]
    return subprocess.run(done, input=stdin, capture_output=True, check=False, cwd=cwd, env=ENVIRONMENT | environment)  # noqa: S603  our own command


def imported(code: str, *arguments: str, stdin: bytes = b"") -> list[str]:
    """Which of the heavy packages a program has imported when it is done."""
    seen = f"print(*sorted({{*{HEAVY}}} & {{name.partition('.')[0] for name in sys.modules}}), file=sys.stderr)"
    whole = f"import sys\ntry:\n {code}\nexcept SystemExit: pass\n{seen}"
    done = subprocess.run([sys.executable, "-c", whole, *arguments], input=stdin, capture_output=True, check=True, env=ENVIRONMENT)  # noqa: S603  our own command
    return done.stderr.decode().split()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("reply", "550 5.1.1 x"), 0),
        (("classify", "-"), 0),
        (("explain", "550"), 0),
        (("compare", "250", "521"), 0),
        (("completion", "bash"), 0),
        (("--version",), 0),
        (("--help",), 0),
        (("-h",), 0),
        (("classify", "/nonexistent/a.eml"), 1),
        (("classify", "-", "/nonexistent/a.eml"), 1),
        (("reply", "--rules", "/nonexistent/a.toml", "550"), 2),
        (("explain", "999"), 2),
        (("explain", "550", "--lang", "xx"), 2),
        (("compare", "250"), 2),
        (("check", "/nonexistent/a.toml"), 2),
        (("classify",), 2),
        (("classify", "-", "--format", "xml"), 2),
        (("completion", "tcsh"), 2),
        (("nope",), 2),
        (("--nope",), 2),
        (("reply", "--nope"), 2),
        (("classify.py",), 2),
        (("output",), 2),
        (("main",), 2),
    ],
)
def test_the_exit_code_tells_how_it_went(arguments: tuple[str, ...], code: int) -> None:
    done = run(*arguments, stdin=MAIL)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr
    if code:
        assert done.stdout + done.stderr
    elif arguments[0] != "classify":
        assert done.stderr == b""


def test_the_version_is_that_of_the_distribution() -> None:
    done = run("--version")
    assert (done.stdout.decode(), done.stderr) == (f"bounceclass {version('bounceclass')}\n", b"")


def test_an_unknown_command_is_named() -> None:
    assert b"No such command 'nope'" in run("nope").stderr


def test_without_a_command_the_usage_is_shown() -> None:
    done = run()
    shown = (done.stdout + done.stderr).decode()
    assert shown.startswith("Usage: bounceclass ")
    assert [name for name in BUILT_IN if f"\n  {name} " not in shown] == []


def commands() -> dict[str, click.Command]:
    assert isinstance(command, click.Group)
    context = click.Context(command)
    found = {name: command.get_command(context, name) for name in command.list_commands(context)}
    return {name: one for name, one in found.items() if one is not None}


def test_every_command_is_listed_and_found() -> None:
    assert tuple(commands()) == BUILT_IN


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("name", BUILT_IN)
def test_help_names_every_option_and_argument(name: str, option: str) -> None:
    done = run(name, option)
    assert (done.returncode, done.stderr) == (0, b"")
    shown = done.stdout.decode()
    assert shown.startswith(f"Usage: bounceclass {name} [OPTIONS]")
    options = [word for one in commands()[name].params if isinstance(one, click.Option) for word in one.opts]
    assert [word for word in (*options, "-h, --help") if f"  {word}" not in shown] == []


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_command_and_option_says_what_it_is_for(name: str) -> None:
    one = commands()[name]
    assert one.help
    assert [option.opts for option in one.params if isinstance(option, click.Option) and not option.help] == []
    assert [argument.name for argument in one.params if isinstance(argument, click.Argument) and not (argument.metavar or argument.type.name == "choice")] == []


def test_the_command_is_the_package_run_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "bounceclass", "--version"], capture_output=True, check=True, env=ENVIRONMENT)
    assert done.stdout == run("--version").stdout


def test_the_package_imports_nothing_heavy() -> None:
    assert imported("import bounceclass") == []


def test_reading_the_version_imports_nothing_heavy() -> None:
    assert imported("import bounceclass; bounceclass.__version__") == []


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
@pytest.mark.parametrize("text", ["550 5.1.1 x", "550 5.1.1 없는 주소"])
def test_reply_imports_neither_flanker_nor_rich_for_data(form: str, text: str) -> None:
    assert imported(START.partition("; ")[2], "reply", "--format", form, text) == ["click", "msgspec", "pluggy"]
    assert imported(START.partition("; ")[2], "reply", "--format", form, stdin=text.encode()) == ["click", "msgspec", "pluggy"]


def test_reply_imports_neither_flanker_nor_rich_for_a_table_of_ascii() -> None:
    assert imported(START.partition("; ")[2], "reply", "--why", "550 5.1.1 x") == ["click", "msgspec", "pluggy"]


@pytest.mark.parametrize("name", ["explain", "compare"])
def test_the_knowledge_base_imports_no_rich_for_data(name: str) -> None:
    assert imported(START.partition("; ")[2], name, "250", "521", "--format", "json") == ["click", "msgspec"]


def test_classify_imports_no_rich_for_data() -> None:
    assert "rich" not in imported(START.partition("; ")[2], "classify", "-", "--format", "jsonl", stdin=MAIL)


def interrupted(*arguments: str, first: bytes, shown: bytes) -> tuple[int, bytes]:
    """Give a command a first piece of a slow input; when it has answered this, press Ctrl-C."""
    # A process started in the background by a shell has Ctrl-C switched off: switched on again.
    start = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {START}"
    with subprocess.Popen(  # noqa: S603  our own command
        [sys.executable, "-c", start, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(first)
        process.stdin.flush()
        while shown not in (line := process.stdout.readline()):
            assert line
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
    return process.returncode, told


@pytest.mark.parametrize(
    ("arguments", "first", "shown"),
    [
        (("reply",), b"550 5.1.1 x\n", b"suppress"),
        (("reply", "--why"), b"550 5.1.1 x\n", b"suppress"),
        (("classify", "-"), MAIL + MAIL, b"-:1"),
    ],
)
def test_ctrl_c_ends_it_with_130_and_without_a_traceback(arguments: tuple[str, ...], first: bytes, shown: bytes) -> None:
    assert interrupted(*arguments, first=first, shown=shown) in {(130, b"\n"), (130, b"")}


def read_one_line(*arguments: str, stdin: Path) -> tuple[bytes, int, bytes]:
    """What `| head -1` prints of a command, the command's exit code, and what it complained of."""
    with stdin.open("rb") as file, subprocess.Popen(  # noqa: S603  our own command
        [sys.executable, "-c", START, *arguments], stdin=file, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read()
    return line, process.returncode, told


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "many.mbox"
    path.write_bytes(MAIL * MANY)
    return path


PIPED = [
    ("reply", "--format", "table"),
    ("reply", "--format", "jsonl"),
    ("reply", "--format", "json"),
    ("reply", "--format", "csv"),
    ("classify", "-", "--format", "table"),
    ("classify", "-", "--format", "jsonl"),
    ("explain", *("550", "551") * 200),
    ("explain", "--format", "json", *("550", "551") * 200),
]


@pytest.mark.parametrize("arguments", PIPED, ids=lambda arguments: " ".join(arguments[:3]))
def test_a_closed_pipe_ends_it_quietly(arguments: tuple[str, ...], long: Path) -> None:
    line, _, told = read_one_line(*arguments, stdin=long)
    assert line.endswith(b"\n")
    assert told == b""


@pytest.mark.parametrize("arguments", PIPED, ids=lambda arguments: " ".join(arguments[:3]))
def test_a_closed_pipe_is_no_fault(arguments: tuple[str, ...], long: Path) -> None:
    assert read_one_line(*arguments, stdin=long)[1] == 0


def test_a_pipe_closed_before_the_last_flush_is_no_fault_either() -> None:
    end, other = os.pipe()
    os.close(end)
    arguments = [sys.executable, "-c", START, "reply", "--format", "jsonl", "550"]
    done = subprocess.run(arguments, stdout=other, stderr=subprocess.PIPE, check=False, env=ENVIRONMENT)  # noqa: S603  our own command
    os.close(other)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("form", ["table", "jsonl"])
def test_a_full_disk_is_told_without_a_traceback(form: str) -> None:
    with Path("/dev/full").open("wb") as full:
        arguments = [sys.executable, "-c", START, "reply", "--format", form, "550 5.1.1 x"]
        done = subprocess.run(arguments, stdout=full, stderr=subprocess.PIPE, check=False, env=ENVIRONMENT)  # noqa: S603  our own command
    assert done.returncode != 0
    assert done.stderr.startswith(b"bounceclass: ")
    assert b"Traceback" not in done.stderr


def test_a_terminal_that_cannot_show_a_letter_shows_its_code() -> None:
    done = run("reply", "550 5.1.1 없", PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.splitlines()[1].endswith(b"550 5.1.1 \\uc5c6")


def test_data_is_utf_8_whatever_the_terminal_can_show() -> None:
    done = run("reply", "--format", "jsonl", "550 5.1.1 없", PYTHONIOENCODING="latin-1")
    assert json.loads(done.stdout)["text"] == "550 5.1.1 없"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_what_its_shell_reads(shell: str, tmp_path: Path) -> None:
    done = run("completion", shell)
    assert done.returncode == 0
    assert b"_BOUNCECLASS_COMPLETE" in done.stdout
    program = require({shell: shell})[shell]
    (tmp_path / "script").write_bytes(done.stdout)
    read = subprocess.run([program, "-n", str(tmp_path / "script")], capture_output=True, check=False, env=ENVIRONMENT)  # noqa: S603  the shell
    assert (read.returncode, read.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("bounceclass ", list(BUILT_IN)),
        ("bounceclass rep", ["reply", "replay"]),
        ("bounceclass reply --co", ["--command"]),
        ("bounceclass reply --command bo", ["body"]),
        ("bounceclass classify --format json", ["json", "jsonl"]),
        ("bounceclass completion ", ["bash", "zsh", "fish"]),
        ("bounceclass nope", []),
    ],
)
def test_a_shell_is_offered_what_may_come_next(typed: str, offered: list[str]) -> None:
    done = run(_BOUNCECLASS_COMPLETE="bash_complete", COMP_WORDS=typed, COMP_CWORD=str(len(typed.split(" ")) - 1))
    assert [line.partition(",")[2] for line in done.stdout.decode().split()] == offered
