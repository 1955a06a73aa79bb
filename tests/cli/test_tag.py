from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

KEYS: Final = {"BOUNCECLASS_TAG_KEYS": "4:a newer-secret-of-a-test".replace(" ", "-") + " 3:an-old-secret-of-a-test"}
PATH: Final = ("--return-path", "garden-bounces@lists.example.com")
LONG: Final = f"{'r' * 60}@example.net"
REPORT: Final = """\
From: Mail Delivery System <mailer-daemon@mx.example.org>
To: {to}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; ruth@example.org
Action: failed
Status: 5.1.1
--b--
"""


def run(*arguments: str, given: bytes = b"", environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "LC_ALL": "C.UTF-8", "NO_COLOR": "1", **(KEYS if environment is None else environment)}
    done = subprocess.run([sys.executable, "-m", "bounceclass", *arguments], input=given, capture_output=True, check=False, env=variables)  # noqa: S603  our own command
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def tag(*arguments: str) -> str:
    done = run("tag", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.rstrip("\n")


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_return_path_is_tagged_and_verified_in_any_case() -> None:
    made = tag("ruth@example.net", *PATH)
    assert made.startswith("garden-bounces+")
    for written in (made, made.upper(), made.replace("+", "=2B")):
        done = run("verify", written)
        assert (done.returncode, done.stdout.splitlines()[0]) == (0, "signed    ruth@example.net")


@pytest.mark.parametrize(("purpose", "ends"), [("envid", ""), ("message-id", "@lists.example.com>")])
def test_an_envid_and_a_message_id_are_each_the_only_one(purpose: str, ends: str) -> None:
    first, second = (tag("ruth@example.net", "--for", purpose, *PATH) for _ in range(2))
    assert first != second
    assert first.endswith(ends)
    assert run("verify", first).returncode == 0


def test_the_separator_is_chosen_and_the_list_is_signed() -> None:
    made = tag("r@example.net", "--separator", "-", "--list", "fen", "--return-path", "b@lists.example.com")
    assert made.startswith("b-")
    done = run("verify", made, "--format", "json")
    row = json.loads(done.stdout)[0]
    assert (row["grade"], row["recipient"], row["list"]) == ("signed", "r@example.net", "fen")


def test_a_long_address_is_known_again_when_it_is_given() -> None:
    made = tag(LONG, *PATH)
    assert len(made.partition("@")[0]) <= 64
    assert run("verify", made).returncode == 1
    assert run("verify", made, "--recipient", LONG).stdout.splitlines()[0] == f"signed    {LONG}"
    assert run("verify", made, "--recipient", "ruth@example.net").returncode == 1


@pytest.mark.parametrize("what", ["garden-bounces@lists.example.com", "garden-bounces+ruth=example.net@lists.example.com", "", "\x1b[2J"])
def test_what_has_no_tag_is_not_valid(what: str) -> None:
    done = run("verify", what)
    assert (done.returncode, done.stdout) == (1, "none      -\n          there is no tag in it\n")


def test_a_tag_that_was_changed_is_not_valid() -> None:
    made = tag("ruth@example.net", *PATH)
    changed = made[:30] + ("a" if made[30] != "a" else "b") + made[31:]
    done = run("verify", changed)
    assert (done.returncode, done.stdout) == (1, "none      -\n          the tag is forged\n")


def test_an_old_key_verifies_beside_the_new_one_and_alone_makes_what_it_made() -> None:
    old = {"BOUNCECLASS_TAG_KEYS": KEYS["BOUNCECLASS_TAG_KEYS"].split()[1]}
    made = run("tag", "ruth@example.net", *PATH, environment=old).stdout.strip()
    assert run("verify", made).returncode == 0
    assert run("verify", tag("ruth@example.net", *PATH), environment=old).stdout.splitlines()[1].strip() == "the tag is unknown-key"


def test_a_report_is_told_with_whom_it_is_about() -> None:
    Path("a.eml").write_text(REPORT.format(to=tag("ruth@example.net", *PATH)))
    done = run("verify", "a.eml")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "signed    ruth@example.net (the report names another: a forward)"
    assert run("verify", "-", given=Path("a.eml").read_bytes()).stdout == done.stdout


@pytest.mark.parametrize("raw", [REPORT.format(to="garden-bounces@lists.example.com"), "", "Subject: lunch\n\nAt noon?\n"])
def test_a_report_of_nothing_of_ours_is_not_valid(raw: str) -> None:
    done = run("verify", "-", given=raw.encode())
    assert (done.returncode, done.stdout.splitlines()[0]) == (1, "none      -")


def test_keys_come_from_a_file_and_never_from_the_command_line() -> None:
    Path("keys").write_text("3:an-old-secret-of-a-test\n")
    environment = {"BOUNCECLASS_TAG_KEYS_FILE": "keys"}
    made = run("tag", "ruth@example.net", *PATH, environment=environment).stdout.strip()
    assert run("verify", made).returncode == 0
    assert "--key" not in run("tag", "--help").stdout


@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        (("ruth@example.net", *PATH), {}, "no key: set BOUNCECLASS_TAG_KEYS"),
        (("ruth@example.net", *PATH), {"BOUNCECLASS_TAG_KEYS_FILE": "nowhere"}, "No such file"),
        (("ruth@example.net", *PATH), {"BOUNCECLASS_TAG_KEYS": "secret-that-must-not-be-told"}, "a key is ID:SECRET"),
        (("ruth@example.net", *PATH), {"BOUNCECLASS_TAG_KEYS": "1:short"}, "shorter than 16"),
        (("ruth@example.net", *PATH), {"BOUNCECLASS_TAG_KEYS": "99:secret-that-must-not-be-told"}, "within 0..31"),
        (("ruth@example.net",), KEYS, "no return path"),
        (("ruth", *PATH), KEYS, "is no address"),
        (("ruth@example.net\nBcc: x@example.org", *PATH), KEYS, "is no address"),
        (("ruth@example.net", "--return-path", f"{'l' * 60}@lists.example.com"), KEYS, "there is room for"),
    ],
)
def test_what_does_not_fit_is_told_and_no_secret_with_it(arguments: tuple[str, ...], environment: dict[str, str], told: str) -> None:
    done = run("tag", *arguments, environment=environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "must-not-be-told" not in done.stderr
