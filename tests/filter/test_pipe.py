"""`bounceclass filter` on standard input, as a pipe in front of a list's bounce address."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[2] / "samples"
AGAINST = (SAMPLES / "postfix/01-default-user-unknown.eml").read_bytes()
FULL = (SAMPLES / "postfix/07-default-mailbox-full.eml").read_bytes()
OURS = (SAMPLES / "postfix/18-default-ip-blocked.eml").read_bytes()
HELLO = b"From: ruth@example.net\nTo: news-bounces@lists.example.com\nSubject: hello\n\nHi\n"


def run(*arguments: str, stdin: bytes, **environment: str) -> tuple[int, bytes, str]:
    command = [sys.executable, "-m", "bounceclass", *arguments]
    known = {name: value for name, value in os.environ.items() if name not in {"RECIPIENT", "ORIGINAL_RECIPIENT", "SENDER"}}
    done = subprocess.run(command, input=stdin, capture_output=True, check=False, env={**known, **environment})  # noqa: S603  our own command
    return done.returncode, done.stdout, done.stderr.decode()


def below(mail: bytes) -> bytes:
    """A mail without what we have written on top."""
    first = mail.find(b"\n") + 1 if mail.startswith(b"From ") else 0
    at = first
    while mail.startswith(b"X-Bounceclass-", at):
        at = mail.index(b"\n", at) + 1
    return mail[:first] + mail[at:]


@pytest.mark.parametrize(
    ("options", "mail", "passes"),
    [
        ((), AGAINST, True),
        ((), FULL, False),
        (("--pass", "count"), FULL, True),
        ((), OURS, False),
        (("--pass", "count"), OURS, False),
        (("--tag",), OURS, True),
        ((), HELLO, True),
        ((), b"\x00\xff", True),
    ],
)
def test_what_passes_is_on_standard_output_and_what_stays_is_not(options: tuple[str, ...], mail: bytes, passes: bool) -> None:  # noqa: FBT001  a row of the table
    code, out, _ = run("filter", *options, stdin=mail)
    assert (code, below(out) if passes else out) == (0, mail if passes else b"")


def test_a_mail_that_stays_is_marked_so_where_it_is_only_to_be_tagged() -> None:
    assert run("filter", "--tag", stdin=OURS)[1].splitlines()[0].startswith(b"X-Bounceclass-Filter: stay; by=")


def test_the_command_gets_the_mail_and_its_exit_code_is_ours() -> None:
    script = "import sys; data = sys.stdin.buffer.read(); sys.stdout.buffer.write(data[-20:]); sys.exit(67)"
    assert run("filter", "--", sys.executable, "-c", script, stdin=AGAINST)[:2] == (67, AGAINST[-20:])
    assert run("filter", "--", sys.executable, "-c", script, stdin=OURS)[:2] == (0, b"")


def test_what_stays_can_be_kept(tmp_path: Path) -> None:
    assert run("filter", "--rest", f"maildir:{tmp_path}/rest", "--", "false", stdin=OURS)[0] == 0
    (kept,) = (tmp_path / "rest" / "new").iterdir()
    assert below(kept.read_bytes()) == OURS


def test_a_probe_passes_by_the_address_that_the_mta_tells() -> None:
    code, out, _ = run("filter", stdin=OURS, RECIPIENT=f"news-bounces+{40 * 'a'}@lists.example.com")
    assert (code, out.splitlines()[0].endswith(b"a probe (mailman-probe)")) == (0, True)


BROKEN = "[store]\nurl = '{url}'\npatience = 0.5\n"


@pytest.mark.parametrize("url", ["sqlite:////nowhere/b.db", "postgresql://127.0.0.1:9/none"])
def test_with_the_database_away_everything_passes_and_says_so(url: str, tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(BROKEN.format(url=url))
    code, out, said = run("--config", str(tmp_path / "b.toml"), "filter", stdin=OURS)
    assert (code, below(out)) == (0, OURS)
    assert b"; the filter failed: StoreError" in out.splitlines()[0]
    assert "passed as it is: the filter failed: StoreError" in said


def test_a_store_that_others_hold_is_not_waited_for_longer_than_was_said(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(f"[store]\nurl = 'sqlite:///{tmp_path}/b.db'\npatience = 600.0\n")
    assert run("--config", str(tmp_path / "b.toml"), "filter", stdin=OURS)[:2] == (0, b"")
    with sqlite3.connect(tmp_path / "b.db") as holder:
        holder.execute("BEGIN EXCLUSIVE")
        code, out, _ = run("--config", str(tmp_path / "b.toml"), "filter", "--timeout", "1", stdin=OURS)
    holder.close()
    assert (code, below(out)) == (0, OURS)
    assert b"; the filter failed: " in out.splitlines()[0]


def test_a_plugin_that_hangs_is_left_and_the_mail_is_ruled_on_without_it(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\n\ndef bounceclass_refine(event, verdict):\n    time.sleep(30)\n")
    (tmp_path / "b.toml").write_text("[plugins.slow]\n")
    assert run("--config", str(tmp_path / "b.toml"), "-p", "slow", "filter", "--timeout", "6", stdin=OURS, PYTHONPATH=str(tmp_path))[:2] == (0, b"")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("filter", "--", "/nowhere/command"), "No such file or directory"),
        (("filter", "--colour"), "No such option"),
        (("filter", "--to", "maildir:x"), "--to and --once are for --from SOURCE"),
        (("filter", "--rest", "ftp:x"), "mail can be passed on to"),
        (("--config", "/nowhere.toml", "filter"), "nowhere.toml"),
        (("filter", "--rest", "maildir:/proc/x"), "No such file or directory"),
    ],
)
def test_what_could_not_be_passed_on_is_still_the_mtas(arguments: tuple[str, ...], said: str) -> None:
    mail = OURS if "maildir:/proc/x" in arguments else AGAINST
    code, out, error = run(*arguments, stdin=mail)
    assert (code, out, said in error) == (75, b"", True), error


def test_an_empty_input_is_no_mail() -> None:
    assert run("filter", stdin=b"")[0] == 75


def test_our_policy_passes_the_bounce_that_reaches_the_threshold_and_those_after_it(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(
        f"own_hosts = ['.example.com']\n[store]\nurl = 'sqlite:///{tmp_path}/b.db'\n[policy]\nmax_age_days = 3650\n[trust]\ndomains = ['lists.example.com']\n"
    )
    code, out, _ = run("--config", str(tmp_path / "b.toml"), "filter", stdin=FULL)
    assert (code, out) == (0, b"")
    for _ in range(2):  # the second one is the same bounce again: an MTA that was not sure
        code, out, said = run("--config", str(tmp_path / "b.toml"), "filter", stdin=AGAINST)
        assert (code, below(out)) == (0, AGAINST), said
        assert out.splitlines()[0].endswith(b"; suppressed: nobody@example.org")
