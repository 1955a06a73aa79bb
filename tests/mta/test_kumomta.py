"""The policy that docs/mta.md has for KumoMTA, run by Lua with a stand-in for its module `kumo` (kumo.lua); `bounceclass serve` is real."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.servers import REQUIRED, free_port, install, require
from tests.web.posting import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[2] / "docs/mta.md").read_text(encoding="utf-8")
TOKEN, WRITER = "a-token-for-the-mta-1234", "a-token-that-writes-1234"
PASSED, REFUSED, DEFERRED = "250 OK", "550 5.7.1 suppressed: user-unknown", "451 4.3.0 who is suppressed can not be looked up now"
RCPT, GENERATED = "smtp_server_rcpt_to", "http_message_generated"


def block(kind: str, word: str) -> str:
    """The block of the page in which a word stands."""
    blocks: list[str] = re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)
    (found,) = (text for text in blocks if word in text)
    return found


@pytest.fixture(scope="module")
def lua() -> str:
    """The path of a Lua that has HTTP and JSON."""
    found = require({"lua5.4": "lua5.4"})["lua5.4"]
    if not _has_modules(found):
        install("lua-socket", "lua-cjson")
    if not _has_modules(found):
        assert not REQUIRED
        pytest.skip("lua-socket and lua-cjson are not installed")
    return found


def _has_modules(lua: str) -> bool:
    return subprocess.run([lua, "-e", "require 'socket.http' require 'cjson'"], capture_output=True, check=False).returncode == 0  # noqa: S603  our own words


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("kumomta")
    (folder / "kumomta.token").write_text(f"{TOKEN}\n")
    more = block("toml", "kumomta") + '[api.tokens.writer]\ntoken = { variable = "WRITER" }\nscopes = ["suppressions:write"]\n'
    with Served(folder, more=more, environment={"WRITER": WRITER}) as one:
        entries = [{"address": "Ruth@example.net"}, {"domain": "gone.example"}, {"address": "o'hara&x=1+2@example.net"}, {"address": "garden@example.net", "scope": "garden"}]
        for entry in entries:
            entry["reason"] = "user-unknown"
        done = httpx.post(f"{one.url}/v1/suppressions", json={"suppressions": entries}, headers={"Authorization": f"Bearer {WRITER}"})
        assert done.json() == {"added": len(entries), "known": 0}
        yield one


def said(lua: str, folder: Path, url: str, *lines: str, **changes: str) -> tuple[list[str], str]:
    """What the policy says to each line, with the number of requests behind it; and what it logs."""
    token = folder / "token"
    if not token.exists():
        token.write_text(f"{TOKEN}\n")
    policy = block("lua", "kumo.on").replace("http://127.0.0.1:8027", url).replace("/opt/kumomta/etc/bounceclass.token", str(token))
    assert url in policy
    for given, here in changes.items():
        changed = re.sub(rf"^  {given} = '[^']*'", f"  {given} = '{here}'", policy, flags=re.MULTILINE)
        assert changed != policy
        policy = changed
    (folder / "policy.lua").write_text(policy)
    command = [lua, str(Path(__file__).with_name("kumo.lua")), str(folder / "policy.lua")]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=False, timeout=60)  # noqa: S603  our own command
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), done.stderr


@pytest.mark.parametrize("event", [RCPT, GENERATED])
def test_who_is_suppressed_is_refused_and_nobody_else(lua: str, api: Served, tmp_path: Path, event: str) -> None:
    expected = {
        "ruth@example.net": REFUSED,
        "anybody@gone.example": REFUSED,
        "anybody@below.gone.example": PASSED,
        "o'hara&x=1+2@example.net": REFUSED,
        "garden@example.net": PASSED,
        "eve@example.net": PASSED,
    }
    assert said(lua, tmp_path, api.url, *(f"{event} {whom}" for whom in expected)) == ([*expected.values(), f"{len(expected)} requests"], "")


def test_an_answer_is_remembered(lua: str, api: Served, tmp_path: Path) -> None:
    lines = [f"{RCPT} ruth@example.net", f"{GENERATED} ruth@example.net", f"{RCPT} eve@example.net"] * 2
    assert said(lua, tmp_path, api.url, *lines)[0] == [REFUSED, REFUSED, PASSED] * 2 + ["2 requests"]


def test_the_entries_of_one_list_are_asked_for_by_its_scope(lua: str, api: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Add `scope = 'garden'` beside `address`" in PAGE
    monkeypatch.setitem(globals(), "PAGE", PAGE.replace("{ address = address }", "{ address = address, scope = 'garden' }"))
    assert said(lua, tmp_path, api.url, f"{RCPT} garden@example.net", f"{RCPT} ruth@example.net")[0] == [REFUSED, REFUSED, "2 requests"]


@pytest.mark.parametrize(("when_away", "answer"), [("pass", PASSED), ("defer", DEFERRED)])
@pytest.mark.parametrize(("what", "logged"), [("nobody", "connection refused"), ("silent", "timeout"), ("token", "status 401"), ("elsewhere", "status 404")])
def test_where_it_can_not_be_asked_everybody_passes_or_waits_as_was_chosen(
    lua: str, api: Served, tmp_path: Path, when_away: str, answer: str, what: str, logged: str
) -> None:
    changes = {} if when_away == "pass" else {"when_away": when_away}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = {"nobody": f"http://127.0.0.1:{free_port()}", "silent": f"http://127.0.0.1:{silent.getsockname()[1]}", "elsewhere": f"{api.url}/elsewhere"}.get(what, api.url)
        if what == "token":
            (tmp_path / "token").write_text("another-token-than-that-one\n")
        start = time.monotonic()
        answers, log = said(lua, tmp_path, url, f"{RCPT} ruth@example.net", **changes)
    assert (answers, logged in log, time.monotonic() - start < 10) == ([answer, "1 requests"], True, True), log
