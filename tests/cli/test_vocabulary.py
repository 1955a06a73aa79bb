from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bounceclass.cli.main import command
from bounceclass.translate import VOCABULARIES

SAMPLE = str(Path(__file__).parent.parent.parent / "samples" / "rfc3464" / "03-mailbox-full.eml")
LINE = "452 4.2.2 mailbox full"


def run(*arguments: str) -> str:
    done = CliRunner().invoke(command, arguments)
    assert done.exception is None, done.output
    return done.stdout


@pytest.mark.parametrize("arguments", [("reply", LINE), ("classify", SAMPLE)])
@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_verdict_is_said_in_others_words_in_every_format(arguments: tuple[str, str], name: str) -> None:
    told = json.loads(run(*arguments, "--vocabulary", name, "--format", "jsonl"))
    event = told["events"][0] if "events" in told else told
    word = event["translation"]["word"]
    assert event["translation"]["vocabulary"] == name
    assert f"mailbox-full{'' if 'events' in told else ' (delay)'} = {word}" in run(*arguments, "--vocabulary", name)
    (row,) = csv.DictReader(io.StringIO(run(*arguments, "--vocabulary", name, "--format", "csv")))
    assert row[f"{name} word"] == word


def test_without_it_nothing_is_added() -> None:
    assert "translation" not in run("reply", LINE, "--format", "json")
    assert "word" not in run("reply", LINE, "--format", "csv").partition("\n")[0]


def test_a_vocabulary_that_nobody_knows_is_a_usage_error() -> None:
    assert CliRunner().invoke(command, ["reply", LINE, "--vocabulary", "klingon"]).exit_code == 2
