"""`bounceclass sync` as a process, against a server that stands for the ESP, with a store on the disk."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.esp.loopback import Answer, Asked, Server
from tests.esp.team import Team

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
SETTINGS = """
store = {{ url = "sqlite:///{folder}/b.db" }}
run = {{ sources = ["maildir:{folder}/box"] }}
[plugins.resend.shop]
api_key = {{ secret = "one" }}
api_url = "{url}"
[plugins.resend.heard]
[plugins.mailjet]
api_key = {{ secret = "two" }}
api_url = "{url}"
[plugins.file]
path = "{folder}/dead.csv"
"""
SHOP = "resend:shop"


class Operator:
    """Somebody with a configuration, a store, and an account at an ESP."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        self.team = Team(server)
        for name in ("cur", "new", "tmp"):
            (folder / "box" / name).mkdir(parents=True)
        (folder / "b.toml").write_text(SETTINGS.format(folder=folder, url=server.url), encoding="utf-8")
        names = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
        self.environment = {**{key: value for key, value in os.environ.items() if key not in names}, "BOUNCECLASS_CONFIG": str(folder / "b.toml"), "NO_COLOR": "1"}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "bounceclass", *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=self.environment)  # noqa: S603  our own command

    def run(self, *arguments: str) -> tuple[int, str, str]:
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def add(self, *addresses: str) -> None:
        assert self.run("suppressions", "add", *addresses, "--reason", "user-unknown")[0] == 0

    def listed(self, *options: str) -> list[str]:
        return self.run("suppressions", "list", "--format", "plain", *options)[1].splitlines()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def operator(tmp_path: Path, server: Server) -> Operator:
    return Operator(tmp_path, server)


def test_differences_are_shown_and_then_applied_both_ways_and_a_second_time_there_are_none(operator: Operator) -> None:
    operator.add("ruth@example.net", "released@example.net")
    operator.team.put("eve@example.net", at=LONG_AGO)
    operator.team.put("angry@example.net", origin="complaint", at=LONG_AGO)
    operator.run("suppressions", "remove", "released@example.net")
    assert operator.run("run", "--once")[0] == 0  # the outbox is delivered: what it tells is no difference any more
    assert sorted(operator.team.listed) == ["angry@example.net", "eve@example.net", "ruth@example.net"]
    operator.team.put("released@example.net", at=LONG_AGO)  # as if that call had been lost
    del operator.team.listed["ruth@example.net"]

    code, out, err = operator.run("sync", SHOP)
    assert (code, sorted(out.splitlines())) == (
        0,
        [
            "add there     ruth@example.net  here user-unknown: only here",
            "enter here    angry@example.net  there complaint (complaint) since 2020-01-01 00:00Z: only there",
            "enter here    eve@example.net  there suppressed (bounce) since 2020-01-01 00:00Z: only there",
            "remove there  released@example.net  here user-unknown, there suppressed (bounce) since 2020-01-01 00:00Z: ended here after it was entered there",
        ],
    )
    assert err.splitlines()[-1] == "resend:shop: 3 there; 1 to add there, 1 to remove there, 2 to enter here, 0 to release here: nothing was changed; --push and --pull do it"
    code, _, err = operator.run("sync", SHOP, "--push", "--pull")
    assert (code, err.splitlines()[-1]) == (0, "1 added there, 1 removed there, 2 entered here, 0 released here, of 4")
    assert sorted(operator.team.listed) == ["angry@example.net", "eve@example.net", "ruth@example.net"]
    assert sorted(operator.listed()) == ["angry@example.net", "eve@example.net", "ruth@example.net"]
    assert operator.run("sync", SHOP, "--push", "--pull")[1] == ""

    del operator.team.server.asked[:]
    assert operator.run("run", "--once")[0] == 0
    assert operator.team.changes() == []
    assert "angry@example.net,,resend:shop,complaint," in (operator.folder / "dead.csv").read_text(encoding="utf-8")
    assert "eve@example.net" not in (operator.folder / "dead.csv").read_text(encoding="utf-8")
    assert "sync by" in operator.run("suppressions", "why", "eve@example.net")[1]


def test_the_rows_as_data(operator: Operator) -> None:
    operator.add("ruth@example.net")
    operator.team.put("=eve@example.net", at=LONG_AGO)
    rows = [
        {"address": "ruth@example.net", "action": "add", "way": "push", "here": "user-unknown", "there": None, "word": None, "since": None, "because": "only here"},
        {
            "address": "=eve@example.net",
            "action": "enter",
            "way": "pull",
            "here": None,
            "there": "suppressed",
            "word": "bounce",
            "since": "2020-01-01T00:00:00Z",
            "because": "only there",
        },
    ]
    assert json.loads(operator.run("sync", SHOP, "--format", "json")[1]) == rows
    assert [json.loads(line) for line in operator.run("sync", SHOP, "--format", "jsonl")[1].splitlines()] == rows
    found = list(csv.DictReader(io.StringIO(operator.run("sync", SHOP, "--format", "csv")[1])))
    assert found == [{**{key: value or "" for key, value in row.items()}, "address": address} for row, address in zip(rows, ("ruth@example.net", "'=eve@example.net"), strict=True)]


def test_a_limit_holds_for_what_is_shown_and_for_what_is_done_and_all_shows_what_agrees(operator: Operator) -> None:
    operator.add("amy@example.net", "both@example.net", "ruth@example.net")
    operator.team.put("both@example.net", "eve@example.net")
    assert [line.partition("  ")[0] for line in operator.run("sync", SHOP, "--all")[1].splitlines()] == ["add there", "nothing", "add there", "enter here"]
    assert operator.run("sync", SHOP, "--push", "--limit", "1")[2].splitlines()[-1] == "1 added there, 0 removed there, 0 entered here, 0 released here, of 1"
    assert sorted(operator.team.listed) == ["amy@example.net", "both@example.net", "eve@example.net"]
    assert operator.run("sync", SHOP, "--pull", "--limit", "1")[2].splitlines()[-1] == "0 added there, 0 removed there, 1 entered here, 0 released here, of 1"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["resend:shp"], "resend:shp: no such plugin is on, did you mean 'resend:shop'?; on are resend:shop, resend:heard, mailjet, file"),
        (["resend:heard"], "resend:heard: keeps no list of an ESP; one that does has an api_key, SES's a region"),
        (["file"], "file: keeps no list of an ESP"),
        (["mailjet"], "mailjet: the ESP's list can't be read"),
        ([SHOP, "--store", "sqlite:////nowhere/at/all.db"], "/nowhere/at/all.db"),
        ([SHOP, "--limit", "0"], "0 is not in the range"),
        ([], "Missing argument 'INSTANCE'"),
    ],
)
def test_what_can_t_be_compared_is_said(arguments: list[str], said: str, operator: Operator) -> None:
    operator.add("ruth@example.net")
    code, out, err = operator.run("sync", *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert operator.team.server.asked == []


def test_without_a_store_there_is_nothing_to_compare(operator: Operator) -> None:
    path = operator.folder / "b.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("store = ", "# store = "), encoding="utf-8")
    code, _, err = operator.run("sync", SHOP)
    assert code == 2
    assert "no store is configured" in err


@pytest.mark.parametrize(
    ("answers", "code", "said"),
    [
        ([Answer(401)], 1, "resend:shop: the list could not be read whole: 127.0.0.1:{port} answered 401; nothing was changed"),
        ([Answer(503, headers=(("Retry-After", "3600"),))], 75, "resend:shop: the list could not be read: 127.0.0.1:{port} answered 503; nothing was changed"),
        ([Answer(body={"has_more": True, "data": [{"id": "1", "email": "eve@example.net"}]}), Answer(403)], 1, "answered 403; nothing was changed"),
    ],
)
def test_a_list_that_can_t_be_read_whole_changes_nothing(answers: list[Answer], code: int, said: str, operator: Operator, server: Server) -> None:
    operator.add("ruth@example.net")
    server.answers = answers
    found = operator.run("sync", SHOP, "--push", "--pull")
    assert found[:2] == (code, "")
    assert said.format(port=server.server_address[1]) in found[2]
    assert (operator.listed(), operator.team.changes()) == (["ruth@example.net"], [])


def test_a_list_that_reads_as_empty_releases_nobody_unless_that_is_said_to_be_right(operator: Operator) -> None:
    operator.add("ruth@example.net")
    operator.team.put("eve@example.net", "amy@example.net")
    assert operator.run("sync", SHOP, "--pull")[0] == 0
    operator.team.listed.clear()
    code, _, err = operator.run("sync", SHOP, "--pull", "--push")
    assert code == 2
    assert "the ESP's list reads as empty, and 2 of ours would be released: nothing was changed. If that is right, say --force" in err
    assert (len(operator.listed()), operator.team.listed) == (3, {})
    assert operator.run("sync", SHOP, "--push")[0] == 0
    del operator.team.listed["ruth@example.net"]
    assert operator.run("sync", SHOP, "--pull", "--force")[0] == 0
    assert operator.listed() == ["ruth@example.net"]


def test_one_that_is_refused_is_named_and_the_others_are_put_there(operator: Operator) -> None:
    operator.add("amy@example.net", "odd@example.net", "ruth@example.net")
    operator.team.refuses = lambda address: address.startswith("odd")
    code, _, err = operator.run("sync", SHOP, "--push")
    assert code == 1
    assert "odd@example.net: refused: 127.0.0.1" in err
    assert err.splitlines()[-1] == "2 added there, 0 removed there, 0 entered here, 0 released here, of 3; 1 refused"
    assert sorted(operator.team.listed) == ["amy@example.net", "ruth@example.net"]


def test_an_esp_that_asks_for_much_patience_is_left_for_another_time(operator: Operator, server: Server) -> None:
    operator.add("ruth@example.net")
    team, waits = operator.team, Answer(429, headers=(("Retry-After", "3600"),))
    server.respond = lambda asked: team.respond(asked) if asked.method == "GET" else waits
    code, _, err = operator.run("sync", SHOP, "--push")
    assert code == 75
    assert "answered 429; the rest is for another time" in err
    assert err.splitlines()[-1] == "0 added there, 0 removed there, 0 entered here, 0 released here, of 1"


def test_ctrl_c_ends_it_and_what_was_applied_is_kept(operator: Operator, server: Server) -> None:
    operator.add("ruth@example.net", "amy@example.net")
    team = operator.team
    team.put("eve@example.net")

    def slow(asked: Asked) -> Answer:
        if asked.method == "POST":
            time.sleep(3)
        return team.respond(asked)

    server.respond = slow
    with operator.start("sync", SHOP, "--push", "--pull") as process:
        until = time.monotonic() + 30
        while not any(one.method == "POST" for one in server.asked) and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "0 added there, 0 removed there, 1 entered here, 0 released here, of 3" in err
    assert sorted(operator.listed()) == ["amy@example.net", "eve@example.net", "ruth@example.net"]
    server.respond = team.respond
    assert operator.run("sync", SHOP, "--push", "--pull")[0] == 0
    assert operator.run("sync", SHOP)[1] == ""
