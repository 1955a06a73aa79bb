from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bounceclass_exec import Caller, Settings, plugin
from bounceclass_exec.command import CommandError

from bounceclass.engine import Engine
from bounceclass.errors import MissingExtraError, Refused, Retry, SettingsError
from bounceclass.model import Event, Kind, Report
from tests.plugins.calls import ALL, DOMAIN, TELLING, act, tell

DOCS = Path(__file__).parent.parent.parent / "docs" / "plugins.md"
NOTE = """
import json, os, sys
with open(sys.argv[1], "a") as file:
    file.write(json.dumps({"args": sys.argv[2:], "stdin": json.load(sys.stdin), "env": dict(os.environ)}) + "\\n")
"""
NASTY = ["$(touch pwned)@x", "`touch pwned`@x", "a;touch pwned@x", "a|b@x", "a&b@x", "a b@x", "a'b@x", 'a"b@x', "a\\b@x", "a\nb@x", "*@x", "~@x", "$HOME@x", "a>b@x", "{key}@x", "%s@x", "é@x", "\x1b[2J@x", "a\u2028b@x"]


def python(code: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code, *arguments)


@pytest.fixture
def noted(tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Give what a program that notes its calls was called with: noted(arguments, do, **settings)."""

    def run(arguments: tuple[str, ...], do: Callable[[Caller], object], **given: Any) -> list[dict[str, Any]]:
        place = tmp_path / "noted"
        do(plugin(Settings(command=python(NOTE, str(place), *arguments), **given)))
        return [json.loads(line) for line in place.read_text().splitlines()] if place.exists() else []

    return run


Noted = Callable[..., list[dict[str, Any]]]

# What is called, and for what


@pytest.mark.parametrize(
    ("given", "called"),
    [
        ({}, ["bounce", "complaint"]),
        ({"hooks": ALL}, list(ALL)),
        ({"hooks": ("delay", "release")}, ["delay", "release"]),
        ({"hooks": ()}, []),
        ({"hooks": ("bounce", "suppress"), "advice": ("suppress",)}, ["bounce", "suppress"]),
        ({"hooks": ("bounce", "suppress"), "advice": ("count", "fix")}, ["suppress"]),
    ],
)
def test_it_is_called_for_the_hooks_and_the_advice_that_are_set(noted: Noted, given: dict[str, Any], called: list[str]) -> None:
    def do(caller: Caller) -> None:
        for hook in TELLING:
            tell(caller, hook=hook)
        act(caller, "suppress")
        act(caller, "release")

    assert [one["stdin"]["hook"] for one in noted((), do, **given)] == called


def test_standard_input_holds_all_that_is_known(noted: Noted) -> None:
    (one,) = noted((), tell)
    assert sorted(one["stdin"]) == ["event", "hook", "key", "report"]
    assert (one["stdin"]["hook"], one["stdin"]["key"], one["stdin"]["event"]["verdict"]["reason"]) == ("bounce", "k1", "user-unknown")
    assert one["stdin"]["report"]["events"] == [one["stdin"]["event"]]


def test_of_a_decision_standard_input_holds_the_suppression(noted: Noted) -> None:
    (one,) = noted((), act, hooks=("suppress",))
    assert one["stdin"] == {
        "hook": "suppress", "key": "k1",
        "suppression": {"address": "user@example.org", "domain": None, "scope": "news", "reason": "user-unknown", "since": "2026-01-01T00:00:00Z", "until": "2026-06-01T00:00:00Z", "cause": [], "by": "policy"},
    }  # fmt: skip


def test_the_environment_is_small_and_has_the_values(noted: Noted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_SECRET", "s3cret")
    monkeypatch.setenv("LANG", "C.UTF-8")
    (one,) = noted((), act, hooks=("suppress",))
    env = one["env"]
    assert {name: value for name, value in env.items() if name.startswith("BOUNCECLASS_")} == {
        "BOUNCECLASS_HOOK": "suppress", "BOUNCECLASS_KEY": "k1", "BOUNCECLASS_RECIPIENT": "user@example.org", "BOUNCECLASS_KIND": "", "BOUNCECLASS_REASON": "user-unknown",
        "BOUNCECLASS_ADVICE": "", "BOUNCECLASS_PERMANENCE": "", "BOUNCECLASS_SCOPE": "news", "BOUNCECLASS_UNTIL": "2026-06-01T00:00:00Z",
    }  # fmt: skip
    assert (env["LANG"], env["PATH"], "API_SECRET" in env) == ("C.UTF-8", os.environ["PATH"], False)


def test_values_stand_in_the_arguments(noted: Noted) -> None:
    arguments = ("{recipient}", "--why={reason}/{advice}", "{key}:{hook}:{kind}:{permanence}:{scope}", "{until}", "{}", "{ recipient }", "{Recipient}", '{"a": 1}')
    (one,) = noted(arguments, tell)
    assert one["args"] == ["user@example.org", "--why=user-unknown/suppress", "k1:bounce:bounce:permanent:address", "", "{}", "{ recipient }", "{Recipient}", '{"a": 1}']


@pytest.mark.parametrize("recipient", NASTY)
def test_a_value_is_one_argument_whatever_it_holds(noted: Noted, recipient: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (one,) = noted(("--to={recipient}", "{recipient}", "end"), lambda caller: tell(caller, recipient))
    assert one["args"] == [f"--to={recipient}", recipient, "end"]
    assert (one["stdin"]["event"]["recipient"], one["env"]["BOUNCECLASS_RECIPIENT"]) == (recipient, recipient)
    assert not (tmp_path / "pwned").exists()


def test_nobody_named_is_an_empty_argument(noted: Noted) -> None:
    (one,) = noted(("{recipient}", "end"), lambda caller: tell(caller, None))
    assert (one["args"], one["stdin"]["event"]["recipient"], one["env"]["BOUNCECLASS_RECIPIENT"]) == (["", "end"], None, "")


@pytest.mark.parametrize(
    ("arguments", "recipient", "passes"),
    [
        (("{recipient}",), "-oQ/tmp@x", False),
        (("{recipient}",), "--config=/tmp/x@x", False),
        (("{recipient}.txt",), "-x@x", False),
        (("{recipient}",), "@/etc/passwd", False),
        (("--", "{recipient}"), "-oQ/tmp@x", True),
        (("--", "{recipient}"), "@/etc/passwd", False),
        (("--to={recipient}",), "-oQ/tmp@x", True),
        (("to {recipient}",), "@/etc/passwd", True),
        (("--to={recipient}",), "a\0b@x", False),
        (("--to={recipient}",), "a" * 5000, False),
    ],
)
def test_a_value_can_t_become_an_option(noted: Noted, arguments: tuple[str, ...], recipient: str, passes: bool) -> None:  # noqa: FBT001  a column
    if passes:
        assert len(noted(arguments, lambda caller: tell(caller, recipient))) == 1
    else:
        with pytest.raises(Refused, match=r"the recipient (begins with|can't be an argument)"):
            noted(arguments, lambda caller: tell(caller, recipient))


def test_a_recipient_that_can_t_be_an_argument_is_still_told_on_standard_input(noted: Noted) -> None:
    (one,) = noted((), lambda caller: tell(caller, "a\0b@x" + "c" * 9000))
    assert one["stdin"]["event"]["recipient"] == "a\0b@x" + "c" * 9000
    assert one["env"]["BOUNCECLASS_RECIPIENT"].startswith("a\ufffdb@xccc")


def test_a_domain_is_a_recipient_with_an_at_sign_before_it(noted: Noted) -> None:
    (one,) = noted(("--to={recipient}",), lambda caller: act(caller, suppression=DOMAIN), hooks=("suppress",))
    assert one["args"] == ["--to=@example.org"]


# How a command ends


@pytest.mark.parametrize(
    ("code", "error", "why"),
    [
        ("raise SystemExit(75)", Retry, r" exited with 75$"),
        ("import sys; sys.stderr.write('busy'); raise SystemExit(75)", Retry, r" exited with 75: busy$"),
        ("raise SystemExit(1)", CommandError, r" exited with 1$"),
        ("import sys; sys.stderr.write('a\\x1b[31m\\r\\nb\\x00\\u202ec'); raise SystemExit(3)", CommandError, r" exited with 3: a \[31m b c$"),
        ("import sys; sys.stderr.buffer.write(b'\\xff'); raise SystemExit(3)", CommandError, " exited with 3: \ufffd$"),
        ("import sys; sys.stderr.write('x' * 99999 + 'end'); raise SystemExit(3)", CommandError, r" exited with 3: \.\.\.x{297}end$"),
        ("import os; os.kill(os.getpid(), 9)", CommandError, r" was ended by signal 9$"),
    ],
)
def test_how_a_command_ends_is_what_the_hook_says(code: str, error: type[Exception], why: str) -> None:
    with pytest.raises(error, match=why):
        tell(plugin(Settings(command=python(code))))


@pytest.mark.parametrize(
    "code",
    [
        "pass",
        "import sys; sys.stdout.write('x' * 20_000_000); sys.stderr.write('y' * 20_000_000)",
        "import os; os.close(0)",
        "import os; os.close(1); os.close(2)",
        "import sys; sys.stdin.read(1)",
        "import os, time; os.close(2); time.sleep(0.2)",
    ],
)
def test_a_command_that_ends_with_0_has_done_it(code: str) -> None:
    big = Event(kind=Kind.BOUNCE, recipient="user@example.org", diagnostic="x" * 1_000_000)
    plugin(Settings(command=python(code))).bounceclass_bounce(event=big, report=Report(kind=Kind.BOUNCE, events=(big,)), key="k")


IGNORES = "import signal, time, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); "


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(60)",
        IGNORES + "time.sleep(60)",
        IGNORES + "\nwhile True: sys.stderr.write('x' * 65536)",
        "import os, time; os.fork(); time.sleep(60)",
        "import os, time; os.close(2); time.sleep(60)",
    ],
)
def test_a_command_that_hangs_is_killed_with_its_group(code: str, tmp_path: Path) -> None:
    place = tmp_path / "group"
    started = time.monotonic()
    with pytest.raises(CommandError, match=r"did not end within 0\.5 s, and was killed"):
        tell(plugin(Settings(command=python(f"import os; open({str(place)!r}, 'w').write(str(os.getpgrp()))\n{code}"), timeout=0.5)))
    assert time.monotonic() - started < 5
    group = int(place.read_text())
    assert group != os.getpgrp()
    assert gone(group)


def gone(group: int) -> bool:
    """Tell whether a group has no process left, but for those that wait to be reaped by others."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        if all(state in {"Z", "X"} for state in states(group)):
            return True
        time.sleep(0.02)
    return False


def states(group: int) -> Iterator[str]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            yield fields[0]


def test_what_a_command_leaves_behind_is_not_waited_for(tmp_path: Path) -> None:
    place = tmp_path / "child"
    code = f"import os, time\npid = os.fork()\nif pid == 0: time.sleep(60)\nopen({str(place)!r}, 'w').write(str(pid))"
    started = time.monotonic()
    tell(plugin(Settings(command=python(code), timeout=30)))
    assert time.monotonic() - started < 10
    os.kill(int(place.read_text()), signal.SIGKILL)


def test_no_descriptor_is_left_open() -> None:
    caller = plugin(Settings(command=python("raise SystemExit(75)")))
    before = len(list(Path("/dev/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(Retry):
            tell(caller)
    assert len(list(Path("/dev/fd").iterdir())) == before


def test_a_program_that_vanished_is_an_error_that_names_it(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    caller = plugin(Settings(command=(str(program),)))
    program.unlink()
    with pytest.raises(FileNotFoundError, match="program"):
        tell(caller)


# Settings


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({}, "exactly one of `command` and `url` is to be set"),
        ({"command": ("true",), "url": "http://localhost"}, "exactly one of `command` and `url`"),
        ({"command": ("true",), "headers": {"a": "b"}}, "`headers` go with `url`"),
        ({"command": ("no-such-program",)}, "there is no program no-such-program"),
        ({"command": ("{recipient}",)}, "the program itself can't be a value"),
        ({"command": ("true", "{adress}")}, r"command: \{adress\} is no value; known are hook, key, recipient"),
        ({"command": ("true", "a\0")}, "an argument can't hold NUL"),
        ({"command": ("sh", "-c", "echo {recipient}")}, r"is code, and who writes an address would write code: use \$BOUNCECLASS_RECIPIENT in it"),
        ({"command": ("/bin/bash", "-ec", "echo {recipient}")}, "is code"),
        ({"command": ("env", "A=b", "sh", "-c", "echo {recipient}")}, "is code"),
        ({"command": (sys.executable, "-c", "print('{recipient}')")}, "is code"),
        ({"command": ("true",), "hooks": ("bonce",)}, "hooks: no 'bonce'; known are bounce, delay"),
        ({"command": ("true",), "advice": ("supress",)}, "advice: no 'supress'; known are suppress, count"),
        ({"url": "ftp://localhost/"}, "url: is no https: or http: URL"),
        ({"url": "https:///path"}, "url: is no https: or http: URL"),
        ({"url": "http://localhost:99999/"}, "url: is no https: or http: URL"),
        ({"url": "http://localhost", "headers": {"a b": "c"}}, "headers: 'a b' or its value is none that HTTP allows"),
    ],
)
def test_settings_that_don_t_fit_are_a_fault(given: dict[str, Any], fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        plugin(Settings(**given))


@pytest.mark.parametrize("command", [("sh", "-c", 'echo "$1"', "sh", "{recipient}"), ("grep", "-c", "{recipient}"), ("sh", "-c", 'echo "$BOUNCECLASS_RECIPIENT"')])
def test_a_value_beside_code_is_no_fault(command: tuple[str, ...]) -> None:
    plugin(Settings(command=command))


@pytest.mark.parametrize("value", ["s3cret\r\nX: y", "s3crét", "s3cret ", ""])
def test_a_header_s_value_is_in_no_message(value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        plugin(Settings(url="http://localhost", headers={"Authorization": value}))
    assert "s3cr" not in str(caught.value)
    assert "s3cr" not in repr(Settings(url="http://u:s3cret@localhost", headers={"Authorization": value}))


def test_without_httpx_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "bounceclass_exec.post", raising=False)
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtraError, match=r"httpx is not installed: pip install 'bounceclass\[exec\]'"):
        plugin(Settings(url="http://localhost"))
    plugin(Settings(command=("true",)))


# With the rest


def test_an_engine_tells_it_in_its_thread(noted: Noted) -> None:
    def do(caller: Caller) -> None:
        engine = Engine(plugins=[caller])
        event = engine.reply("550 5.1.1 no such user", recipient="user@example.org")
        assert engine.dispatch(Report(kind=event.kind, events=(event,))) == []

    (one,) = noted(("--", "{recipient}", "{reason}"), do)
    assert one["args"] == ["--", "user@example.org", "user-unknown"]


def test_every_setting_is_documented() -> None:
    section = DOCS.read_text(encoding="utf-8").partition("\n## exec\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert rows == list(Settings.__struct_fields__)
    assert [hook for hook in ALL if f"`{hook}`" not in section] == []
