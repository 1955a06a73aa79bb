"""The commands over a store, each as a process of its own, in the order in which an operator would use them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runner.conftest import Place, bounce, log_line

SETTINGS = """
own_hosts = [".example.com"]
store = {{ url = "sqlite:///{folder}/bounces.db" }}
run = {{ sources = ["maildir:{folder}/box"] }}
trust = {{ domains = ["lists.example.com"] }}
policy = {{ max_age_days = 3650, incident_least = 3 }}
[plugins.file]
path = "{folder}/dead.csv"
"""


class Operator:
    """Somebody with a configuration, and a mailbox."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = Place("maildir", folder)
        (folder / "bounceclass.toml").write_text(SETTINGS.format(folder=folder), encoding="utf-8")

    def run(self, *arguments: str) -> tuple[int, str, str]:
        environment = {**os.environ, "BOUNCECLASS_CONFIG": str(self.folder / "bounceclass.toml"), "NO_COLOR": "1"}
        command = [sys.executable, "-m", "bounceclass", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, stdin=subprocess.DEVNULL)  # noqa: S603  our own command
        return done.returncode, done.stdout, done.stderr

    def listed(self, *options: str) -> list[str]:
        code, out, _ = self.run("suppressions", "list", "--format", "plain", *options)
        assert code == 0
        return out.splitlines()

    def acted_on(self) -> list[str]:
        """Whom the plugin `file` has, once the outbox is delivered."""
        assert self.run("run", "--once")[0] == 0
        return [line.partition(",")[0] for line in (self.folder / "dead.csv").read_text().splitlines()[1:]]


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def test_a_run_suppresses_and_why_says_which_rule_decided_on_what(operator: Operator) -> None:
    operator.place.put(bounce(1, "ruth@example.org"))
    operator.place.put(bounce(2, "paul@example.org", "550 5.7.1 Client host [192.0.2.7] blocked using list.example"))
    code, out, err = operator.run("run", "--once")
    assert (code, out) == (0, "2 processed: 1 suppress, 1 none\n")
    assert "not configured: keys" in err
    assert operator.listed() == ["ruth@example.org"]
    code, out, _ = operator.run("suppressions", "why", "RUTH@example.org")
    assert code == 0
    for said in ("suppressed  ruth@example.org  user-unknown", "550 5.1.1 User unknown", "rule phrases:no-such-user on 'User unknown'", "mx.example.com is ours"):
        assert said in out
    told = json.loads(operator.run("suppressions", "why", "paul@example.org", "--format", "json")[1])
    assert (told["causes"], told["events"][0]["action"], told["events"][0]["because"]) == ([], "none", "ip-blocked is not the recipient's fault")
    assert operator.run("suppressions", "why", "eve@example.org")[:2] == (0, "eve@example.org: nothing is known of it\n")


def test_what_is_added_and_removed_by_hand_reaches_the_plugins_and_the_history(operator: Operator) -> None:
    assert operator.run("suppressions", "add", "ruth@example.org", "paul@example.org", "--why", "asked by phone")[:2] == (0, "2 added, 0 known already\n")
    assert operator.run("suppressions", "add", "ruth@example.org")[1] == "0 added, 1 known already\n"
    assert operator.acted_on() == ["ruth@example.org", "paul@example.org"]
    assert "asked by phone" in operator.run("suppressions", "why", "ruth@example.org")[1]
    code, out, err = operator.run("suppressions", "remove", "ruth@example.org", "eve@example.org")
    assert (code, out.partition("  ")[0], err) == (1, "lifted: ruth@example.org", "bounceclass: eve@example.org: is on no list\n")
    assert operator.listed() == ["paul@example.org"]
    assert operator.acted_on() == ["paul@example.org"]
    assert operator.run("suppressions", "add", "no address")[0] == 2


def test_an_export_is_imported_elsewhere_as_it_is_and_once(operator: Operator, tmp_path: Path) -> None:
    operator.run("suppressions", "add", "ruth@example.org", "--scope", "garden", "--until", "2030-01-01", "--reason", "mailbox-full")
    operator.run("suppressions", "add", "--domain", "gone.example")
    path, elsewhere = str(tmp_path / "list.csv"), f"sqlite:///{tmp_path}/other.db"
    assert operator.run("suppressions", "export", "-o", path)[0] == 0
    assert operator.run("suppressions", "import", path, "--store", elsewhere)[1] == "2 added, 0 known already\n"
    assert operator.run("suppressions", "import", path, "--store", elsewhere)[1] == "0 added, 2 known already\n"
    assert operator.run("suppressions", "export", "--store", elsewhere)[1] == Path(path).read_text()
    Path(path).write_text("address\nruth@example.org\nno address\n")
    code, out, err = operator.run("suppressions", "import", path, "--dry-run")
    assert (code, out, err) == (1, "1 entries can be taken\n", f"bounceclass: {path}:3: 'no address' is no address\n")


@pytest.mark.parametrize(("options", "people"), [((), ["ruth"]), (("--scope", "garden"), ["ruth", "paul"])])
@pytest.mark.parametrize("form", ["postfix", "opensmtpd"])
def test_a_table_of_an_mta_refuses_nobody_who_is_suppressed_on_another_list(operator: Operator, form: str, options: tuple[str, ...], people: list[str]) -> None:
    operator.run("suppressions", "add", "ruth@example.org")
    operator.run("suppressions", "add", "paul@example.org", "--scope", "garden")
    operator.run("suppressions", "add", "eve@example.org", "--scope", "kitchen")
    code, out, err = operator.run("suppressions", "export", "--to", form, *options)
    assert (code, [line.partition("@")[0] for line in out.splitlines()], err) == (0, people, "")


def test_undo_lifts_what_the_policy_did_and_leaves_the_rest(operator: Operator) -> None:
    operator.place.put(bounce(1, "ruth@example.org"))
    operator.run("run", "--once")
    operator.run("suppressions", "add", "paul@example.org")
    assert operator.run("undo", "--since", "1h", "--dry-run")[1].endswith("nothing was lifted\n")
    assert operator.run("undo", "--since", "1h")[1].endswith("1 lifted\n")
    assert operator.listed() == ["paul@example.org"]
    assert operator.acted_on() == ["paul@example.org"]
    assert operator.run("undo", "--since", "soon")[0] == 2


def test_what_is_kept_of_a_person_is_erased_once(operator: Operator) -> None:
    operator.place.put(bounce(1, "ruth@example.org"))
    operator.run("run", "--once")
    assert operator.listed() == ["ruth@example.org"]
    code, out, _ = operator.run("erase", "ruth@example.org")
    assert (code, out.endswith(" rows deleted\n"), operator.listed()) == (0, True, [])
    assert operator.run("erase", "ruth@example.org")[:2] == (1, "0 rows deleted\n")


def test_a_storm_is_held_and_released_or_dropped_by_one_command(operator: Operator) -> None:
    for number in range(8):
        operator.place.put(bounce(number, f"u{number}@big.example"))
    code, out, err = operator.run("run", "--once")
    assert (code, "hold" in out, "incident: user-unknown, provider big.example" in err) == (0, True, True)
    held = 8 - len(operator.listed())
    assert held >= 5
    name = operator.run("incidents", "list")[1].partition(": since")[0]
    assert operator.run("incidents", "drop", name)[1] == f"{held} dropped\n"
    assert len(operator.listed()) == 8 - held
    for number in range(8, 12):
        operator.place.put(bounce(number, f"u{number}@big.example"))
    operator.run("run", "--once")
    before = len(operator.listed())
    code, out, _ = operator.run("incidents", "release", "all")
    assert (code, len(operator.listed())) == (0, before + int(out.split()[0]))
    assert operator.run("incidents", "list")[1] == ""


def test_a_broken_plugin_s_calls_become_dead_letters_that_can_be_tried_again(operator: Operator) -> None:
    settings = operator.folder / "bounceclass.toml"
    settings.write_text(settings.read_text() + '\n[plugins.exec]\ncommand = ["/bin/false"]\nhooks = ["bounce"]\n')
    operator.place.put(bounce(1, "ruth@example.org"))
    assert operator.run("run", "--once")[0] == 0
    (line,) = operator.run("outbox", "list", "--plugin", "exec")[1].splitlines()
    assert "exec" in line
    assert "bounce" in line
    assert operator.run("outbox", "retry", "77")[0] == 1
    assert operator.run("outbox", "retry")[0] == 2


def test_a_quarantined_input_is_shown_with_its_reason_and_can_be_tried_again(operator: Operator) -> None:
    operator.run("run", "--once")
    folder = operator.folder / "box" / ".Quarantine"
    (folder / "cur" / "1.M1.mx:2,").write_bytes(bounce(1, "ruth@example.org"))
    (folder / "why").mkdir()
    (folder / "why" / "1.M1.mx").write_text("attempted 3 times: it ended the process")
    code, out, _ = operator.run("quarantine", "list")
    assert (code, out.startswith(str(folder / "cur" / "1.M1.mx:2,")), out.endswith("it ended the process\n")) == (0, True, True)
    shown = operator.run("quarantine", "show", str(folder / "cur" / "1.M1.mx:2,"))[1]
    assert shown.startswith("attempted 3 times: it ended the process\n\nReturn-Path: <>\n")
    assert operator.run("quarantine", "retry", "--all")[:2] == (0, f"{folder / 'cur' / '1.M1.mx:2,'}: suppress\n")
    assert (operator.listed(), list((folder / "cur").iterdir()), list((folder / "why").iterdir())) == (["ruth@example.org"], [], [])


def test_a_quarantined_line_of_a_log_is_tried_again_as_a_line_and_no_mail_is_taken_for_one(operator: Operator) -> None:
    settings = operator.folder / "bounceclass.toml"
    settings.write_text(settings.read_text().replace("sources = [", f'sources = ["log:{operator.folder}/mail.log", '))
    (operator.folder / "mail.log").touch()
    operator.run("run", "--once")
    line = log_line(1, "ruth@example.org").splitlines(keepends=True)[1]
    for quarantine in ("mail.log.quarantine", "box/.Quarantine"):
        (operator.folder / quarantine / "cur").mkdir(parents=True, exist_ok=True)
        (operator.folder / quarantine / "cur" / "1:2,").write_bytes(line if quarantine.startswith("mail") else line.replace(b"ruth", b"mallory"))
    (operator.folder / "mail.log.quarantine" / "cur" / "2:2,").write_bytes(b"no line at all\n")
    code, out, err = operator.run("quarantine", "retry", "--all")
    assert (code, out.splitlines()[0]) == (1, f"{operator.folder}/mail.log.quarantine/cur/1:2,: suppress")
    assert err.startswith(f"bounceclass: {operator.folder}/mail.log.quarantine/cur/2:2,: stays: ValueError: it can't be read by itself")
    assert operator.listed() == ["ruth@example.org"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run",), "no source is named"),
        (("run", "maildir:x"), "no store is configured"),
        (("run", "ftp:x", "--store", "sqlite:///x.db"), "nobody knows what that is"),
        (("suppressions", "list"), "no store is configured"),
        (("suppressions", "list", "--store", "sqlite:////nowhere/x.db"), "there is no such file"),
    ],
)
def test_what_is_not_configured_is_one_clear_error(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "BOUNCECLASS_CONFIG"}
    command = [sys.executable, "-m", "bounceclass", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)  # noqa: S603  our own command
    assert (done.returncode, said in done.stderr.splitlines()[-1]) == (2, True), done.stderr


def test_a_dry_run_writes_moves_and_tells_nothing(operator: Operator) -> None:
    operator.place.put(bounce(1, "ruth@example.org"))
    code, out, _ = operator.run("run", "--dry-run")
    assert (code, out.split()[:2]) == (0, ["suppress", "ruth@example.org"])
    assert operator.place.left() == 1
    assert not (operator.folder / "bounces.db").exists()
