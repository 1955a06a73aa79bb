"""The log of a run: one line a record, and nobody's address in it unless that is asked for."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import subprocess
import sys
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from bounceclass.config import Configuration
from bounceclass.errors import SettingsError
from bounceclass.service.concealment import Concealment, concealment_for
from bounceclass.service.log import Lines, log_to
from bounceclass.settings import LogSettings, RunSettings, SecretSource, StoreSettings
from tests.conftest import sample_paths
from tests.runner.conftest import ROOT, Place, bounce

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY, OTHER = b"0123456789abcdef", b"another key of 16"
HIDDEN = Concealment("hidden", KEY)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("550 no such user ruth@example.org here", "550 no such user [address] here"),
        ("<ruth@example.org>, 'paul@example.org': gone.", "<[address]>, '[address]': gone."),
        ("to=<ruth@example.org>,relay=mx", "to=<[address]>,relay=mx"),
        ('"ruth b"@example.org and "x@y"@example.org', "[address] and [address]"),
        (r"\"ruth b\"@example.org", "[address]"),
        ('said "hello" to "ruth b"@example.org', 'said "hello" to [address]'),
        ("ruth@[192.0.2.1] ruth@[IPv6:2001:db8::1]", "[address] [address]"),
        ("mailto:ruth@example.org?subject=x", "mailto:[address]"),
        ("ruth%40example.org ruth=40example.org ruth&#64;example.org ruth\uff20example.org", "[address] [address] [address] [address]"),
        ("o'brien@example.org 유스@예시.test ruth@localhost", "[address] [address] [address]"),
        ("bounces+ruth=example.org@lists.example.com a@b@c", "[address] [address]"),
        (r"ru\x1bth@example.org", "[address]"),
        ("foo://ruth@example.org/x postgresql://ruth@example.org/x", "foo:[address] postgresql:[address]"),
        ("/G=Ruth/S=Baker/@gateway.example.org", "[address]"),
        ("Message-ID <1.2.report@mx.example.com>", "Message-ID <[address]>"),
        ("at 12 @ 7, @decorator, 3@", "at 12 @ 7, @decorator, 3@"),
        ("550 5.1.1 no such user", "550 5.1.1 no such user"),
    ],
)
def test_what_looks_like_an_address_is_none_in_the_log(text: str, left: str) -> None:
    assert HIDDEN.text(text) == left
    assert Concealment("shown", KEY).text(text) == text


def test_one_person_has_one_hash_and_it_is_the_store_s() -> None:
    conceal = Concealment("hashed", KEY)
    one, other = conceal.text("<Ruth@EXAMPLE.org>"), conceal.text("ruth%40example.org")
    assert one == f"<{other}>"
    assert re.fullmatch(r"hmac:[0-9a-f]{32}", other)
    assert conceal.person("ruth@example.org") == other != conceal.person("paul@example.org")
    assert Concealment("hashed", OTHER).person("ruth@example.org") != other


def test_the_key_is_the_store_s_where_it_has_one() -> None:
    kept = Configuration(store=StoreSettings(hash_key=SecretSource(secret=KEY.decode())))
    assert concealment_for(kept, (), OTHER).person("a@b") == Concealment("hashed", KEY).person("a@b")
    assert concealment_for(Configuration(), (), OTHER).person("a@b") == Concealment("hashed", OTHER).person("a@b")
    with pytest.raises(SettingsError, match="hash_key needs one of"):
        concealment_for(Configuration(store=StoreSettings(hash_key=SecretSource())), (), OTHER)


def test_what_the_configuration_says_is_no_secret_but_a_password_is() -> None:
    sources = ("maildir:/var/mail/bounces@example.com?processed=.Done", "imaps://news@example.com:secret@imap.example.com/INBOX")
    store = StoreSettings(url="postgresql://bounces:secret@db.example.com/bounces")
    conceal = concealment_for(Configuration(run=RunSettings(sources=sources), store=store, log=LogSettings(addresses="hidden")), (), OTHER)
    for kept in ("maildir:/var/mail/bounces@example.com: is no Maildir", "postgresql+psycopg://bounces:***@db.example.com/bounces: refused"):
        assert conceal.text(kept) == kept
    assert conceal.text("/var/mail/ruth@example.com") == "[address]"
    assert "secret" not in conceal.text(sources[1]) or conceal.text(sources[1]) == sources[1]


def record(message: str = "it goes on", *arguments: object, level: int = logging.WARNING, name: str = "bounceclass", **fields: Any) -> logging.LogRecord:
    made = logging.LogRecord(name, level, "x.py", 1, message, arguments, fields.pop("exc_info", None))
    made.created = 1_773_057_600.125
    vars(made).update(fields)
    return made


def failed() -> Any:
    try:
        try:
            raise KeyError("ruth@example.org")  # noqa: EM101, TRY301  the text is the test
        except KeyError as error:
            raise ValueError("no\n2026 ERROR forged \x1b[2J") from error  # noqa: EM101, TRY003  as above
    except ValueError:
        return sys.exc_info()


def test_a_record_is_one_line_of_text() -> None:
    lines = Lines("text", HIDDEN)
    assert lines.format(record()) == "2026-03-09T12:00:00.125Z WARNING it goes on"
    made = record("plugin %s: %s", "a", "\n\x1b[2Jruth@example.org \u202e", plugin="a", hook="bounce", recipient="root", number=3, nothing=None)
    assert lines.format(made) == r"2026-03-09T12:00:00.125Z WARNING plugin a: \x0a\x1b[[address] \u202e hook=bounce number=3"
    line = lines.format(record("failed", exc_info=failed(), source="a b"))
    assert re.fullmatch(
        r"\S+ WARNING failed source=\"a b\" error=\"ValueError: no 2026 ERROR forged \\\\x1b\[2J; from KeyError: '\[address\]'\" at=\"service/test_log.py:\d+ failed\"", line
    )


def test_a_record_is_one_object_of_json() -> None:
    line = Lines("json", HIDDEN).format(record("%s gone \x9b", "ruth@example.org", recipient="Ruth", seconds=0.5, exc_info=failed()))
    assert "\n" not in line
    told = json.loads(line)
    trace = told.pop("traceback")
    assert told == {
        "time": "2026-03-09T12:00:00.125Z",
        "level": "warning",
        "message": r"[address] gone \x9b",
        "logger": "bounceclass",
        "recipient": "[address]",
        "seconds": 0.5,
        "error": r"ValueError: no 2026 ERROR forged \x1b[2J; from KeyError: '[address]'",
        "at": told["at"],
    }
    assert trace.startswith("Traceback (most recent call last):\n")
    assert "example.org" not in trace.replace('KeyError("ruth@example.org")', "")


@pytest.mark.parametrize(("level", "start"), [(logging.ERROR, "<3>ERROR"), (logging.WARNING, "<4>WARNING"), (logging.INFO, "<6>INFO"), (logging.DEBUG, "<7>DEBUG")])
def test_journald_gets_the_priority_and_no_time(level: int, start: str) -> None:
    assert Lines("text", HIDDEN, journal=True).format(record(level=level)) == f"{start} it goes on"


def test_arguments_that_do_not_fit_and_a_message_without_end_are_logged_all_the_same() -> None:
    assert "%d of ('x',)" in Lines("text", HIDDEN).format(record("%d of", "x"))
    assert len(Lines("text", HIDDEN).format(record("ruth@example.org " * 100_000))) < 8300


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is logged, with everything that a log takes over given back at the end."""
    ours, every = logging.getLogger("bounceclass"), logging.getLogger()
    before = ours.handlers[:], ours.level, ours.propagate, every.handlers[:]
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr("threading.excepthook", None)
    yield io.StringIO()
    ours.handlers[:], ours.level, ours.propagate, every.handlers[:] = before
    logging.captureWarnings(capture=False)


def test_what_others_log_and_warn_of_is_concealed_too_and_a_second_log_takes_the_first_s_place(stream: io.StringIO) -> None:
    log_to(io.StringIO(), LogSettings(), HIDDEN)
    log_to(stream, LogSettings(level="error"), HIDDEN)
    logging.getLogger("bounceclass").warning("below the level")
    logging.getLogger("bounceclass").error("a@example.org 1")
    logging.getLogger("httpx").info("below a warning")
    logging.getLogger("httpx").warning("a@example.org 2")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.warn("a@example.org 3", UserWarning, stacklevel=1)
    sys.excepthook(*failed())
    said = re.findall(r"\[address\](?: \d)?|nobody expected this|@", stream.getvalue())
    assert list(dict.fromkeys(said)) == ["[address] 1", "[address] 2", "[address] 3", "nobody expected this", "[address]"]


ADDRESS = re.compile(rb"[\w.+=%'/-]+@[\w.-]+\w")
TALKATIVE = """
import logging
LOG = logging.getLogger("talkative")
def bounceclass_trust(report, item):
    LOG.error("%s from %r", item.source, report)
    raise ValueError(f"no idea what {report.events and report.events[0].recipient!r} is")
def bounceclass_bounce(event, report, key):
    if key[0] in "01":  # each is a commit
        raise RuntimeError(f"{event.recipient}: {event.diagnostic}")
"""


@pytest.fixture(scope="module")
def talkative(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A plugin that tells everything to the log, on the path of a run."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "talkative.py").write_text(TALKATIVE, encoding="utf-8")
    info = folder / "talkative-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: talkative\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[bounceclass]\ntalkative = talkative\n", encoding="utf-8")
    return str(folder)


@pytest.fixture(scope="module")
def samples() -> tuple[bytes, set[str]]:
    """All samples as one mbox, and every address in them."""
    raws = [path.read_bytes() for path in sample_paths()]
    box = b"".join(b"From x Mon Mar  9 12:00:00 2026\n" + re.sub(rb"^From ", b">From ", raw, flags=re.MULTILINE) + b"\n" for raw in raws)
    return box, {found.decode("ascii", "replace").lower() for raw in raws for found in ADDRESS.findall(raw)}


@pytest.mark.parametrize(("form", "addresses"), [("text", "hashed"), ("json", "hidden"), ("text", "shown")])
def test_no_address_of_any_sample_is_in_the_log_unless_asked_for(form: str, addresses: str, samples: tuple[bytes, set[str]], talkative: str, tmp_path: Path) -> None:
    box, people = samples
    (tmp_path / "box.mbox").write_bytes(box)
    (tmp_path / "b.toml").write_text(
        f"""
own_hosts = [".example.com", ".test", ".example.net", ".example.org"]
store = {{ url = "sqlite:///{tmp_path}/b.db" }}
run = {{ sources = ["mbox:{tmp_path}/box.mbox"] }}
trust = {{ domains = [".example.com"] }}
policy = {{ max_age_days = 3650, incident_least = 10 }}
log = {{ format = "{form}", addresses = "{addresses}", level = "debug" }}
[plugins.talkative]
""",
        encoding="utf-8",
    )
    environment = {**os.environ, "PYTHONPATH": f"{talkative}:{ROOT}"}
    command = [sys.executable, "-m", "bounceclass", "--config", str(tmp_path / "b.toml"), "run", "--once"]
    with (tmp_path / "log").open("w") as log:
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=log, check=False, env=environment, timeout=120)  # noqa: S603  our own command
    assert done.returncode == 0
    said = (tmp_path / "log").read_text(encoding="utf-8")
    lines = said.splitlines()
    assert len(lines) > 1000
    seen = {found.decode().lower() for found in ADDRESS.findall(said.encode())} & people
    assert len(seen) > 100 if addresses == "shown" else seen == set()
    if form == "json":
        fields = {name for line in lines for name in json.loads(line)}
        assert {"time", "level", "message", "logger", "source", "recipient", "reason", "decision", "plugin", "hook", "error", "traceback"} <= fields
    else:
        assert [line for line in lines if not re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (?:DEBUG|INFO|WARNING|ERROR) \S", line)] == []


def test_under_systemd_the_time_is_journald_s(tmp_path: Path) -> None:
    place = Place("maildir", tmp_path)
    place.put(bounce(1, "ruth@example.org"))
    with (tmp_path / "log").open("w") as log:
        told = os.fstat(log.fileno())
        environment = {**os.environ, "JOURNAL_STREAM": f"{told.st_dev}:{told.st_ino}"}
        command = [sys.executable, "-m", "bounceclass", "run", "--once", "--store", f"sqlite:///{tmp_path}/b.db", place.url]
        subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=log, check=True, env=environment, timeout=60)  # noqa: S603  our own command
    lines = (tmp_path / "log").read_text().splitlines()
    assert [line for line in lines if not line.startswith(("<4>WARNING ", "<6>INFO "))] == []
    assert len(lines) > 2
